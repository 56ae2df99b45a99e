"""Metrics of each kind of task on held-out data, in training and in reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from scipy.special import logit
from sklearn import metrics as sklearn_metrics

from zoo.tasks import Task, safe_names
from zoo.training.intervals import (
    FEW_ROWS,
    INTERVAL,
    f1_interval,
    r2_interval,
    share_interval,
)
from zoo.training.ranking import ranking_metrics, ranking_names

# The metric that compares models of a task; higher is better for each.
MAIN_METRIC = {"categories": "accuracy", "multilabel": "micro_f1", "regression": "r2"}
# The scores of each kind that are computed after every epoch; see `metrics_of`.
METRICS = {
    "categories": ("accuracy", "macro_f1"),
    "multilabel": ("micro_f1", "macro_f1"),
    "regression": ("r2", "mae", "rmse"),
}
UNDEFINED = "undefined"  # shown in place of an undefined metric
NO_LABELS = "no row has a label"


def metrics_of(task: Task) -> tuple[str, ...]:
    """Returns the names of the scores of a task that `evaluate` returns.

    Example:
        >>> metrics_of(Task("categories", ("no", "yes")))
        ('accuracy', 'macro_f1', 'auc', 'average_precision')
    """
    return (*METRICS[task.kind], *ranking_names(task))


def log_prefixes(tasks: Mapping[str, Task]) -> dict[str, str]:
    """Returns the prefix of the metrics of each task in the logs of an epoch."""
    if len(tasks) == 1:
        return dict.fromkeys(tasks, "")
    return {name: f"{safe}_" for name, safe in safe_names(tasks).items()}


def metric_names(tasks: Mapping[str, Task]) -> dict[str, str]:
    """Returns the key of each task's main metric in the logs of an epoch."""
    return {
        name: prefix + MAIN_METRIC[tasks[name].kind]
        for name, prefix in log_prefixes(tasks).items()
    }


def why_undefined(task: Task, target, weight) -> str:
    """Returns why the main metric is undefined on these rows, or "".

    Args:
        task: the task.
        target: `[rows]` or `[rows, labels]`, as for `evaluate`.
        weight: `[rows]`; rows of weight 0 are ignored.

    Example:
        >>> why_undefined(Task("regression"), [0.5, 0.5, 9.0], [1, 1, 0])
        'the target is constant'
    """
    target = np.asarray(target)[np.asarray(weight) > 0]
    if not len(target):
        return NO_LABELS
    if task.kind == "regression" and target.min() == target.max():
        return "the target is constant"
    if task.kind == "multilabel" and not (target > 0).any():
        return "no label applies to any row"
    return ""


def evaluate(task: Task, target, weight, logits, *, ranking: bool = True) -> dict:
    """Computes the metrics of one task over the rows with a label, in float64.

    A row whose outputs are not numbers counts as wrong, with an infinite error.

    Args:
        task: the task.
        target: `[rows]` or `[rows, labels]`, from `zoo.data.encode_labels`.
        weight: `[rows]`; rows of weight 0 are ignored, all others count equally.
        logits: `[rows, outputs]`, outputs of the model.
        ranking: whether to add the scores of `zoo.training.ranking.ranking_metrics`,
            which cost more than all others, and intervals.

    Returns:
        A dict with `rows` and the kind's metrics: accuracy, macro F1 and `confusion`, a
        list of `[true id, predicted id, rows]` of the pairs that occur; micro and macro
        F1 of the labels that apply and `by_label`, a list of `[label id, true rows,
        predicted rows, rows that are both]` of the labels that occur; or R2, mean
        absolute error and root mean squared error in the target's unit. Of fewer than
        1,000 rows also `interval`, the 95 % interval of the main metric. If
        `why_undefined` gives a reason, it is under `undefined`, and the main metric is
        NaN.
    """
    present = np.asarray(weight) > 0
    target, logits = np.asarray(target)[present], np.asarray(logits)[present]
    result: dict = {"rows": int(present.sum())}
    reason = why_undefined(task, target, np.ones(len(target)))
    if reason:
        result |= {UNDEFINED: reason, MAIN_METRIC[task.kind]: float("nan")}
    if reason == NO_LABELS:
        return result
    metrics = {"categories": _categories, "multilabel": _labels, "regression": _errors}
    found = metrics[task.kind](task, target, logits)
    if ranking:
        found |= ranking_metrics(task, target, logits)
    if ranking and not reason and len(target) < FEW_ROWS:
        if bounds := _interval(task, target, logits):
            found[INTERVAL] = list(bounds)
    return {**found, **result}


