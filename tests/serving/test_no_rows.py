"""Signatures that are asked about no text answer with no rows, not with an error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

from small_models import TASKS, build, tasks_of  # noqa: E402

import zoo  # noqa: E402
from zoo.families import get_family  # noqa: E402
from zoo.families.classification.servable import Served  # noqa: E402
from zoo.families.language import servable as language  # noqa: E402
from zoo.families.tagging import servable as tagging  # noqa: E402
from zoo.families.translation import servable as translation  # noqa: E402
from zoo.serving.method_names import as_example  # noqa: E402
from zoo.text.table import bear_no_rows  # noqa: E402

pytestmark = pytest.mark.tensorflow
SAVED = Path(__file__).parents[1] / "data" / "before_families"
TEXTS = ["a good day", "a bad day", "nothing at all"]
NO_TEXT = tf.zeros([0], tf.string)
ONE_TEXT = tf.constant(TEXTS[:1])


@pytest.fixture(scope="module")
def pipeline():
    return zoo.TextPipeline.learn(TEXTS, min_count=1, max_length=8)


@pytest.fixture(scope="module")
def classifier(pipeline):
    model = build(("text_cnn", {}))
    family = get_family("classification")
    return family.servable(model, pipeline, TASKS, [], {})


@pytest.fixture(scope="module")
def saved():
    """By family: the model of a folder, and what is served of it.

    Without the answers of Python to check an export by, which take seconds.
    """
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(language, "expected_calls", lambda *parts: [])
        patch.setattr(tagging, "tagging_calls", lambda *parts: [])
        patch.setattr(translation, "translation_calls", lambda *parts: [])
        for name in ("language", "tagging", "translation"):
            model = zoo.load(SAVED / name)
            parts = (model.model, model.pipeline, model.tasks, [], model.metadata)
            found[name] = model, get_family(name).servable(*parts)
    return found


def answer_of_python(family: str) -> dict:
    """For the one text, written when the models were saved."""
    return json.loads((SAVED / "answers.json").read_text("utf-8"))[family][0]


def assert_no_rows(none: dict, one: dict, **sizes) -> None:
    """No row of the same kind as the one row of another answer.

    Args:
        none: outputs for no text.
        one: outputs for one text.
        sizes: of the axes behind the rows, by output, where they are fixed.
    """
    assert set(none) == set(one) and set(sizes) <= set(one)
    for name, values in none.items():
        assert one[name].shape[0] == 1, name
        assert values.shape[0] == 0, name
        assert values.dtype == one[name].dtype, name
        assert values.shape.rank == one[name].shape.rank, name
        if name in sizes:
            for answer in (values, one[name]):
                assert tuple(answer.shape[1:]) == sizes[name], name


def test_a_function_of_rows_sees_one_row_of_zeros():
    seen = []

    def means(x, words, factor):
        seen.append((x.numpy().tolist(), words.numpy().tolist(), factor.numpy()))
        return {"mean": x[:, 0] / tf.reduce_max(x + 1.0), "words": words}

    bearing = bear_no_rows(means)
    none = bearing(tf.zeros([0, 2]), NO_TEXT, tf.constant(3))
    assert seen == [([[0.0, 0.0]], [b""], 3)]
    assert none["mean"].shape == none["words"].shape == (0,)
    some = bearing(tf.ones([2, 2]), tf.constant(["a", "b"]), tf.constant(3))
    assert seen[1] == ([[1.0, 1.0], [1.0, 1.0]], [b"a", b"b"], 3)
    assert some["mean"].numpy().tolist() == [0.5, 0.5]
    assert some["words"].numpy().tolist() == [b"a", b"b"]


@pytest.mark.slow
def test_a_classifier(classifier, pipeline):
    endpoints = classifier.endpoints
    mood, tags, price = TASKS
    width = endpoints["embed"](ONE_TEXT)["embedding"].shape[1]
    names = classifier.outputs
    sizes = {
        "serving_default": {
            names[mood]["scores"]: (3,),
            names[tags]["scores"]: (3,),
            names[price]["scores"]: (1,),
            names[mood]["label"]: (),
            names[tags]["label"]: (),
            names[price]["label"]: (),
        },
        "embed": {"embedding": (width,), "length": ()},
        "tokens": {"length": ()},
        **{
            signature: {"classes": (3,), "scores": (3,)}
            for signature in ("classify", "classify_task_0", "classify_tags")
        },
        **{name: {"outputs": (1,)} for name in ("regress", "regress_price")},
    }
    assert set(endpoints) == set(sizes)
    one_example = tf.constant([as_example(TEXTS[0].encode())])
    for name, endpoint in endpoints.items():
        calls = name.startswith(("classify", "regress"))
        one = endpoint(one_example if calls else ONE_TEXT)
        assert_no_rows(endpoint(NO_TEXT), one, **sizes[name])
    ids = endpoints["tokens"](ONE_TEXT)["ids"].numpy()
    assert ids.tolist() == [pipeline.encode(TEXTS[:1])[0].tolist()]


@pytest.mark.parametrize("name", ["bilstm_mt", "lstm"])
def test_classifiers_with_loops_maxima_and_tables(name, pipeline):
    tasks = tasks_of(name)
    model = build((name, {}))
    served = Served(model, pipeline, tasks)
    none = served.endpoints["serving_default"](NO_TEXT)
    one = served.endpoints["serving_default"](ONE_TEXT)
    assert_no_rows(none, one)
    logits = model(pipeline(TEXTS[:1]), training=False)
    first = next(iter(tasks))
    mood = np.asarray(logits[first])[0]
    powers = np.exp(mood - mood.max())
    scores = one[f"{first}_scores"][0]
    np.testing.assert_allclose(scores, powers / powers.sum(), atol=1e-5)


@pytest.mark.slow
def test_a_language_model(saved):
    _, servable = saved["language"]
    endpoints = servable.endpoints
    assert set(endpoints) == {"serving_default", "generate", "score", "step", "tokens"}
    options = (
        tf.constant(5),
        tf.constant(0.5),
        tf.constant(3),
        tf.constant(0.9),
        tf.constant(7),
    )
    for name in ("serving_default", "generate"):
        behind = options if name == "generate" else ()
        none, one = (endpoints[name](t, *behind) for t in (NO_TEXT, ONE_TEXT))
        assert_no_rows(none, one, text=(), log_probability=())
    none, one = (endpoints["score"](text) for text in (NO_TEXT, ONE_TEXT))
    assert_no_rows(none, one, log_probability=(), tokens=())
    expected = answer_of_python("language")
    assert one["tokens"].numpy().tolist() == [expected["tokens"]]
    found = one["log_probability"].numpy()[0]
    assert found == pytest.approx(expected["log_probability"], abs=1e-4)
    none, one = (endpoints["tokens"](text) for text in (NO_TEXT, ONE_TEXT))
    assert_no_rows(none, one, length=())


@pytest.mark.parametrize("time", [0, 1, 3])
def test_steps_of_a_language_model(saved, time):
    model, servable = saved["language"]
    step = servable.endpoints["step"]
    state, vocabulary = model.model.input["state"].shape[-1], model.pipeline.vocab_size
    none, one = (
        step(tf.ones([rows, time], tf.int32), tf.zeros([rows, state]))
        for rows in (0, 1)
    )
    assert_no_rows(none, one, logits=(time, vocabulary), state=(state,))


@pytest.mark.slow
def test_a_tagger(saved):
    _, servable = saved["tagging"]
    endpoints = servable.endpoints
    assert set(endpoints) == {"serving_default", "words", "tokens"}
    for name in ("serving_default", "tokens"):
        none, one = (endpoints[name](text) for text in (NO_TEXT, ONE_TEXT))
        assert_no_rows(none, one)
    words = tf.constant([["a", "good", ""]])
    tags = [endpoints["words"](words[:rows]) for rows in (0, 1)]
    assert_no_rows(*tags, lengths=(), tags=(3,), tag_scores=(3,))
    assert tags[1]["lengths"].numpy().tolist() == [2]
    none = endpoints["words"](tf.zeros([0, 0], tf.string))
    assert all(values.shape[0] == 0 for values in none.values())
    assert none["tags"].shape == (0, 0)


@pytest.mark.slow
def test_a_translation_model(saved):
    _, servable = saved["translation"]
    endpoints = servable.endpoints
    assert set(endpoints) == {"serving_default", "translate", "tokens"}
    none, one = (endpoints["serving_default"](text) for text in (NO_TEXT, ONE_TEXT))
    assert_no_rows(none, one, **dict.fromkeys(one, ()))
    expected = answer_of_python("translation")
    assert one["translation"].numpy().tolist() == [expected["translation"].encode()]
    options = (
        tf.constant(3),
        tf.constant(2),
        tf.constant(1.0),
        tf.constant(0.0),
        tf.constant(4),
    )
    none, one = (endpoints["translate"](t, *options) for t in (NO_TEXT, ONE_TEXT))
    fixed = dict.fromkeys(("translation", "score", "log_probability"), (2,))
    assert_no_rows(none, one, **fixed, cut=())
    none, one = (endpoints["tokens"](text) for text in (NO_TEXT, ONE_TEXT))
    assert_no_rows(none, one, length=())
