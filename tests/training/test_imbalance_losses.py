"""Weights, focal loss and oversampling, against NumPy from the equations."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.special import expit, softmax

from zoo.tasks import TAGS, Task
from zoo.training.batching import TokenBatches
from zoo.training.imbalance import (
    FocalCrossentropy,
    WeightedBinaryCrossentropy,
    balanced,
    imbalance_loss,
    label_counts,
    rarest,
    repeats,
)

THREE = Task("categories", ("a", "b", "c"))
LABELS = Task("multilabel", ("a", "b", "c"))
WORDS = Task(TAGS, ("O", "B", "I"))
WEIGHT = np.array([1.0, 0.0, 2.0, 1.0, 0.5], "float32")


def drawn(kind, rows=5, seed=0):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(rows, 3), scale=2).astype("float32")
    if kind == "multilabel":
        return generator.integers(0, 2, (rows, 3)).astype("float32"), logits
    return generator.integers(0, 3, rows).astype("int32"), logits


def mean(losses):
    return (losses * WEIGHT).sum() / WEIGHT.sum()


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_focal_loss(gamma):
    target, logits = drawn("categories")
    p = softmax(logits.astype("float64"), axis=1)[np.arange(5), target]
    found = FocalCrossentropy(gamma)(target, logits, sample_weight=WEIGHT)
    expected = mean(-((1 - p) ** gamma) * np.log(p))
    assert float(found) == pytest.approx(expected, rel=1e-5)
    target, logits = drawn("multilabel")
    p = expit(logits.astype("float64"))
    p = np.where(target > 0, p, 1 - p)
    loss = FocalCrossentropy(gamma, multilabel=True)
    found = loss(target, logits, sample_weight=WEIGHT)
    expected = mean((-((1 - p) ** gamma) * np.log(p)).mean(axis=1))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_focal_loss_of_words():
    ids, logits = np.array([[0, 1], [2, 2]]), np.zeros((2, 2, 3), "float32")
    loss = FocalCrossentropy()
    weight = np.array([[1.0, 1.0], [1.0, 0.0]], "float32")
    expected = (2 / 3) ** 2 * np.log(3)
    assert float(loss(ids, logits, sample_weight=weight)) == pytest.approx(expected)


def test_weighted_binary_loss():
    target, logits = drawn("multilabel")
    positive, negative = [4.0, 1.0, 2.0], [0.5, 1.0, 0.25]
    p = expit(logits.astype("float64"))
    losses = np.where(target > 0, -np.log(p) * positive, -np.log(1 - p) * negative)
    loss = WeightedBinaryCrossentropy(positive, negative)
    found = loss(target, logits, sample_weight=WEIGHT)
    assert float(found) == pytest.approx(mean(losses.mean(axis=1)), rel=1e-5)


def test_losses_are_restored_from_their_config():
    for loss in (
        FocalCrossentropy(3.0, multilabel=True),
        WeightedBinaryCrossentropy([2.0, 1.0], [1.0, 1.0]),
    ):
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        assert again.get_config() == loss.get_config()


def test_large_logits_have_finite_losses():
    wrong = np.array([[-1e4, 0.0, 1e4]], "float32")
    for loss, target in (
        (FocalCrossentropy(), np.array([0])),
        (FocalCrossentropy(multilabel=True), np.array([[1.0, 0.0, 0.0]])),
        (WeightedBinaryCrossentropy([1.0] * 3, [1.0] * 3), np.array([[1.0, 0, 0]])),
    ):
        assert 1e3 < float(loss(target, wrong)) < 1e5


def test_which_losses_a_task_gets():
    target, _ = drawn("multilabel", rows=40)
    target[:, 0], ones = 0, np.ones(40)
    target[:4, 0] = 1
    loss = imbalance_loss(LABELS, "weights", target, ones)
    assert loss.positive[0] == pytest.approx(5.0)
    assert loss.negative[0] == pytest.approx(40 / 72)
    assert imbalance_loss(LABELS, "focal", target, ones).multilabel
    assert imbalance_loss(LABELS, "oversample", target, ones) is None
    ids = np.zeros(40, int)
    assert imbalance_loss(THREE, "weights", ids, ones) is None
    assert not imbalance_loss(THREE, "focal", ids, ones).multilabel
    assert imbalance_loss(Task("regression"), "focal", ids, ones) is None


def test_balanced_weights_have_a_limit():
    assert balanced(np.array([30, 10])) == pytest.approx([2 / 3, 2.0])
    few = balanced(np.array([99_990, 10]))
    assert few[1] / few[0] == pytest.approx(100)
    assert (few * [99_990, 10]).sum() == pytest.approx(100_000)


def test_counts_and_repeats():
    ids = np.array([0] * 90 + [1] * 9 + [2])
    assert label_counts(THREE, ids).tolist() == [90, 9, 1]
    found = repeats(THREE, ids)
    expected = np.sqrt(100 / 3 / np.array([9, 1]))
    np.testing.assert_allclose(found[[0, 90, 99]], [1.0, *expected])
    assert repeats(THREE, ids, np.arange(100) < 99)[99] == 1.0
    rare = np.array([0] * 99_999 + [1])
    assert repeats(THREE, rare).max() == 20
    target = np.eye(3)[ids]
    target[:, 0] = 1  # beside the rare ones
    assert label_counts(LABELS, target).tolist() == [100, 9, 1]
    np.testing.assert_allclose(
        repeats(LABELS, target)[[0, 90, 99]],
        [1.0, *np.sqrt(110 / 3 / np.array([9, 1]))],
    )
    words = [np.array([0, 0, 1])] * 9 + [np.array([0, 2, 2])]
    assert label_counts(WORDS, words).tolist() == [10, 9, 1]
    assert repeats(WORDS, words)[9] == pytest.approx(np.sqrt(20 / 3))
    assert repeats(Task("regression"), ids).tolist() == [1.0] * 100


def test_which_labels_are_rare():
    assert rarest(THREE, np.array([0] * 500 + [1] * 490 + [2] * 10)) == ("c", 0.01)
    assert rarest(THREE, np.array([0] * 500 + [1] * 450 + [2] * 50)) is None
    labels = np.zeros((100, 3))
    labels[:, 0], labels[0, 1] = 1, 1
    assert rarest(LABELS, labels) == ("b", 0.01)
    assert rarest(Task("regression"), np.zeros(3)) is None
    assert rarest(THREE, np.zeros(3, int), np.zeros(3)) is None


def epochs(preferred, rows=400, count=50):
    tokens = [np.ones(3 if row % 2 else 20, "int32") for row in range(rows)]
    ids = np.arange(rows)
    weights = {"a": (ids % 4 > 0).astype(float), "b": (ids % 4 == 0).astype(float)}
    batches = TokenBatches(
        tokens,
        {"a": ids, "b": ids},
        weights,
        batch_size=16,
        buckets=[8, 24],
        shuffle=True,
        preferred=preferred,
    )
    seen, sizes = np.zeros(rows), set()
    for epoch in range(count):
        batches.start_at(epoch)
        sizes.add(len(batches))
        for chosen, _ in batches.batches:
            np.add.at(seen, chosen, 1)
    return seen / count, sizes


def test_preferred_rows_are_drawn_more_often():
    preferred = np.ones(400)
    preferred[::10] = 6.0
    seen, sizes = epochs(preferred)
    assert len(sizes) == 1  # as Keras expects
    ids = np.arange(400)
    for group in (ids % 4 > 0, ids % 4 == 0):  # rows of each task as often as without
        assert seen[group].sum() == pytest.approx(group.sum(), abs=1)
        expected = preferred[group] / preferred[group].mean()
        np.testing.assert_allclose(seen[group], expected, atol=0.3)


def test_equal_preferences_draw_every_row_once():
    seen, _ = epochs(np.full(400, 2.5), count=3)
    assert (seen == 1).all()