def _interval(task: Task, target: np.ndarray, logits: np.ndarray):
    """Returns the interval of the main metric, or `None`."""
    if task.kind == "multilabel":
        return f1_interval(target > 0, logits > logit_cuts(task))
    if task.kind == "regression":
        target = target.astype("float64")
        return r2_interval(target, logits[:, 0] - target)
    right = logits.argmax(axis=-1) == target
    right &= ~np.isnan(logits).any(axis=1)
    return share_interval(int(right.sum()), len(target))


def merit(task: Task, result: Mapping) -> float:
    """Returns the main metric of a result or, if undefined, minus the error.

    It is NaN if both are undefined: on such rows models cannot be compared.
    """
    if UNDEFINED in result:
        return -result.get("mae", float("nan"))
    return result[MAIN_METRIC[task.kind]]


def mean_main_metric(
    tasks: Mapping[str, Task], results: Mapping[str, Mapping]
) -> float:
    """Returns the mean of the main metrics that are defined; NaN if none is."""
    return mean_of_known(
        results[name][MAIN_METRIC[task.kind]] for name, task in tasks.items()
    )


def mean_of_known(values: Iterable[float]) -> float:
    """Returns the mean of the values that are not NaN; NaN if there are none."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def mean_of_main(results: Mapping[str, Mapping]) -> float:
    """Returns the mean over tasks of their main metrics."""
    values = [
        next(result[metric] for metric in MAIN_METRIC.values() if metric in result)
        for result in results.values()
    ]
    return mean_of_known(values)


def _categories(task: Task, target: np.ndarray, logits: np.ndarray) -> dict:
    answered = ~np.isnan(logits).any(axis=1)
    predicted = np.where(answered, logits.argmax(axis=-1), -1)
    pairs = np.stack([target, predicted], axis=1)[answered]
    pairs, counts = np.unique(pairs, axis=0, return_counts=True)
    macro_f1 = sklearn_metrics.f1_score(
        target,
        predicted,
        labels=np.union1d(target, predicted[answered]),
        average="macro",
        zero_division=0,
    )
    return {
        "accuracy": float((predicted == target).mean()),
        "macro_f1": float(macro_f1),
        "confusion": np.column_stack([pairs, counts]).tolist(),
    }


def logit_cuts(task: Task) -> np.ndarray | float:
    """Returns the logit above which each label of a multilabel task applies."""
    if not task.thresholds:
        return 0.0
    return task.temperature * logit(np.array(task.thresholds))


def _labels(task: Task, target: np.ndarray, logits: np.ndarray) -> dict:
    """Returns F1 = 2 tp / (2 tp + fp + fn); 0 for a label neither true nor predicted.

    It also works for one label, where scikit-learn assumes two classes and also counts
    the rows without the label.
    """
    true, predicted = target > 0, logits > logit_cuts(task)
    counts = np.array([x.sum(axis=0) for x in (true, predicted, true & predicted)])
    hits, both = counts[2], counts[0] + counts[1]
    occur = np.flatnonzero(both)
    return {
        "micro_f1": float(2 * hits.sum() / max(both.sum(), 1)),
        "macro_f1": float((2 * hits / np.maximum(both, 1)).mean()),
        "by_label": np.column_stack([occur, counts[:, occur].T]).tolist(),
    }


def _errors(task: Task, target: np.ndarray, logits: np.ndarray) -> dict:
    target = target.astype("float64")
    error = logits[:, 0] - target
    error[np.isnan(error)] = np.inf
    squared, variance = np.mean(error**2), np.var(target)
    return {
        "r2": float(1 - squared / variance) if variance else float("nan"),
        "mae": float(np.abs(error).mean() * task.scale),
        "rmse": float(np.sqrt(squared) * task.scale),
    }
