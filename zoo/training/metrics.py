"""Metrics of each kind of task: while training, and on held-out data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import keras
import numpy as np
from sklearn import metrics as sklearn_metrics

from zoo.tasks import Task, safe_names

# The metric that compares models of a task; higher is better for each.
MAIN_METRIC = {"categories": "accuracy", "multilabel": "micro_f1", "regression": "r2"}
# The numbers that `evaluate` gives for each kind.
METRICS = {
    "categories": ("accuracy", "macro_f1"),
    "multilabel": ("micro_f1", "macro_f1"),
    "regression": ("r2", "mae", "rmse"),
}


def training_metric(task: Task) -> keras.metrics.Metric:
    """The streaming metric shown while training; rows of weight 0 do not count."""
    name = MAIN_METRIC[task.kind]
    if task.kind == "categories":
        return keras.metrics.SparseCategoricalAccuracy(name=name)
    if task.kind == "multilabel":  # a logit above 0 is a probability above 1/2
        return MicroF1(name=name)
    return keras.metrics.R2Score(name=name)


def metric_names(tasks: Mapping[str, Task]) -> dict[str, str]:
    """The key of each task's main metric in Keras's logs."""
    alone = len(tasks) == 1
    safe = safe_names(tasks)
    return {
        name: MAIN_METRIC[task.kind]
        if alone
        else f"{safe[name]}_{MAIN_METRIC[task.kind]}"
        for name, task in tasks.items()
    }


@keras.saving.register_keras_serializable(package="zoo")
class MicroF1(keras.metrics.Metric):
    """F1 over all pairs of row and label: `2 tp / (2 tp + fp + fn)`, from logits."""

    def __init__(self, name: str = "micro_f1", **keywords) -> None:
        super().__init__(name=name, **keywords)
        self.hits = self.add_variable((), "zeros", name="hits")
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        true = keras.ops.cast(y_true, self.dtype)
        predicted = keras.ops.cast(y_pred > 0, self.dtype)
        if sample_weight is not None:
            weight = keras.ops.cast(
                keras.ops.reshape(sample_weight, (-1, 1)), self.dtype
            )
            true, predicted = true * weight, predicted * weight
        both = keras.ops.minimum(true, predicted)
        self.hits.assign_add(keras.ops.sum(both))
        self.total.assign_add(keras.ops.sum(true) + keras.ops.sum(predicted))

    def result(self):
        return keras.ops.divide_no_nan(2 * self.hits, self.total)


def evaluate(task: Task, target, weight, logits) -> dict:
    """Metrics of one task over the rows whose label is present.

    Args:
        task: the task.
        target: `[rows]` or `[rows, labels]`, as the model was trained on.
        weight: `[rows]`; rows of weight 0 are left out.
        logits: `[rows, outputs]`, what the model returns.

    Returns:
        A dict with `rows` and the kind's metrics: accuracy, macro F1 and `confusion`, a
        list of `[true id, predicted id, rows]` of the pairs that occur; micro and macro
        F1; or R2, mean absolute error and root mean squared error in the target's unit.
        The main metric is NaN without rows.
    """
    present = np.asarray(weight) > 0
    target, logits = np.asarray(target)[present], np.asarray(logits)[present]
    result = {"rows": int(present.sum())}
    if not present.any():
        return {**result, MAIN_METRIC[task.kind]: float("nan")}
    if task.kind == "categories":
        predicted = logits.argmax(axis=-1)
        pairs = np.stack([target, predicted], axis=1)
        pairs, counts = np.unique(pairs, axis=0, return_counts=True)
        return {
            **result,
            "accuracy": float((predicted == target).mean()),
            "macro_f1": _f1(target, predicted, "macro"),
            "confusion": np.column_stack([pairs, counts]).tolist(),
        }
    if task.kind == "multilabel":
        predicted = logits > 0
        return {
            **result,
            "micro_f1": _f1(target > 0, predicted, "micro"),
            "macro_f1": _f1(target > 0, predicted, "macro"),
        }
    error = logits[:, 0] - target
    variance = np.mean((target - target.mean()) ** 2)
    return {
        **result,
        "r2": float(1 - np.mean(error**2) / variance) if variance else float("nan"),
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(np.mean(error**2))),
    }


def mean_main_metric(tasks: Mapping[str, Task], results: Mapping[str, dict]) -> float:
    """Mean of the main metrics, over the tasks that had rows; NaN if none had."""
    return mean_of_known(
        results[name][MAIN_METRIC[task.kind]] for name, task in tasks.items()
    )


def mean_of_known(values: Iterable[float]) -> float:
    """Mean of the values that are not NaN; NaN if there are none."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _f1(true, predicted, average: str) -> float:
    score = sklearn_metrics.f1_score(true, predicted, average=average, zero_division=0)
    return float(score)


def mean_of_main(results: Mapping[str, Mapping]) -> float:
    """Mean over tasks of whichever main metric each task has."""
    values = [
        next(result[metric] for metric in MAIN_METRIC.values() if metric in result)
        for result in results.values()
    ]
    return mean_of_known(values)
