"""Temperatures, calibration errors and abstaining, against NumPy from the equations."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from zoo.families.classification.calibration import fit_temperature, with_abstain
from zoo.families.classification.constant import majority
from zoo.families.classification.reliability import (
    confidences,
    describe,
    expected_calibration_error,
    reliability,
)
from zoo.tasks import Task
from zoo.training.chunks import chunks

THREE = Task("categories", ("a", "b", "c"))
TAGS = Task("multilabel", ("x", "y"))
NUMBER = Task("regression")


def drawn(task, rows=4000, temperature=2.5, seed=0):
    """Logits that are `temperature` times too large for the labels drawn from them."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(rows, len(task.labels))) * 1.5
    if task.kind == "multilabel":
        chances = 1 / (1 + np.exp(-true))
        return (rng.random(true.shape) < chances).astype(float), true * temperature
    chances = np.exp(true) / np.exp(true).sum(-1, keepdims=True)
    labels = [rng.choice(len(task.labels), p=row) for row in chances]
    return np.array(labels), true * temperature


def surprise(task, target, logits, temperature):
    """`-Σ log p` of the labels, plus that of one more row whose label is unknown."""
    scaled = logits / temperature
    if task.kind == "multilabel":
        yes, no = -np.log1p(np.exp(-scaled)), -np.log1p(np.exp(scaled))
        held = np.where(target > 0, yes, no).sum()
        return -(held + (yes + no).sum() / (2 * len(logits)))
    logs = scaled - np.log(np.exp(scaled).sum(-1, keepdims=True))
    held = logs[np.arange(len(target)), target].sum()
    return -(held + logs.sum() / logs.size)


@pytest.mark.parametrize("rows", [10, 4000])
@pytest.mark.parametrize("task", [THREE, TAGS], ids=["categories", "multilabel"])
def test_the_temperature_is_the_one_of_the_least_surprise(task, rows):
    target, logits = drawn(task, rows)
    found = fit_temperature(task, target, np.ones(len(target)), logits)
    if rows > 1000:
        assert found == pytest.approx(2.5, rel=0.1)
    grid = np.geomspace(0.5, 10, 400)
    best = grid[np.argmin([surprise(task, target, logits, t) for t in grid])]
    assert found == pytest.approx(best, rel=0.02)


@pytest.mark.parametrize("task", [THREE, TAGS], ids=["categories", "multilabel"])
def test_pieces_change_nothing(task, monkeypatch):
    target, logits = drawn(task, 100)
    logits = logits.astype("float32")
    weight = np.arange(100) % 3
    whole = fit_temperature(task, target, weight, logits)
    answers = confidences(task, target, weight, logits)
    pieces = partial(chunks, most=20)
    monkeypatch.setattr("zoo.families.classification.calibration.chunks", pieces)
    monkeypatch.setattr("zoo.families.classification.reliability.chunks", pieces)
    assert fit_temperature(task, target, weight, logits) == pytest.approx(whole, 1e-6)
    for one, other in zip(answers, confidences(task, target, weight, logits)):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_thousands_of_labels_need_no_square_of_them():
    labels = 20_000  # whose square are 3 GB of float64
    task = Task("categories", tuple(map(str, range(labels))))
    logits = np.random.default_rng(0).normal(size=(40, labels)).astype("float32")
    target = np.arange(40)
    tracemalloc.start()
    fit_temperature(task, target, np.ones(40), logits)
    confidences(task, target, np.ones(40), logits)
    majority(task, target, np.ones(40), 40)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10 * logits.nbytes


def test_rows_without_a_label_do_not_count():
    target, logits = drawn(THREE, rows=50)
    weight = np.arange(50) % 2
    wrong = np.where(weight == 0, (target + 1) % 3, target)
    kept = weight > 0
    assert fit_temperature(THREE, wrong, weight, logits) == pytest.approx(
        fit_temperature(THREE, target[kept], np.ones(kept.sum()), logits[kept])
    )


def test_temperatures_stay_within_bounds():
    labels, ones = np.arange(300) % 3, np.ones(300)
    logits = np.eye(3)[labels] * 2.0  # always right: only the unknown row holds it
    assert 1 / 20 <= fit_temperature(THREE, labels, ones, logits) < 0.5
    assert 15 < fit_temperature(THREE, (labels + 1) % 3, ones, logits) <= 20
    assert fit_temperature(THREE, [], [], np.zeros((0, 3))) == 1.0
    assert fit_temperature(NUMBER, [0.5], [1.0], [[3.0]]) == 1.0


def test_confidences():
    task = replace(THREE, temperature=2.0)
    logits = np.array([[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [9.0, 0.0, 0.0]])
    confidence, right = confidences(task, [0, 2, 1], [1, 1, 0], logits)
    first, second = np.exp([1.0, 2.0])
    expected = [first / (first + 2), second / (second + 2)]
    np.testing.assert_allclose(confidence, expected)
    assert right.tolist() == [True, False]
    confidence, right = confidences(TAGS, [[1, 0]], [1], [[0.0, 2.0]])
    np.testing.assert_allclose(confidence, [0.5, 1 / (1 + np.exp(-2.0))])
    assert right.tolist() == [True, False]


def test_reliability_by_hand():
    confidence = [0.5, 0.51, 0.6, 0.9, 1.0, 0.0]
    right = [True, False, True, True, True, False]
    rows = reliability(confidence, right, bins=2)
    # 0.5 belongs to the lower bin, with 0.
    assert [row["answers"] for row in rows] == [2, 4]
    assert rows[0]["confidence"] == 0.25 and rows[0]["accuracy"] == 0.5
    assert rows[1]["confidence"] == pytest.approx(3.01 / 4)
    expected = (2 * 0.25 + 4 * abs(0.75 - 3.01 / 4)) / 6
    assert expected_calibration_error(confidence, right, bins=2) == pytest.approx(
        expected
    )
    assert np.isnan(expected_calibration_error([], []))


def test_a_temperature_lowers_the_error_of_too_sure_logits():
    target, logits = drawn(THREE)
    ones = np.ones(len(target))
    fitted = fit_temperature(THREE, target, ones, logits)
    task = replace(THREE, temperature=fitted, abstain=0.7)
    facts = describe(task, target, ones, logits)
    assert facts["ece"] < 0.03 < 0.1 < facts["ece_uncalibrated"]
    confidence, right = confidences(task, target, ones, logits)
    said = confidence >= 0.7
    assert facts["answered"] == said.mean() and 0.1 < facts["answered"] < 0.9
    assert facts["answered_accuracy"] == right[said].mean() > right.mean()
    assert describe(task, target, np.zeros(len(target)), logits) is None
    assert describe(NUMBER, [0.5], [1.0], [[3.0]]) is None


def test_abstaining_is_for_categories():
    tasks = with_abstain({"a": THREE, "n": NUMBER}, 0.6)
    assert (tasks["a"].abstain, tasks["n"].abstain) == (0.6, 0.0)
    with pytest.raises(ValueError, match="task of categories.*Received: .*regression"):
        with_abstain({"n": NUMBER}, 0.6)
