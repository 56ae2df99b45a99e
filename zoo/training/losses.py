"""The loss of each kind of task, as a mean over the labels that are present."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from scipy.special import log_expit, log_softmax

from zoo.tasks import TAGS, Task

# Divides by the sum of the weights, so rows without a label have no effect.
REDUCTION = "mean_with_sample_weight"
_ROWS = 1024  # number of rows whose logits are converted to float64 at once


def task_loss(task: Task) -> keras.losses.Loss:
    """Returns cross-entropy from logits for labels, squared error for a regression.

    Args:
        task: a task with int ids `[batch]`, or `[batch, time]` for tags, 0/1
            floats `[batch, labels]` or a standardised float `[batch]`.

    Returns:
        A Keras loss. Sample weights of 0 remove a row from the mean; a batch without
        labels has a loss and a gradient of 0.
    """
    if task.kind in ("categories", TAGS):
        return keras.losses.SparseCategoricalCrossentropy(True, reduction=REDUCTION)
    if task.kind == "multilabel":
        return keras.losses.BinaryCrossentropy(True, reduction=REDUCTION)
    return keras.losses.MeanSquaredError(reduction=REDUCTION)


def task_loss_weights(
    tasks: Mapping[str, Task], weights: Mapping[str, float] | str | None = None
) -> dict[str, float]:
    """Returns the weight of each task in the total loss (the λ of Liu et al. 2016).

    Args:
        tasks: the tasks by name.
        weights: factors for some of them, 1 by default; or `"uncertainty"`, whose
            factors `zoo.training.uncertainty` learns, for 1 each.

    Raises:
        ValueError: if `weights` names an unknown task.
    """
    weights = {} if isinstance(weights, str) else dict(weights or {})
    unknown = sorted(set(weights) - set(tasks))
    if unknown:
        raise ValueError(
            f"`loss_weights` must name tasks. Accepted: {', '.join(tasks)}. "
            f"Received: {', '.join(unknown)}."
        )
    return {name: weights.get(name, 1.0) for name in tasks}


def mean_loss(task: Task, target, weight, output) -> float:
    """Returns the value of `task_loss` for all rows at once, in float64.

    Args:
        task: a task of a kind in `zoo.tasks.KINDS`.
        target: `[rows]`, or `[rows, labels]`, as in training.
        weight: `[rows]`.
        output: `[rows, outputs]`, outputs of the model.

    Returns:
        The weighted mean over rows; 0 if all weights are 0.

    Example:
        >>> mean_loss(Task("regression"), [1.0, 9.0], [1, 0], [[3.0], [0.0]])
        4.0
    """
    target, weight, output = map(np.asarray, (target, weight, output))
    total = 0.0
    for start in range(0, len(target), _ROWS):
        rows = start + np.flatnonzero(weight[start : start + _ROWS])
        wide = output[rows].astype("float64")
        if task.kind == "regression":
            losses = (wide[:, 0] - target[rows]) ** 2
        elif task.kind == "multilabel":
            likely = np.where(target[rows] > 0, log_expit(wide), log_expit(-wide))
            losses = -likely.mean(axis=1)
        else:
            likely = log_softmax(wide, axis=1)
            losses = -likely[np.arange(len(rows)), target[rows]]
        total += float(np.sum(losses * weight[rows]))
    return total / max(float(np.sum(weight, dtype="float64")), 1e-300)
