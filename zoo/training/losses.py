"""The loss of each kind of task, as a mean over the labels that are present."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from zoo.tasks import TAGS, Task

# Divides by the sum of the weights, so that rows without a label count for nothing.
_REDUCTION = "mean_with_sample_weight"


def task_loss(task: Task) -> keras.losses.Loss:
    """Cross-entropy from logits for labels, squared error for a regression.

    Args:
        task: whose target is an int id `[batch]`, or `[batch, time]` for tags, 0/1
            floats `[batch, labels]` or a float `[batch]`.

    Returns:
        A Keras loss. Sample weights of 0 remove a row from the mean; a batch without
        any label gives a loss and a gradient of 0.
    """
    if task.kind in ("categories", TAGS):
        return keras.losses.SparseCategoricalCrossentropy(True, reduction=_REDUCTION)
    if task.kind == "multilabel":
        return keras.losses.BinaryCrossentropy(True, reduction=_REDUCTION)
    return keras.losses.MeanSquaredError(reduction=_REDUCTION)


def task_loss_weights(
    tasks: Mapping[str, Task], weights: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Weight of each task in the total loss (the λ of Liu et al. 2016).

    A squared error is divided by the variance of its targets, so that a price in cents
    does not drown a sentiment.

    Args:
        tasks: the tasks by name.
        weights: factors for some of them; 1 where none is given.

    Raises:
        ValueError: if `weights` names an unknown task.
    """
    weights = dict(weights or {})
    unknown = sorted(set(weights) - set(tasks))
    if unknown:
        raise ValueError(
            f"`loss_weights` must name tasks. Accepted: {', '.join(tasks)}. "
            f"Received: {', '.join(unknown)}."
        )
    return {
        name: weights.get(name, 1.0) / task.scale**2 for name, task in tasks.items()
    }
