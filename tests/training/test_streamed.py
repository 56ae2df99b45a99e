"""Streamed over batches, the metrics of training count what a report counts."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.tasks import Task
from zoo.training.losses import task_loss
from zoo.training.metrics import MAIN_METRIC, evaluate
from zoo.training.streamed import WIDEST, training_metric

TASKS = {
    "categories": Task("categories", ("a", "b", "c")),
    "multilabel": Task("multilabel", ("a", "b")),
    "one": Task("multilabel", ("a",)),
    "regression": Task("regression"),
}


def example(kind, rows=90, offset=0.0):
    generator = np.random.default_rng(3)
    task = TASKS[kind]
    output = generator.normal(size=(rows, task.outputs)).astype("float32")
    if task.kind == "regression":
        target = offset + output[:, 0] + generator.normal(size=rows)
        return target.astype("float32"), offset + output
    if task.kind == "categories":
        return generator.integers(0, 3, rows).astype("int32"), output
    return (generator.random((rows, task.outputs)) < 0.2).astype("float32"), output


def streamed(metric, target, output, weight, batch=16):
    for start in range(0, len(target), batch):
        part = slice(start, start + batch)
        metric.update_state(target[part], output[part], sample_weight=weight[part])
    return float(metric.result())


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_batches_add_up_to_the_report(kind, offset):
    """With weights, batches without any label, and targets far from 0."""
    if offset and WIDEST == "float32":
        pytest.skip("in float32 the numbers themselves have lost their digits")
    task, metric = TASKS[kind], training_metric(TASKS[kind])
    target, output = example(kind, offset=offset)
    weight = np.random.default_rng(4).integers(0, 4, len(target)).astype("float32")
    weight[:16] = weight[32:48] = 0
    expected = evaluate(task, target, weight, output)[MAIN_METRIC[task.kind]]
    assert metric.name == MAIN_METRIC[task.kind]
    assert np.isnan(float(metric.result()))
    for _ in range(2):
        found = streamed(metric, target, output, weight)
        assert found == pytest.approx(expected, abs=1e-6)
        metric.reset_state()


@pytest.mark.parametrize("kind", TASKS)
def test_nothing_to_count_is_not_a_number(kind):
    target, output = example(kind)
    weight = np.zeros(len(target), "float32")
    assert np.isnan(streamed(training_metric(TASKS[kind]), target, output, weight))
    if TASKS[kind].kind != "categories":  # a constant, or a label that never applies
        found = streamed(training_metric(TASKS[kind]), 0 * target, output, weight + 1)
        assert np.isnan(found)


def test_keras_hands_them_what_they_read():
    """In `fit` and `evaluate`, for targets of one axis and of two."""
    tokens = keras.Input((2,))
    outputs = {
        kind: keras.layers.Dense(task.outputs, name=kind)(tokens)
        for kind, task in TASKS.items()
    }
    model = keras.Model(tokens, outputs)
    model.compile(
        loss={kind: task_loss(task) for kind, task in TASKS.items()},
        weighted_metrics={kind: [training_metric(TASKS[kind])] for kind in TASKS},
        jit_compile=False,
    )
    x = np.random.default_rng(5).normal(size=(90, 2)).astype("float32")
    targets = {kind: example(kind)[0] for kind in TASKS}
    weights = {kind: (np.arange(90) % 3).astype("float32") for kind in TASKS}
    logs = model.evaluate(
        x, targets, 8, sample_weight=weights, return_dict=True, verbose=0
    )
    predicted = model.predict(x, verbose=0)
    for kind, task in TASKS.items():
        found = evaluate(task, targets[kind], weights[kind], predicted[kind])
        metric = MAIN_METRIC[task.kind]
        assert logs[f"{kind}_{metric}"] == pytest.approx(found[metric], abs=1e-6)
