"""How distributions over labels reach the training of a classifier.

The targets and weights of a part hold labels alone, as scores, calibration and
baselines read them. What a model learns of a task with distributions is the rows of
both kinds, as `learned` joins them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from zoo.tasks import Task
from zoo.training.imbalance import FOCAL
from zoo.training.losses import REDUCTION
from zoo.training.streamed import Accuracy

if TYPE_CHECKING:
    from zoo.families.classification.train import Encoded

LEAST = 0.01  # probability below which the linear part ignores a label of a row


def learned(task: Task, encoded: Encoded, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns target and weight of the training rows of a task.

    Args:
        task: the task.
        encoded: the training part.
        name: name of the task.

    Returns:
        The encoded ones; of a task with distributions, targets float32
        `[rows, labels]`: the distribution of a row, or 1 for its label.
    """
    target, weight = encoded.targets[name], encoded.weights[name]
    if name not in encoded.soft:
        return target, weight
    soft = encoded.soft[name]
    has = soft.sum(axis=1) > 0
    dense = np.where(has[:, None], soft, one_hot(task, target))
    return dense, np.where(has, encoded.rows, weight)


def learned_labels(tasks: Mapping[str, Task], encoded: Encoded):
    """Returns targets and weights with the likeliest label of each distribution."""
    targets, weights = {}, {}
    for name, task in tasks.items():
        target, weights[name] = learned(task, encoded, name)
        targets[name] = likeliest(task, target)
    return targets, weights


def one_hot(task: Task, target: np.ndarray) -> np.ndarray:
    """Returns ids `[rows]` as float32 `[rows, labels]`; distributions stay."""
    return target if target.ndim == 2 else np.eye(task.outputs, dtype="float32")[target]


def likeliest(task: Task, target: np.ndarray) -> np.ndarray:
    """Returns the ids of categories for distributions; other targets stay."""
    soft = task.kind == "categories" and target.ndim == 2
    return target.argmax(axis=1).astype("int32") if soft else target


def repeated(target: np.ndarray, weight: np.ndarray):
    """Turns each row with a distribution into a row for each of its labels.

    Cross-entropy with a distribution is the sum over its labels, each weighted by its
    probability, so a model of labels with weights learns the same.

    Args:
        target: distributions `[rows, labels]`.
        weight: `[rows]`.

    Returns:
        Numbers of the rows, ids of the labels and weights. Labels of less than 1 % are
        left out, and the others keep the weight of the row.

    Example:
        >>> [x.tolist() for x in repeated(np.array([[1, 0], [0.25, 0.75]]), np.ones(2))]
        [[0, 1, 1], [0, 0, 1], [1.0, 0.25, 0.75]]
    """
    kept = np.where(target < LEAST, 0.0, target)
    kept /= np.maximum(kept.sum(axis=1, keepdims=True), 1e-12)
    rows, labels = np.nonzero(kept)
    return rows, labels.astype("int32"), kept[rows, labels] * weight[rows]


def soft_losses(
    encoded: Encoded, imbalance: str, chosen: Mapping
) -> dict[str, keras.losses.Loss]:
    """Returns the loss of each task with distributions.

    Raises:
        ValueError: for the focal loss, which is defined for labels.
    """
    for name in encoded.soft:
        if imbalance == FOCAL and name not in chosen:
            raise ValueError(
                "`imbalance` must suit rows with distributions over labels. Accepted: "
                f"'none', 'weights' or 'oversample'. Received: {imbalance!r} with "
                f"distributions of the task {name!r}."
            )
    return {
        name: keras.losses.CategoricalCrossentropy(True, reduction=REDUCTION)
        for name in encoded.soft
    }


def soft_metrics(encoded: Encoded) -> dict[str, keras.metrics.Metric]:
    """Returns the metric during the training of each task with distributions."""
    return {name: LikeliestAccuracy() for name in encoded.soft}


@keras.saving.register_keras_serializable(package="zoo")
class LikeliestAccuracy(Accuracy):
    """Share of rows whose highest logit is that of the likeliest label."""

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        super().update_state(ops.argmax(y_true, axis=-1), y_pred, sample_weight)
