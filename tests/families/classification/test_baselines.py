"""The baselines that every model is shown beside."""

from __future__ import annotations

import os
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from marks import slow_but
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from zoo.families.classification import baseline_estimator
from zoo.families.classification import linear as linears
from zoo.families.classification.baselines import union_available
from zoo.families.classification.constant import majority
from zoo.families.classification.linear import fit_linear
from zoo.tasks import Task
from zoo.training.chunks import chunks
from zoo.training.metrics import MAIN_METRIC, evaluate

TASKS = {
    "categories": Task("categories", ("a", "b", "c")),
    "multilabel": Task("multilabel", ("a", "b", "c")),
    "regression": Task("regression", mean=5.0, scale=2.0),
}
every_kind = pytest.mark.parametrize("kind", TASKS)
WORDS = ["red", "green", "blue"]


def linear(task, train, valid, texts):
    """What the chosen model says of some texts."""
    return fit_linear(task, train, valid)(texts)


def example(kind, rows=60, seed=0, words=WORDS):
    """Texts whose words decide their labels; a third have no label, and lie."""
    generator = np.random.default_rng(seed)
    first = generator.integers(0, len(words), rows)
    texts = [f"the {words[i]} one {generator.integers(99)}" for i in first]
    weight = (np.arange(rows) % 3 > 0).astype("float32")
    shown = np.where(weight > 0, first, 0)
    target = {
        "categories": shown.astype("int32"),
        "multilabel": np.eye(3, dtype="float32")[shown % 3],
        "regression": shown * 2.0 + 3,
    }[kind]
    return (texts, target, weight), first


def truth(kind, first):
    return {
        "categories": first,
        "multilabel": np.eye(3)[first % 3],
        "regression": first * 2.0 + 3,
    }[kind]


@every_kind
def test_linear_learns_what_words_say(kind):
    train, _ = example(kind)
    valid, _ = example(kind, 20, seed=1)
    (texts, *_), first = example(kind, 30, seed=2)
    outputs = linear(TASKS[kind], train, valid, texts)
    assert outputs.shape == (30, TASKS[kind].outputs) and outputs.dtype == "float32"
    found = evaluate(TASKS[kind], truth(kind, first), np.ones(30), outputs)
    assert found[MAIN_METRIC[kind]] > 0.9


@every_kind
def test_majority_is_of_the_present_labels(kind):
    task = TASKS[kind]
    target = np.array([2, 2, 1, 0, 0, 0, 0])
    weight = np.array([1, 1, 1, 0, 0, 0, 1.0])
    targets = {
        "categories": target,
        "multilabel": np.eye(3)[target],
        "regression": target * 1.0,
    }
    outputs = majority(task, targets[kind], weight, 4)
    expected = {
        "categories": [0, 0, 1],
        "multilabel": [-0.25, -0.25, 0.0],
        "regression": [1.25],
    }
    np.testing.assert_allclose(outputs, np.tile(expected[kind], (4, 1)))


@pytest.mark.parametrize("kind", slow_but(["categories"], TASKS))
def test_missing_parts(kind):
    train, first = example(kind)
    nothing = ([], train[1][:0], train[2][:0])
    outputs = linear(TASKS[kind], train, nothing, train[0])
    there = train[2] > 0
    found = evaluate(TASKS[kind], truth(kind, first), there, outputs)
    assert found[MAIN_METRIC[kind]] > 0.9
    assert linear(TASKS[kind], train, train, []).shape == (0, TASKS[kind].outputs)


@every_kind
def test_texts_without_words_get_the_majority(kind):
    (_, target, weight), _ = example(kind, 12)
    empty = ["", " ", "\t"] * 4
    part = (empty, target, weight)
    outputs = linear(TASKS[kind], part, part, ["", "new"])
    expected = majority(TASKS[kind], target, weight, 2)
    np.testing.assert_array_equal(outputs, expected)


def test_labels_that_train_lacks_score_nothing():
    task = Task("categories", ("a", "b", "c", "d"))
    train, first = example("categories")
    outputs = linear(task, train, train, train[0])
    assert outputs.shape == (60, 4) and not outputs[:, 3].any()


def test_a_multilabel_task_of_one_label():
    (texts, target, weight), first = example("multilabel")
    part = (texts, target[:, :1], weight)
    outputs = linear(Task("multilabel", ("a",)), part, part, texts)
    assert outputs.shape == (60, 1)
    there = weight > 0
    assert np.array_equal(outputs[there, 0] > 0, first[there] == 0)


@pytest.mark.parametrize("kind", ["categories", "multilabel"])
def test_very_many_labels_are_soon_done(kind):
    """A linear model of 10,000 labels takes gigabytes, or hours."""
    labels = 10_000
    task = Task(kind, tuple(map(str, range(labels))))
    ids = np.repeat(np.arange(0, labels, 20), 2)
    texts = [f"word{i} and more{i}" for i in ids]
    target = ids.astype("int32")
    if kind == "multilabel":
        target = np.zeros((len(ids), labels), "float32")
        target[np.arange(len(ids)), ids] = 1
    train, valid = [(texts[:n], target[:n], np.ones(n)) for n in (len(ids), 50)]
    outputs = linear(task, train, valid, texts[:50])
    assert outputs.shape == (50, labels)
    assert np.array_equal(outputs.argmax(-1), ids[:50])


@pytest.mark.parametrize("labels", [3, 300], ids=["logistic", "votes"])
def test_outputs_in_pieces_are_the_same(labels, monkeypatch):
    (texts, target, weight), _ = example("categories")
    task = Task("categories", tuple(map(str, range(labels))))
    part = (texts, target, weight)
    whole = linear(task, part, part, texts)
    monkeypatch.setattr(baseline_estimator, "chunks", partial(chunks, most=700))
    np.testing.assert_allclose(linear(task, part, part, texts), whole, atol=1e-6)
    assert whole[:, :3].any(axis=1).all() and not whole[:, 3:].any()


