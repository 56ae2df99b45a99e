"""Intervals of the metrics of few rows."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.tasks import Task
from zoo.training.intervals import (
    FEW_ROWS,
    f1_interval,
    overlap,
    r2_interval,
    resampled_interval,
    share_interval,
)
from zoo.training.metrics import evaluate


@pytest.mark.parametrize(
    ("right", "rows", "low", "high"),
    # Brown, Cai and DasGupta 2001 give the formula; scipy's `binomtest(...)
    # .proportion_ci(method="wilson")` these numbers.
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)],
)
def test_the_interval_of_an_accuracy(right, rows, low, high):
    assert share_interval(right, rows) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(("share", "rows"), [(0.8, 5), (0.8, 20), (0.95, 20)])
def test_it_holds_the_true_accuracy_in_most_draws(share, rows):
    drawn = np.random.default_rng(0).binomial(rows, share, 4000)
    bounds = [share_interval(int(right), rows) for right in drawn]
    held = np.mean([low <= share <= high for low, high in bounds])
    assert held > 0.9


def labels(rows: int, seed: int):
    """True and predicted labels, whose F1 is 0.75 over many rows."""
    generator = np.random.default_rng(seed)
    true = generator.random((rows, 4)) < 0.5
    return true, np.where(generator.random(true.shape) < 0.25, ~true, true)


@pytest.mark.parametrize("kind", ["f1", "r2"])
def test_resamples_hold_the_true_metric_in_most_draws(kind):
    held = []
    for seed in range(60):
        if kind == "f1":
            low, high = f1_interval(*labels(60, seed))
            held.append(low <= 0.75 <= high)
        else:
            generator = np.random.default_rng(seed)
            low, high = r2_interval(
                generator.normal(size=80), generator.normal(0, 0.5, 80)
            )
            held.append(low <= 0.75 <= high)
    assert np.mean(held) > 0.85


def test_resamples_of_a_share_agree_with_the_formula():
    rows = np.array([[1.0, 1.0]] * 150 + [[0.0, 1.0]] * 50)
    found = resampled_interval(rows, lambda sums: sums[:, 0] / sums[:, 1])
    assert found == pytest.approx(share_interval(150, 200), abs=0.01)
    other = np.random.default_rng(1).permutation(rows)
    assert found == resampled_interval(other, lambda sums: sums[:, 0] / sums[:, 1])
    assert resampled_interval(rows, lambda sums: np.full(len(sums), np.nan)) is None


def test_which_results_have_one():
    task, ones = Task("categories", ("a", "b")), np.ones(FEW_ROWS)
    target = np.arange(FEW_ROWS) % 2
    logits = np.stack([np.zeros(FEW_ROWS), target - 0.5], axis=1)
    assert "interval" not in evaluate(task, target, ones, logits)
    few = (target[:10], ones[:10], logits[:10])
    low, high = evaluate(task, *few)["interval"]
    assert 0.7 < low < high == pytest.approx(1.0)
    assert "interval" not in evaluate(task, *few, ranking=False)
    assert "interval" not in evaluate(task, target, 0 * ones, logits)
    assert low < evaluate(task, target[:99], ones[:99], logits[:99])["interval"][0]
    price = Task("regression")
    constant = evaluate(price, np.zeros(5), np.ones(5), np.ones((5, 1)))
    assert "interval" not in constant
    assert "interval" not in evaluate(
        price, np.arange(5.0), np.ones(5), np.full((5, 1), np.nan)
    )


def test_scores_that_chance_may_explain():
    sure = {"accuracy": 0.9, "interval": [0.88, 0.92]}
    unsure = {"accuracy": 0.8, "interval": [0.7, 0.91]}
    worse = {"accuracy": 0.5, "interval": [0.4, 0.6]}
    assert overlap(sure, unsure, "accuracy") and overlap(unsure, sure, "accuracy")
    assert not overlap(sure, worse, "accuracy")
    assert not overlap({"accuracy": 0.9}, {"accuracy": 0.9}, "accuracy")
