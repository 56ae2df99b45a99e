"""Metrics: over the labels that are present, equal to scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from zoo.tasks import Task
from zoo.training.metrics import (
    MAIN_METRIC,
    evaluate,
    mean_main_metric,
    merit,
    metric_names,
    why_undefined,
)

TASKS = {
    "categories": Task("categories", ("a", "b", "c", "never")),
    "multilabel": Task("multilabel", ("a", "b", "c")),
    "regression": Task("regression", mean=5.0, scale=2.0),
}
every_kind = pytest.mark.parametrize("kind", TASKS)


def example(kind, rows=100, seed=0):
    generator = np.random.default_rng(seed)
    target = {
        "categories": generator.integers(0, 3, rows).astype("int32"),
        "multilabel": generator.integers(0, 2, (rows, 3)).astype("float32"),
        "regression": generator.normal(size=rows),
    }[kind]
    outputs = TASKS[kind].outputs
    output = generator.normal(size=(rows, outputs)).astype("float32")
    if kind == "regression":
        output = target[:, None].astype("float32") + output
    return target, output


def ten_of(rows=100, seed=1):
    weight = np.zeros(rows, "float32")
    weight[np.random.default_rng(seed).choice(rows, 10, replace=False)] = 1
    return weight


@every_kind
def test_ten_labels_of_a_hundred_rows_count_as_ten(kind):
    target, output = example(kind)
    weight = ten_of()
    there = weight > 0
    alone = evaluate(TASKS[kind], target[there], weight[there], output[there])
    among = evaluate(TASKS[kind], target, weight, output)
    assert among == alone and among["rows"] == 10


@every_kind
@pytest.mark.parametrize("wild", [1e6, np.nan])
def test_rows_without_a_label_do_not_matter(kind, wild):
    target, output = example(kind)
    weight = ten_of()
    changed = output.copy()
    changed[weight == 0] = wild
    assert evaluate(TASKS[kind], target, weight, output) == evaluate(
        TASKS[kind], target, weight, changed
    )


def test_categories_against_scikit_learn():
    target, output = example("categories")
    predicted = output.argmax(-1)
    found = evaluate(TASKS["categories"], target, np.ones(100), output)
    assert found["accuracy"] == reference.accuracy_score(target, predicted)
    assert found["macro_f1"] == reference.f1_score(target, predicted, average="macro")
    matrix = np.zeros((4, 4), int)
    for true, said, count in found["confusion"]:
        matrix[true, said] = count
    expected = reference.confusion_matrix(target, predicted, labels=range(4))
    assert np.array_equal(matrix, expected)


@pytest.mark.parametrize("labels", [1, 2, 5])
@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_multilabel_against_scikit_learn(labels, share):
    """Of a single column scikit-learn would make two classes: it gets its positives."""
    generator = np.random.default_rng(labels)
    task = Task("multilabel", tuple("abcde"[:labels]))
    target = (generator.random((100, labels)) < share).astype("float32")
    target[3, 0], target[:, 2:] = 1.0, 0.0  # and labels that never apply
    output = generator.normal(size=(100, labels))
    found = evaluate(task, target, np.ones(100), output)
    options = {"zero_division": 0}
    if labels == 1:
        expected = reference.f1_score(target[:, 0], output[:, 0] > 0, **options)
        expected = {"micro": expected, "macro": expected}
    else:
        expected = {
            average: reference.f1_score(target, output > 0, average=average, **options)
            for average in ("micro", "macro")
        }
    for average, value in expected.items():
        assert found[f"{average}_f1"] == pytest.approx(value, abs=1e-12)


def test_never_saying_a_single_label_earns_nothing():
    task, target = Task("multilabel", ("late",)), np.zeros((20, 1))
    target[:5] = 1
    silent = evaluate(task, target, np.ones(20), np.full((20, 1), -1.0))
    assert silent["micro_f1"] == silent["macro_f1"] == 0.0


@pytest.mark.parametrize(
    "mean, scale", [(0, 1), (5, 2), (1e9, 30), (1e9, 0.1), (0, 1e-7), (-1e15, 1e15)]
)
def test_regression_against_scikit_learn(mean, scale):
    """Of the values themselves, in float64, wherever they lie."""
    generator = np.random.default_rng(0)
    values = mean + scale * generator.normal(size=200)
    task = Task("regression", (), float(values.mean()), float(values.std()))
    target = task.standardised(values)
    output = (target + 0.1 * generator.normal(size=200)).astype("float32")[:, None]
    found = evaluate(task, target, np.ones(200), output)
    said = task.value(output[:, 0].astype("float64"))
    assert found["r2"] == pytest.approx(reference.r2_score(values, said), abs=1e-6)
    error = reference.mean_absolute_error(values, said)
    assert found["mae"] == pytest.approx(error, rel=1e-5)
    rmse = reference.mean_squared_error(values, said) ** 0.5
    assert found["rmse"] == pytest.approx(rmse, rel=1e-5)
    assert found["mae"] > 0.05 * scale


def test_weights_are_there_or_not():
    """A row of weight 3 is one row: metrics are of texts."""
    for kind, task in TASKS.items():
        target, output = example(kind)
        weight = np.random.default_rng(2).integers(0, 4, 100)
        whole = evaluate(task, target, weight > 0, output)
        assert evaluate(task, target, weight, output) == whole


def test_what_the_data_leave_undefined_says_so():
    number, tags = TASKS["regression"], TASKS["multilabel"]
    for value in (0.1, 3.3, 0.0):  # whose mean differs in the last bit
        constant = evaluate(number, np.full(3, value), np.ones(3), np.ones((3, 1)))
        assert np.isnan(constant["r2"]) and constant["undefined"]
        assert constant["mae"] == pytest.approx(2 * abs(1 - value))
        assert merit(number, constant) == -constant["mae"]
    nothing = evaluate(tags, np.zeros((4, 3)), np.ones(4), np.ones((4, 3)))
    assert np.isnan(nothing["micro_f1"]) and np.isnan(merit(tags, nothing))
    assert why_undefined(tags, np.eye(3), np.array([1, 0, 0])) == ""
    for kind, task in TASKS.items():
        found = evaluate(task, example(kind, 4)[0], np.zeros(4), np.zeros((4, 4)))
        assert found["rows"] == 0 and np.isnan(found[MAIN_METRIC[kind]])
        assert found["undefined"] == "no row has a label" and "mae" not in found


def test_outputs_that_are_no_numbers_are_wrong_answers():
    """They make no metric undefined: the mean over tasks would leave them out."""
    target, output = example("categories")
    output[:50] = np.nan
    found = evaluate(TASKS["categories"], target, np.ones(100), output)
    right = (output[50:].argmax(-1) == target[50:]).sum()
    assert found["accuracy"] == right / 100
    assert sum(count for *_, count in found["confusion"]) == 50
    target, output = example("multilabel")
    output[:] = np.nan
    assert evaluate(TASKS["multilabel"], target, np.ones(100), output)["micro_f1"] == 0
    target, output = example("regression")
    output[7] = np.nan
    found = evaluate(TASKS["regression"], target, np.ones(100), output)
    assert found["r2"] == -np.inf and found["mae"] == np.inf


@pytest.mark.filterwarnings("error")
def test_mean_over_the_tasks_that_had_rows():
    results = {
        "categories": {"accuracy": 0.5},
        "multilabel": {"micro_f1": float("nan")},
        "regression": {"r2": 0.25},
    }
    assert mean_main_metric(TASKS, results) == 0.375
    only = {"multilabel": TASKS["multilabel"]}
    assert np.isnan(mean_main_metric(only, results))


def test_ten_thousand_labels_stay_small():
    task = Task("categories", tuple(map(str, range(10_000))))
    target = np.arange(50)
    output = np.zeros((50, 10_000), "float32")
    output[target, target // 2 * 2] = 1
    found = evaluate(task, target, np.ones(50), output)
    assert found["accuracy"] == 0.5
    assert len(found["confusion"]) == 50


def test_names_are_those_of_keras():
    names = metric_names({"a b": TASKS["categories"], "m": TASKS["multilabel"]})
    assert names == {"a b": "task_0_accuracy", "m": "m_micro_f1"}
    assert metric_names({"a b": TASKS["regression"]}) == {"a b": "r2"}