@pytest.mark.parametrize(
    ("task", "most"),
    [
        (Task("categories", ("a", "b")), 200_000),
        (Task("categories", tuple(map(str, range(10)))), 200_000),
        (Task("categories", tuple(map(str, range(100)))), 30_000),
        (TASKS["multilabel"], 200_000),
        (TASKS["regression"], 200_000),
    ],
)
def test_many_classes_have_fewer_features(task, most):
    """L-BFGS keeps some thirty copies of the weights: at 3 million, 0.7 GB."""
    assert linears.most_features(task) == most


def test_union_is_of_tasks_with_the_same_labels():
    same, other = Task("categories", ("a", "b")), Task("categories", ("b", "a"))
    assert union_available({"x": same, "y": same})
    assert not union_available({"x": same})
    assert not union_available({"x": same, "y": other})
    tags = Task("multilabel", ("a", "b"))
    assert not union_available({"x": tags, "y": tags})


def inflected(rows, first, last):
    """Words that each occur once: the ending decides the label."""
    target = np.arange(rows) % 2
    stems = np.random.default_rng(first).integers(first, last, rows)
    texts = [f"st{n}{'ling' if label else 'nost'}" for n, label in zip(stems, target)]
    return texts, target, np.ones(rows)


def test_characters_are_used_where_words_are_new():
    """The forms of the validation and the test part are unseen in training."""
    task = Task("categories", ("a", "b"))
    train, valid = inflected(300, 0, 30_000), inflected(900, 30_000, 60_000)
    model = fit_linear(task, train, valid)
    assert model.chosen["characters"] and model.chosen["parameter"] == "C"
    texts, target, _ = inflected(200, 60_000, 90_000)
    assert (model(texts).argmax(-1) == target).mean() > 0.99
    few = fit_linear(task, inflected(80, 0, 30_000), ([], target[:0], np.ones(0)))
    assert few.chosen["characters"]


def test_of_equals_the_smallest_and_most_regularised_is_taken():
    task = Task("categories", ("a", "b"))
    texts = ["all good", "all bad"] * 600
    part = (texts, np.arange(1200) % 2, np.ones(1200))
    chosen = fit_linear(task, part, part).chosen
    assert not chosen["characters"] and chosen["strength"] == 0.3
    assert chosen["features"] == 5


@every_kind
def test_eight_rows(kind):
    (texts, target, _), _ = example(kind, 8)
    part = (texts[:6], target[:6], np.ones(6))
    rest = (texts[6:], target[6:], np.ones(2))
    assert linear(TASKS[kind], part, rest, texts).shape == (8, TASKS[kind].outputs)


def test_one_class_alone_is_the_answer():
    task = Task("categories", ("a", "b"))
    part = (["one", "two", "three"], np.ones(3, int), np.ones(3))
    model = fit_linear(task, part, part)
    assert (model(["new", ""]).argmax(-1) == 1).all()
    assert model.chosen == {"words": "none"}


def test_a_sample_is_compared_where_the_texts_are_many(monkeypatch):
    """And n-grams of characters are left out where they would take gigabytes."""
    monkeypatch.setattr(linears, "MOST_WORK", 1000)
    monkeypatch.setattr(linears, "FEWEST_ROWS", 200)
    monkeypatch.setattr(linears, "MOST_CHARACTERS", 1000)
    train, valid = inflected(1500, 0, 30_000), inflected(50, 0, 30_000)
    chosen = fit_linear(Task("categories", ("a", "b")), train, valid).chosen
    assert not chosen["characters"] and chosen["features"] > 200


def ten_lines(train, valid, test):
    """The best on the validation part of what scikit-learn's manual shows."""
    best = (-1.0, 0.0)
    for characters, min_df in product((False, True), (1, 2)):
        kinds = [TfidfVectorizer(ngram_range=(1, 2), min_df=min_df)]
        if characters:
            more = dict(analyzer="char_wb", ngram_range=(2, 5), min_df=min_df)
            kinds.append(TfidfVectorizer(**more))
        seen = hstack([kind.fit_transform(train[0]) for kind in kinds]).tocsr()
        rest = [hstack([k.transform(p[0]) for k in kinds]) for p in (valid, test)]
        for strength in (0.3, 1, 3, 10, 30):
            model = LogisticRegression(C=strength, max_iter=300).fit(seen, train[1])
            scores = [model.score(x, y[1]) for x, y in zip(rest, (valid, test))]
            best = max(best, tuple(scores), key=lambda pair: pair[0])
    return best[1]


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["sst2", "trec", "pros_cons"])
def test_as_good_as_ten_lines_of_scikit_learn(name):
    folder = Path(os.environ["ZOO_DATA"], name)
    if not folder.is_dir():
        pytest.skip(f"no {name} in ZOO_DATA")
    parts, labels = [], {}
    for part in ("train", "valid", "test"):
        lines = (folder / f"{part}.tsv").read_text("utf-8").splitlines()
        rows = [line.split("\t") for line in lines]  # label first, text last
        target = [labels.setdefault(row[0], len(labels)) for row in rows]
        parts.append(([row[-1] for row in rows], np.array(target), np.ones(len(rows))))
    model = fit_linear(Task("categories", tuple(labels)), *parts[:2])
    texts, target, _ = parts[2]
    own = (model(texts).argmax(-1) == target).mean()
    assert own >= ten_lines(*parts) - 0.003
