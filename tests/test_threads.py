"""Eight threads ask one model: each gets the answers of its own texts.

Also what the models that are exported here take, see test_inputs.py.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import pytest
from marks import slow_but
from saved import SAVED

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

from tiny_export import build  # noqa: E402

import zoo  # noqa: E402
from zoo.serving import ServedModel, publish  # noqa: E402
from zoo.tasks import as_tasks  # noqa: E402

pytestmark = pytest.mark.tensorflow

THREADS = 8
TEXTS = [
    "a good day",
    "bad",
    "nothing at all good",
    "day day a bad day at all",
    "",
    "a",
]
QUESTIONS = [[text] for text in TEXTS] + [TEXTS[::2], TEXTS]
TOLERANCE = 1e-6


def parts_of(answer):
    """The strings and the numbers of an answer."""
    strings, numbers = [], []

    def walk(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                walk(item)
        else:
            (strings if isinstance(value, str) else numbers).append(value)

    walk(json.loads(json.dumps(answer, default=lambda array: array.tolist())))
    return strings, np.array(numbers, "float64")


def differ(one, other, tolerance=TOLERANCE) -> bool:
    (strings, numbers), (others, values) = parts_of(one), parts_of(other)
    if strings != others or numbers.shape != values.shape:
        return True
    return not np.allclose(numbers, values, rtol=tolerance, atol=tolerance)


def asked_at_once(ask, questions, rounds):
    """Asks from all threads; pairs of a question's place and the answer to it."""
    start = threading.Barrier(THREADS)

    def work(thread):
        places = [(3 * thread + turn) % len(questions) for turn in range(rounds)]
        start.wait()
        return [(place, ask(questions[place])) for place in places]

    with ThreadPoolExecutor(THREADS) as pool:
        return [pair for found in pool.map(work, range(THREADS)) for pair in found]


def mixed_up(found, expected):
    """The places of wrong answers."""
    for one, other in combinations(expected, 2):
        assert differ(one, other, 10 * TOLERANCE), "these cannot be told apart"
    return [place for place, answer in found if differ(answer, expected[place])]


def text_model() -> zoo.TextModel:
    """Always the same one; its scores of any two texts are far apart."""
    tasks = as_tasks({"mood": ["bad", "fair", "good"], "price": "regression"})
    pipeline = zoo.TextPipeline.learn(TEXTS, min_count=1, max_length=8)
    model = build(pipeline.vocab_size, tasks)
    return zoo.TextModel(model, pipeline, tasks, {"name": "tiny"})


@pytest.fixture(scope="module")
def classifier():
    return text_model()


def test_a_text_model(classifier):
    """All threads are the first to ask the other one."""
    expected = [classifier.predict(texts) for texts in QUESTIONS]
    found = asked_at_once(text_model().predict, QUESTIONS, rounds=10)
    assert len(found) == 10 * THREADS
    assert mixed_up(found, expected) == []


@pytest.mark.parametrize(
    "family", slow_but([], ["language", "tagging", "translation"], ["language"])
)
def test_models_of_other_families(family):
    model = zoo.load(SAVED / family)
    expected = [model.predict(texts) for texts in QUESTIONS]
    found = asked_at_once(model.predict, QUESTIONS, rounds=8)
    assert mixed_up(found, expected) == []
    known = json.loads((SAVED / "answers.json").read_text("utf-8"))[family]
    for place, answer in zip((0, 4), known, strict=True):  # the texts of that file
        assert not differ(expected[place], [answer], 1e-5)


@pytest.fixture(scope="module")
def served(classifier, tmp_path_factory):
    """Without the check in a process of its own, which takes seconds."""
    folder = tmp_path_factory.mktemp("served") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "_self_check", lambda folder: None)
        classifier.export(folder, examples=TEXTS)
    return folder


@pytest.fixture(scope="module")
def edge(classifier, tmp_path_factory):
    pytest.importorskip("ai_edge_litert")
    folder = tmp_path_factory.mktemp("edge") / "tiny"
    return zoo.edge.EdgeModel(zoo.edge.export(classifier, folder, length=8))


def test_a_served_model(classifier, served):
    model = ServedModel(served)
    found = asked_at_once(model.predict, QUESTIONS, rounds=25)
    expected = [model.predict(texts) for texts in QUESTIONS]
    assert mixed_up(found, expected) == []
    for place, texts in enumerate(QUESTIONS):
        scores = [
            [a["mood"]["scores"] for a in answers]
            for answers in (expected[place], classifier.predict(texts))
        ]
        assert not differ(*scores, 1e-4)


def test_what_a_served_model_takes(served):
    model = ServedModel(served, version=np.int64(1))
    for one in ("a good day", b"bad", np.str_("bad"), np.array("bad")):
        for ask in (model.predict, model.tokens):
            with pytest.raises(ValueError, match="`texts` must be a list.*: one "):
                ask(one)
    expected = model.predict(TEXTS)
    kinds = (iter, np.array, tf.constant, tf.data.Dataset.from_tensor_slices)
    for kind in kinds:
        assert not differ(model.predict(kind(TEXTS)), expected)
        assert model.tokens(kind(TEXTS)) == model.tokens(TEXTS)
    assert model.predict([]) == model.predict(iter(())) == model.tokens([]) == []


def test_an_edge_model(classifier, edge):
    questions = [classifier.pipeline.encode(texts) for texts in QUESTIONS]
    expected = [edge(rows) for rows in questions]
    python = [answer["mood"]["scores"] for answer in classifier.predict(TEXTS)]
    scores = [list(answer.values()) for answer in python]
    np.testing.assert_allclose(expected[-1]["mood_scores"], scores, atol=1e-5)
    found = asked_at_once(edge, questions, rounds=150)
    assert mixed_up(found, expected) == []


def test_what_an_edge_model_takes(classifier, edge):
    rows = classifier.pipeline.encode(TEXTS)
    expected = edge(rows)
    others = (
        iter(rows),
        (row.tolist() for row in rows),
        [tuple(row) for row in rows],
        [row.astype("int64") for row in rows],
    )
    for given in others:
        found = edge(given)
        assert set(found) == set(expected)
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])
    for nothing in ([], iter(())):
        shapes = {name: scores.shape for name, scores in edge(nothing).items()}
        assert shapes == {"mood_scores": (0, 3), "price_scores": (0, 1)}
    for given in ("a good day", ["a good day"], [["good"]], [[0.5]], [[[4]]]):
        with pytest.raises(ValueError, match=r"`rows\[0\]` must be the ids of a text"):
            edge(given)
