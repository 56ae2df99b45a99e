"""Remedies for rare labels: weights, focal loss and oversampling.

They change what a training step counts; validation and reports count every row once.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from zoo.tasks import TAGS, Task
from zoo.training.settings import IMBALANCES

NONE, WEIGHTS, FOCAL, OVERSAMPLE = IMBALANCES
GAMMA = 2.0  # of Lin et al. 2017, section 4.1
# How often the rarest row counts against the most frequent one: with more, a batch with
# one such row learns nothing else.
MOST_WEIGHT, MOST_REPEATS = 100.0, 20.0
# A label is rare if it has less than this share of the rows of an average label.
RARE = 0.05


def balanced(counts: np.ndarray) -> np.ndarray:
    """Returns weights with which all labels of `counts` have the same total.

    The largest is at most `MOST_WEIGHT` times the smallest; the mean over rows is 1.

    Example:
        >>> balanced(np.array([90, 10])).round(3).tolist()
        [0.556, 5.0]
    """
    counts = np.asarray(counts, "float64")
    weights = 1 / np.maximum(counts, 1)
    weights = np.minimum(weights, MOST_WEIGHT * weights.min())
    total = (weights * counts).sum()
    return weights * (counts.sum() / total if total else 1.0)


def label_counts(task: Task, targets, weight=None) -> np.ndarray:
    """Returns the number of rows of each label.

    Args:
        task: a task with labels; of tags, sentences with such a tag are counted.
        targets: `[rows]`, `[rows, labels]`, or for tags a list of arrays of ids.
        weight: `[rows]`; rows of weight 0 are ignored.
    """
    rows = np.arange(len(targets)) if weight is None else np.flatnonzero(weight)
    if task.kind == TAGS:
        found = [np.unique(targets[row]) for row in rows]
        return np.bincount(np.concatenate([[], *found]).astype(int), minlength=_n(task))
    if task.kind == "multilabel":
        return (targets[rows] > 0).sum(axis=0)
    return np.bincount(targets[rows], minlength=_n(task))


def _n(task: Task) -> int:
    return len(task.labels)


def repeats(task: Task, targets, weight=None) -> np.ndarray:
    """Returns how often each row is drawn when rare labels are oversampled.

        r_row = max over its labels of max(1, sqrt(t / f_label)), at most 20

    `f` is the share of the rows with a label, and `t` its mean over the labels. The
    root makes labels more even, not equal: equal shares repeat few rows too often.

    Args:
        task: a task; a regression repeats nothing.
        targets: as in `label_counts`.
        weight: `[rows]`; rows of weight 0 are drawn once.

    Example:
        >>> task = Task("categories", ("a", "b"))
        >>> float(repeats(task, np.array([0] * 49 + [1])).max())
        5.0

    Source: Gupta, Dollar and Girshick 2019, LVIS, section 4.2, with the mean for their
    constant t.
    """
    found = np.ones(len(targets))
    if task.kind == "regression":
        return found
    counts = label_counts(task, targets, weight).astype("float64")
    if not counts.any():
        return found
    average = counts.sum() / np.count_nonzero(counts)
    by_label = np.sqrt(average / np.maximum(counts, 1))
    by_label = np.clip(by_label, 1.0, MOST_REPEATS)
    for row, target in enumerate(targets):
        if weight is not None and not weight[row]:
            continue
        ids = np.flatnonzero(target > 0) if task.kind == "multilabel" else target
        found[row] = by_label[ids].max(initial=1.0)
    return found


def rarest(task: Task, targets, weight=None) -> tuple[str, float] | None:
    """Returns the rarest label and its share of the rows, if labels are imbalanced.

    That is the case if it has less than 5 % of the rows of an average label.

    Example:
        >>> rarest(Task("categories", ("a", "b")), np.array([0] * 99 + [1]))
        ('b', 0.01)
    """
    if task.kind == "regression":
        return None
    counts = label_counts(task, targets, weight)
    present = np.flatnonzero(counts)
    if not len(present):
        return None
    least = present[counts[present].argmin()]
    if counts[least] >= RARE * counts[present].mean():
        return None
    rows = len(targets) if weight is None else np.count_nonzero(weight)
    return task.labels[least], float(counts[least] / rows)


@keras.saving.register_keras_serializable(package="zoo")
class FocalCrossentropy(keras.losses.Loss):
    """Cross-entropy that counts well classified labels less.

        loss = -(1 - p)^γ log p

    `p` is the probability of the true label, by softmax or, for multilabel, of each
    label being true or not, by sigmoids, with the mean over labels.

    Args:
        gamma: γ; 0 is the cross-entropy.
        multilabel: whether labels are 0 and 1 `[batch, labels]`, not ids.
        keywords: `name`, `reduction` and `dtype`, as in `keras.losses.Loss`.

    Call arguments:
        y_true: ids `[batch]` or `[batch, time]`, or 0 and 1 `[batch, labels]`.
        y_pred: logits, with an axis of labels.
        sample_weight: of rows or words.

    Source: Lin et al. 2017, Focal Loss for Dense Object Detection, equation 4.

    Example:
        >>> loss = FocalCrossentropy(gamma=2.0)
        >>> value = loss(ops.zeros((3,), "int32"), ops.zeros((3, 2)))
        >>> round(float(value), 4)  # log(2) / 4
        0.1733
    """

    def __init__(
        self, gamma: float = GAMMA, multilabel: bool = False, **keywords
    ) -> None:
        options = {"reduction": "mean_with_sample_weight", **keywords}
        super().__init__(**{"name": "focal_crossentropy", **options})
        self.gamma, self.multilabel = gamma, multilabel

    def call(self, y_true, y_pred):
        logits = ops.cast(y_pred, "float32")
        if self.multilabel:
            true = ops.cast(y_true, "float32") > 0
            return ops.mean(self._focal(_log_chances(true, logits)), axis=-1)
        ids = ops.cast(ops.reshape(y_true, ops.shape(logits)[:-1]), "int32")
        logs = -ops.sparse_categorical_crossentropy(ids, logits, from_logits=True)
        return self._focal(logs)

    def _focal(self, logs):
        return -((1.0 - ops.exp(logs)) ** self.gamma) * logs

    def get_config(self) -> dict:
        own = {"gamma": self.gamma, "multilabel": self.multilabel}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="zoo")
class WeightedBinaryCrossentropy(keras.losses.Loss):
    """Binary cross-entropy with weights for each label, from logits.

        loss = mean_l -(w_l y_l log p_l + v_l (1 - y_l) log(1 - p_l))

    where `y` is 0 or 1, or the probability of being true.

    Args:
        positive: `w`, one number per label.
        negative: `v`, likewise.
        keywords: `name`, `reduction` and `dtype`, as in `keras.losses.Loss`.

    Call arguments:
        y_true: from 0 to 1, `[batch, labels]`.
        y_pred: logits `[batch, labels]`.
        sample_weight: of rows.
    """

    def __init__(
        self, positive: Sequence[float], negative: Sequence[float], **keywords
    ) -> None:
        options = {"reduction": "mean_with_sample_weight", **keywords}
        super().__init__(**{"name": "weighted_binary_crossentropy", **options})
        self.positive = [float(weight) for weight in positive]
        self.negative = [float(weight) for weight in negative]

    def call(self, y_true, y_pred):
        true, logits = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        positive, negative = (
            ops.convert_to_tensor(weights, "float32")
            for weights in (self.positive, self.negative)
        )
        logs = positive * true * ops.log_sigmoid(logits)
        logs += negative * (1.0 - true) * ops.log_sigmoid(-logits)
        return -ops.mean(logs, axis=-1)

    def get_config(self) -> dict:
        own = {"positive": self.positive, "negative": self.negative}
        return {**super().get_config(), **own}


def _log_chances(true, logits):
    """Returns the logarithm of the probability of being true or not, as it is."""
    return ops.log_sigmoid(ops.where(true, logits, -logits))


def imbalance_loss(
    task: Task, imbalance: str, targets, weight
) -> keras.losses.Loss | None:
    """Returns the loss of a task under `"focal"`, and of multilabel under `"weights"`.

    Args:
        task: the task.
        imbalance: one of `IMBALANCES`.
        targets: of the training part, as in `label_counts`.
        weight: `[rows]`.

    Returns:
        The loss, or `None` for that of `zoo.training.losses.task_loss`.
    """
    labels = task.kind == "multilabel"
    if imbalance == FOCAL and task.kind != "regression":
        return FocalCrossentropy(multilabel=labels)
    if imbalance == WEIGHTS and labels:
        rows, counts = np.count_nonzero(weight), label_counts(task, targets, weight)
        pairs = np.array([balanced(np.array([n, rows - n])) for n in counts])
        return WeightedBinaryCrossentropy(*pairs.T.tolist())
    return None
