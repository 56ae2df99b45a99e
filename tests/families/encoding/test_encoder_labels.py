"""Encoders learn labels beside the vectors of a teacher."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_teacher import WORDS, make_teacher, table, texts

import zoo
from zoo.families.encoding.heads import with_heads
from zoo.families.encoding.labels import Labels, label_heads, labels_of

pytestmark = pytest.mark.tensorflow

GOOD, BAD = WORDS[:2]  # their teacher tells them no more apart than a word and itself


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    vectors = table()
    vectors[ids_of(BAD)] = vectors[ids_of(GOOD)]
    make_teacher(tmp_path / "teacher", vectors=vectors)
    return tmp_path


def ids_of(word: str) -> int:
    return WORDS.index(word) + 1


def rows(labelled: int = 80) -> list[dict]:
    """A third of the texts is not labelled."""
    found = []
    for number, text in enumerate(texts()):
        word = [GOOD, BAD][number % 2]
        others = [w for w in text.split() if w not in (GOOD, BAD)]
        label = ["good", "bad"][number % 2] if number < labelled else None
        found.append({"text": " ".join([word, *others]), "label": label})
    return found


def apart(place, **options) -> float:
    """How far the vectors of the two words are, relative to their length."""
    result = zoo.train(
        "static_encoder",
        rows(),
        label="label",
        teacher=str(place / "teacher/model.onnx"),
        verbose=False,
        epochs=4,
        min_count=1,
        batch_size=8,
        learning_rate=0.01,
        **options,
    )
    names = [layer.name for layer in result.model.model.layers]
    assert not [name for name in names if name.startswith("task_")]
    [vectors] = result.model.model.get_layer("embedding").get_weights()
    words = result.model.pipeline.vocabulary
    good, bad = (vectors[words.index(word)] for word in (GOOD, BAD))
    return float(np.linalg.norm(good - bad) / np.linalg.norm(good))


@pytest.mark.slow
def test_words_of_different_labels_move_apart(place):
    without = apart(place, label_weight=0)
    assert apart(place, label_weight=10) > 3 * without


def test_an_unlabelled_text_has_no_weight(place):
    splits = zoo.read(rows(), family="encoding", label="label", verbose=False)
    splits = replace(splits, unlabeled=["a fine day", "so dull"])
    labels = labels_of(splits)
    [weights] = labels.weights.values()
    assert len(weights) == len(splits.train) + len(splits.unlabeled)
    labelled = sum(label is not None for label in splits.train.labels["label"])
    assert weights.sum() == labelled < len(weights)
    assert not weights[-2:].any()


def test_no_labels():
    assert Labels().factors(0.3) == {}


def test_heads_share_the_features(place):
    model = zoo.get("static_encoder", 20, embedding_dim=4, width=3)
    tasks = zoo.tasks.as_tasks({"task_0": 3})
    labels = Labels(tasks, weights={"task_0": np.ones(2)})
    both = with_heads(model, label_heads(model, labels, 0.3))
    assert both.output["task_0"].shape == (None, 3)
    tokens = np.array([[4, 5]])
    np.testing.assert_array_equal(both(tokens)["embedding"], model(tokens)["embedding"])
