"""How distributions over labels, and a teacher's values, reach a training.

The targets and weights of a part hold labels alone, as scores, calibration and
baselines read them. What a model learns of a task is the rows of both kinds, as
`learned` joins them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from zoo.families.classification.ngram_weights import merge_labels
from zoo.tasks import Task, same_labels
from zoo.training.imbalance import FOCAL
from zoo.training.losses import REDUCTION
from zoo.training.streamed import Accuracy

if TYPE_CHECKING:
    from zoo.families.classification.encoded import Encoded

LEAST = 0.01  # probability below which the linear part ignores a label of a row

# Of tasks, by name.
Arrays = dict[str, np.ndarray]


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
    has = there(soft)
    dense = np.where(
        has.reshape(-1, *[1] * (soft.ndim - 1)), soft, dense_of(task, target)
    )
    return dense, np.where(has, encoded.rows, weight)


def there(soft: np.ndarray) -> np.ndarray:
    """Returns bools `[rows]`: where rows have a distribution, or a value.

    Example:
        >>> there(np.array([[0.2, 0.8], [np.nan, np.nan]])).tolist()
        [True, False]
    """
    return np.isfinite(soft).reshape(len(soft), -1).all(axis=1)


def own_weights(tasks: Mapping[str, Task], encoded: Encoded) -> Arrays:
    """Returns weights for tasks that are learnt as one where they have the same labels.

    A text with a label then counts for the tasks that label it alone: what a teacher
    says of the text as one of the other tasks would outvote the label.
    """
    weights = {name: learned(task, encoded, name)[1] for name, task in tasks.items()}
    for members in same_labels(tasks).values():
        labelled = {name: encoded.weights[name] > 0 for name in members}
        some = np.any([*labelled.values()], axis=0)
        for name in members:
            weights[name] = np.where(some & ~labelled[name], 0.0, weights[name])
    return weights


def learned_labels(
    tasks: Mapping[str, Task], encoded: Encoded
) -> tuple[Arrays, Arrays]:
    """Returns the likeliest labels of what is learned, and `own_weights`."""
    targets = {
        name: likeliest(task, learned(task, encoded, name)[0])
        for name, task in tasks.items()
    }
    return targets, own_weights(tasks, encoded)


def joint(
    members: Sequence[str], tasks: Mapping[str, Task], encoded: Encoded
) -> tuple[np.ndarray, np.ndarray]:
    """Returns target and weight of each training row for tasks that are learnt as one.

    Args:
        members: names of tasks with the same labels.
        tasks: the tasks by name.
        encoded: the training part.

    Returns:
        The label of the first task that labels a row. If some task has distributions,
        the mean over tasks, by `own_weights`, and the largest weight.
    """
    targets = {name: learned(tasks[name], encoded, name)[0] for name in members}
    weights = own_weights({name: tasks[name] for name in members}, encoded)
    if encoded.soft.keys().isdisjoint(members):
        return merge_labels(members, targets, weights)
    dense = np.stack([dense_of(tasks[name], targets[name]) for name in members])
    shares = np.stack([weights[name] for name in members])
    total = np.maximum(shares.sum(axis=0), 1e-12)
    return np.einsum("tr,tr...->r...", shares / total, dense), shares.max(axis=0)


def dense_of(task: Task, target: np.ndarray) -> np.ndarray:
    """Returns ids of categories `[rows]` as float32 `[rows, labels]`; others stay."""
    ids = task.kind == "categories" and target.ndim == 1
    return np.eye(task.outputs, dtype="float32")[target] if ids else target


def likeliest(task: Task, target: np.ndarray) -> np.ndarray:
    """Returns labels for probabilities: ids of categories, 0 and 1 of a multilabel
    task; other targets stay."""
    if task.kind == "multilabel":
        return (target > 0.5).astype("float32")
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
    tasks: Mapping[str, Task], encoded: Encoded, imbalance: str, chosen: Mapping
) -> dict[str, keras.losses.Loss]:
    """Returns the loss of each task of categories with distributions.

    Args:
        tasks: the tasks by name.
        encoded: the training part.
        imbalance: the setting of this name.
        chosen: tasks for which it has no effect.

    Raises:
        ValueError: for the focal loss, which is defined for labels.
    """
    found: dict[str, keras.losses.Loss] = {}
    for name in encoded.soft:
        kind = tasks[name].kind
        if imbalance == FOCAL and name not in chosen and kind != "regression":
            raise ValueError(
                "`imbalance` must suit rows with distributions over labels. Accepted: "
                f"'none', 'weights' or 'oversample'. Received: {imbalance!r} with "
                f"distributions of the task {name!r}."
            )
        if kind == "categories":
            found[name] = keras.losses.CategoricalCrossentropy(
                True, reduction=REDUCTION
            )
    return found


def soft_metrics(
    tasks: Mapping[str, Task], encoded: Encoded
) -> dict[str, keras.metrics.Metric]:
    """Returns the metric during the training of each such task."""
    soft = [name for name in encoded.soft if tasks[name].kind == "categories"]
    return {name: LikeliestAccuracy() for name in soft}


@keras.saving.register_keras_serializable(package="zoo")
class LikeliestAccuracy(Accuracy):
    """Share of rows whose highest logit is that of the likeliest label."""

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        super().update_state(ops.argmax(y_true, axis=-1), y_pred, sample_weight)
