"""Metrics: over the labels that are present, equal to scikit-learn's."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from sklearn import metrics as reference

from zoo.tasks import Task
from zoo.training.metrics import (
    MAIN_METRIC,
    MicroF1,
    evaluate,
    mean_main_metric,
    metric_names,
    training_metric,
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
        "regression": generator.normal(5, 2, rows).astype("float32"),
    }[kind]
    outputs = TASKS[kind].outputs
    output = generator.normal(size=(rows, outputs)).astype("float32")
    if kind == "regression":
        output = target[:, None] + output
    return target, output


def ten_of(rows=100, seed=1):
    weight = np.zeros(rows, "float32")
    weight[np.random.default_rng(seed).choice(rows, 10, replace=False)] = 1
    return weight


def streamed(metric, target, output, weight, batch=16):
    for start in range(0, len(target), batch):
        part = slice(start, start + batch)
        metric.update_state(target[part], output[part], sample_weight=weight[part])
    return float(metric.result())


@every_kind
def test_ten_labels_of_a_hundred_rows_count_as_ten(kind):
    target, output = example(kind)
    weight = ten_of()
    there = weight > 0
    alone = evaluate(TASKS[kind], target[there], weight[there], output[there])
    among = evaluate(TASKS[kind], target, weight, output)
    assert among == alone and among["rows"] == 10
    metric = training_metric(TASKS[kind])
    assert streamed(metric, target, output, weight) == pytest.approx(
        alone[MAIN_METRIC[kind]], abs=1e-5
    )


@every_kind
def test_rows_without_a_label_do_not_matter(kind):
    target, output = example(kind)
    weight = ten_of()
    wild = output.copy()
    wild[weight == 0] = -1e6 * wild[weight == 0] - 1
    assert evaluate(TASKS[kind], target, weight, output) == evaluate(
        TASKS[kind], target, weight, wild
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


def test_multilabel_against_scikit_learn():
    target, output = example("multilabel")
    found = evaluate(TASKS["multilabel"], target, np.ones(100), output)
    for average in ("micro", "macro"):
        expected = reference.f1_score(target, output > 0, average=average)
        assert found[f"{average}_f1"] == pytest.approx(expected)
    assert streamed(MicroF1(), target, output, np.ones(100)) == pytest.approx(
        reference.f1_score(target, output > 0, average="micro"), abs=1e-6
    )


def test_micro_f1_weighs_rows_and_starts_over():
    target, output = example("multilabel")
    weight = np.random.default_rng(2).integers(0, 4, 100).astype("float32")
    expected = reference.f1_score(
        target, output > 0, average="micro", sample_weight=weight
    )
    metric = MicroF1()
    assert float(metric.result()) == 0
    assert streamed(metric, target, output, weight) == pytest.approx(expected, abs=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(metric)
    )
    assert isinstance(again, MicroF1) and again.name == metric.name


def test_regression_against_scikit_learn():
    target, output = example("regression")
    found = evaluate(TASKS["regression"], target, np.ones(100), output)
    value = output[:, 0]
    assert found["r2"] == pytest.approx(reference.r2_score(target, value), abs=1e-5)
    error = reference.mean_absolute_error(target, value)
    assert found["mae"] == pytest.approx(error, rel=1e-5)
    rmse = reference.mean_squared_error(target, value) ** 0.5
    assert found["rmse"] == pytest.approx(rmse, rel=1e-5)


def test_one_value_or_none_gives_no_number():
    constant = evaluate(TASKS["regression"], np.ones(3), np.ones(3), np.ones((3, 1)))
    assert np.isnan(constant["r2"]) and constant["mae"] == 0
    for kind, task in TASKS.items():
        nothing = evaluate(task, *example(kind, 4)[:1], np.zeros(4), np.zeros((4, 4)))
        assert nothing["rows"] == 0 and np.isnan(nothing[MAIN_METRIC[kind]])


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
