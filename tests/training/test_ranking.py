"""Top k, AUC and average precision, equal to scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics as reference

from zoo.tasks import Task
from zoo.training import ranking
from zoo.training.metrics import evaluate, metrics_of

TWO = Task("categories", ("no", "yes"))
SIX = Task("categories", tuple("abcdef"))
LABELS = Task("multilabel", ("a", "b", "c"))


def drawn(task, rows=200, seed=0):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(rows, task.outputs))
    if task.kind == "multilabel":
        return (generator.random(logits.shape) < 0.2).astype("float32"), logits
    return generator.integers(0, task.outputs, rows), logits


def test_two_categories():
    target, logits = drawn(TWO)
    found = evaluate(TWO, target, np.ones(200), logits)
    shares = softmax(logits, axis=1)[:, 1]
    assert found["auc"] == pytest.approx(reference.roc_auc_score(target, shares))
    expected = reference.average_precision_score(target, shares)
    assert found["average_precision"] == pytest.approx(expected)
    assert set(metrics_of(TWO)) < set(found) and "top_3_accuracy" not in found


def test_many_categories():
    target, logits = drawn(SIX)
    found = evaluate(SIX, target, np.ones(200), logits)
    shares = softmax(logits, axis=1)
    for most in (3, 5):
        expected = reference.top_k_accuracy_score(target, shares, k=most)
        assert found[f"top_{most}_accuracy"] == pytest.approx(expected)
    expected = reference.roc_auc_score(target, shares, multi_class="ovr")
    assert found["auc"] == pytest.approx(expected)
    expected = reference.average_precision_score(np.eye(6)[target], shares)
    assert found["average_precision"] == pytest.approx(expected)


def test_labels():
    target, logits = drawn(LABELS)
    found = evaluate(LABELS, target, np.ones(200), logits)
    assert found["auc"] == pytest.approx(reference.roc_auc_score(target, logits))
    expected = reference.average_precision_score(target, logits)
    assert found["average_precision"] == pytest.approx(expected)


@pytest.mark.parametrize("task", [TWO, SIX, LABELS], ids=["two", "six", "labels"])
def test_labels_of_no_row_or_of_all_are_left_out(task):
    target, logits = drawn(task)
    one = np.zeros_like(target)
    found = evaluate(task, one, np.ones(200), logits)
    assert np.isnan([found["auc"], found["average_precision"]]).all()
    if task is LABELS:
        target[:, 0], target[:, 1] = 0, 1
        found = evaluate(task, target, np.ones(200), logits)
        expected = reference.roc_auc_score(target[:, 2], logits[:, 2])
        assert found["auc"] == pytest.approx(expected)
    if task is SIX:
        target = target % 5
        found = evaluate(task, target, np.ones(200), logits)
        expected = reference.roc_auc_score(
            np.eye(6)[target][:, :5], softmax(logits, axis=1)[:, :5]
        )
        assert found["auc"] == pytest.approx(expected)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_rows_that_are_no_numbers_come_last(odd):
    for task in (TWO, SIX, LABELS):
        target, _ = drawn(task)
        right = 4 * (target if task is LABELS else np.eye(task.outputs)[target])
        assert evaluate(task, target, np.ones(200), right)["auc"] == 1
        right[:50] = odd
        found = evaluate(task, target, np.ones(200), right)
        assert 0.4 < found["auc"] < 0.95 and found["average_precision"] < 0.95
        if task is SIX:
            assert found["top_5_accuracy"] == 0.75


def test_equal_outputs_are_ordered_as_answers_are():
    """The first of equal outputs is the answer, so top k starts with it."""
    task = Task("categories", tuple("abcd"))
    found = evaluate(task, np.arange(4), np.ones(4), np.zeros((4, 4)))
    assert found["accuracy"] == 0.25 and found["top_3_accuracy"] == 0.75
    assert found["auc"] == 0.5


def test_too_many_labels_have_no_areas(monkeypatch):
    monkeypatch.setattr(ranking, "MOST_LABELS", 5)
    target, logits = drawn(SIX)
    found = evaluate(SIX, target, np.ones(200), logits)
    assert np.isnan(found["auc"]) and 0.4 < found["top_3_accuracy"] < 0.6


def test_the_metrics_of_an_epoch_are_without_them():
    target, logits = drawn(SIX)
    found = evaluate(SIX, target, np.ones(200), logits, ranking=False)
    assert set(found) == {"rows", "accuracy", "macro_f1", "confusion"}
