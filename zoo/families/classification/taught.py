"""What a teacher's answers become: targets of a student, and a choice of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.data import Examples, Splits, join
from zoo.families.classification.calibration import fit_temperature
from zoo.tasks import Task

_LEAST = 1e-7  # of a probability before its logarithm is taken


def calibrating(task: Task, rows: np.ndarray, targets: np.ndarray) -> float:
    """Returns the temperature that calibrates a teacher on labelled rows.

    Args:
        task: the task.
        rows: its answers `[rows, labels]`.
        targets: ids of the labels.

    Returns:
        See `zoo.families.classification.calibration.fit_temperature`; 1 without rows.
    """
    logits = np.log(np.maximum(rows, _LEAST)).reshape(len(targets), task.outputs)
    return fit_temperature(task, targets, np.ones(len(targets)), logits)


def tempered(rows: np.ndarray, temperature: float) -> np.ndarray:
    """Returns `softmax(log(p) / temperature)` of each row.

    Example:
        >>> tempered(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
        [[0.667, 0.333]]

    Source: Hinton, Vinyals and Dean 2015, equation 1.
    """
    powers = np.maximum(rows, _LEAST) ** (1.0 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def entropy(rows: np.ndarray) -> np.ndarray:
    """Returns the entropy of each row, as a share of that of an even distribution.

    Example:
        >>> entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).round(3).tolist()
        [1.0, 0.0]
    """
    logs = np.log(np.maximum(rows, _LEAST))
    return np.maximum(-(rows * logs).sum(axis=1) / np.log(rows.shape[1]), 0.0)


def taught_splits(
    splits: Splits,
    task: str,
    labels: Sequence[str],
    rows: np.ndarray,
    texts: Sequence[str],
    said: np.ndarray,
    mixture: float,
) -> Splits:
    """Returns the data with a teacher's distributions in the training part.

    The distribution of a labelled row is `mixture` of its label and the rest of the
    teacher's answer; of another text, the answer.

    Args:
        splits: the labelled data.
        task: name of the one task.
        labels: its labels.
        rows: answers `[rows of training, labels]`.
        texts: further texts.
        said: answers `[texts, labels]`.
        mixture: from 0 to 1.
    """
    ids = {label: number for number, label in enumerate(labels)}
    own = rows.copy()
    for row, label in enumerate(splits.train.labels[task]):
        if label is not None:
            own[row] *= 1 - mixture
            own[row, ids[label]] += mixture
    train = replace(splits.train, soft={task: _named(own, labels)})
    more = Examples(
        list(texts), {task: [None] * len(texts)}, soft={task: _named(said, labels)}
    )
    joined = join([train, more]) if len(texts) else train
    return replace(splits, train=joined)


def _named(rows: np.ndarray, labels: Sequence[str]) -> list[dict[str, float]]:
    return [dict(zip(labels, map(float, row), strict=True)) for row in rows]
