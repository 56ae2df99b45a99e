"""Losses: means over the labels that are present, and nothing from the others."""

from __future__ import annotations

import numpy as np
import pytest
from gradients import MODES, value_and_gradients

from zoo.tasks import Task
from zoo.training.losses import mean_loss, task_loss, task_loss_weights

TASKS = {
    "categories": Task("categories", ("a", "b", "c")),
    "multilabel": Task("multilabel", ("a", "b", "c")),
    "regression": Task("regression", mean=5.0, scale=2.0),
}
WEIGHT = np.array([1, 0, 0.5, 0, 3], "float32")
every_kind = pytest.mark.parametrize("kind", TASKS)


def example(kind, seed=0, rows=5):
    """Targets and outputs as a model gives them."""
    generator = np.random.default_rng(seed)
    task = TASKS[kind]
    target = {
        "categories": generator.integers(0, 3, rows).astype("int32"),
        "multilabel": generator.integers(0, 2, (rows, 3)).astype("float32"),
        "regression": generator.normal(size=rows).astype("float32"),
    }[kind]
    return target, generator.normal(size=(rows, task.outputs)).astype("float32")


def row_losses(kind, target, output):
    """From the definitions, a number a row."""
    output = output.astype("float64")
    if kind == "categories":
        likelihood = np.exp(output) / np.exp(output).sum(-1, keepdims=True)
        return -np.log(likelihood[np.arange(len(target)), target])
    if kind == "multilabel":
        p = 1 / (1 + np.exp(-output))
        return -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean(-1)
    return (output[:, 0] - target) ** 2


def loss(kind, target, output, weight, mode="eager"):
    function = task_loss(TASKS[kind])
    return value_and_gradients(
        lambda y: function(target, y, sample_weight=weight), output, mode
    )


@every_kind
@pytest.mark.parametrize("mode", MODES)
def test_mean_over_present_labels(kind, mode):
    target, output = example(kind)
    value, _ = loss(kind, target, output, WEIGHT, mode)
    expected = (row_losses(kind, target, output) * WEIGHT).sum() / WEIGHT.sum()
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    # Rows without a label are as good as not there.
    rows = WEIGHT > 0
    alone, _ = loss(kind, target[rows], output[rows], WEIGHT[rows], mode)
    np.testing.assert_allclose(value, alone, rtol=1e-6)


@every_kind
def test_gradient_of_present_labels(kind):
    target, output = example(kind)
    _, gradient = loss(kind, target, output, WEIGHT)
    step = 1e-4
    for row, column in np.ndindex(output.shape):
        values = []
        for sign in (1, -1):
            moved = output.astype("float64")
            moved[row, column] += sign * step
            values.append((row_losses(kind, target, moved) * WEIGHT).sum())
        expected = (values[0] - values[1]) / (2 * step) / WEIGHT.sum()
        np.testing.assert_allclose(gradient[row, column], expected, atol=1e-4)


@every_kind
@pytest.mark.parametrize("mode", MODES)
def test_no_label_at_all_gives_exactly_nothing(kind, mode):
    target, output = example(kind)
    value, gradient = loss(kind, target, output, np.zeros(5, "float32"), mode)
    assert value == 0
    assert np.array_equal(gradient, np.zeros_like(output))


@every_kind
def test_dummy_labels_do_not_matter(kind):
    target, output = example(kind)
    other = target.copy()
    missing = WEIGHT == 0
    other[missing] = 1 - other[missing] if kind == "multilabel" else 0
    assert not np.array_equal(target, other)
    value, gradient = loss(kind, target, output, WEIGHT)
    again, gradient_again = loss(kind, other, output, WEIGHT)
    assert value == again and np.array_equal(gradient, gradient_again)
    assert not gradient[missing].any() and gradient[~missing].any(axis=1).all()


@every_kind
def test_the_loss_of_all_rows_is_that_of_one_batch(kind):
    """Also over more rows than are widened at once."""
    target, output = example(kind, rows=2100)
    weight = np.resize(WEIGHT, 2100)
    value, _ = loss(kind, target, output, weight)
    found = mean_loss(TASKS[kind], target, weight, output)
    assert found == pytest.approx(float(value), rel=1e-5)
    output[weight == 0] = np.nan
    assert mean_loss(TASKS[kind], target, weight, output) == found
    assert mean_loss(TASKS[kind], target, 0 * weight, output) == 0
    output[0] = np.nan
    assert np.isnan(mean_loss(TASKS[kind], target, weight, output))


def test_large_logits_have_finite_losses():
    for kind, wrong in (("categories", 1e4), ("multilabel", 1e4 / 3)):
        target, output = np.array([0]), np.array([[-1e4, 0.0, 0.0]])
        target = target if kind == "categories" else np.array([[1.0, 0.0, 0.0]])
        found = mean_loss(TASKS[kind], target, np.ones(1), output)
        assert found == pytest.approx(wrong, rel=1e-3)


def test_loss_weights():
    found = task_loss_weights(TASKS, {"categories": 0.5, "regression": 3.0})
    assert found == {"categories": 0.5, "multilabel": 1.0, "regression": 3.0}
    with pytest.raises(
        ValueError, match="must name tasks. Accepted: categories, multi"
    ):
        task_loss_weights(TASKS, {"category": 1.0})
