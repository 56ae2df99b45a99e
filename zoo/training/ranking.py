"""Metrics of the order that a model's outputs give: top k, AUC, average precision."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from scipy.special import log_softmax

from zoo.tasks import Task
from zoo.training.chunks import chunks

TOP = {3: "top_3_accuracy", 5: "top_5_accuracy"}  # of more labels than that
# Each label is sorted alone. Beyond so many labels, or values of outputs, that takes
# minutes, and the areas are NaN.
MOST_LABELS, MOST_VALUES = 1_000, 20_000_000


def ranking_names(task: Task) -> tuple[str, ...]:
    """Returns the names of the metrics of `ranking_metrics`.

    Example:
        >>> ranking_names(Task("categories", ("a", "b", "c", "d")))
        ('top_3_accuracy', 'auc', 'average_precision')
    """
    if task.kind == "regression":
        return ()
    tops = TOP.items() if task.kind == "categories" else ()
    shown = [name for most, name in tops if task.outputs > most]
    return (*shown, "auc", "average_precision")


def ranking_metrics(task: Task, target, logits) -> dict[str, float]:
    """Computes the metrics that depend on the order of the outputs.

    * `top_3_accuracy` and `top_5_accuracy`, of more than 3 or 5 categories: the share
      of rows whose category is among so many with the highest outputs.
    * `auc`, the area under the ROC curve, and `average_precision`: of two categories
      those of the second one, else the mean over labels, each against the rest. Labels
      that apply to no row, or to all, are left out of the mean.

    A row whose outputs are not finite has the worst order.

    Args:
        task: the task.
        target: `[rows]`, or 0 and 1 `[rows, labels]`; all rows have a label.
        logits: `[rows, labels]`.

    Returns:
        A dict with the names of `ranking_names`; NaN where a metric is undefined.
    """
    names = ranking_names(task)
    found = dict.fromkeys(names, float("nan"))
    if not names or not len(target):
        return found
    bad = ~np.isfinite(logits).all(axis=1)
    if task.kind == "categories":
        places = _places(target, logits)
        places[bad] = task.outputs
        for most, name in TOP.items():
            if name in found:
                found[name] = float((places < most).mean())
    if task.outputs > MOST_LABELS or logits.size > MOST_VALUES:
        return found
    true, scores = _by_label(task, target, np.where(bad[:, None], 0, logits))
    worst = np.abs(scores).max() + 1
    scores = np.where(bad[:, None], np.where(true, -worst, worst), scores)
    from sklearn.metrics import average_precision_score, roc_auc_score

    found["auc"] = _mean(roc_auc_score, true, scores)
    found["average_precision"] = _mean(average_precision_score, true, scores)
    return found


def _places(target: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Returns how many categories come before that of each row; ties are by id."""
    places = np.zeros(len(target), int)
    ids = np.arange(logits.shape[1])
    for part in chunks(*logits.shape):
        outputs, label = logits[part], target[part][:, None]
        own = np.take_along_axis(outputs, label, axis=1)
        before = (outputs > own) | ((outputs == own) & (ids < label))
        places[part] = before.sum(axis=1)
    return places


def _by_label(task: Task, target, logits) -> tuple[np.ndarray, np.ndarray]:
    """Returns which labels apply, and scores that are comparable between rows."""
    wide = logits.astype("float64")
    if task.kind == "multilabel":
        return target > 0, wide
    if task.outputs == 2:
        return target[:, None] == 1, wide[:, 1:] - wide[:, :1]
    return target[:, None] == np.arange(task.outputs), log_softmax(wide, axis=1)


def _mean(score: Callable, true: np.ndarray, scores: np.ndarray) -> float:
    """Returns the mean of a score over the labels of which some rows have each."""
    shares = true.mean(axis=0)
    labels = np.flatnonzero((shares > 0) & (shares < 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [score(true[:, label], scores[:, label]) for label in labels]
    return float(np.mean(found)) if found else float("nan")
