"""How a teacher's distributions over tags reach the training of a tagger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import keras
import numpy as np

from zoo.data.sentences import TaggedSentences
from zoo.tasks import Task
from zoo.training.imbalance import FOCAL
from zoo.training.losses import REDUCTION


def soft_targets(
    data: TaggedSentences,
    tasks: Mapping[str, Task],
    targets: Mapping[str, Sequence],
    skipped: Collection[str] = (),
) -> dict[str, list[np.ndarray]]:
    """Returns the targets of the tasks that have distributions.

    Args:
        data: the training sentences.
        tasks: by name.
        targets: ids, as `zoo.families.tagging.batches.encode_targets` returns them.
        skipped: tasks that learn tags, because their output is a CRF.

    Returns:
        By task float32 `[words, tags]`, or `[labels]`, of each sentence: its
        distributions, or 1 for its tags. Labels that the task lacks are left out.
    """
    found = {}
    for name, rows in data.soft.items():
        if name in tasks and name not in skipped and any(map(_given, rows)):
            eye = np.eye(len(tasks[name].labels), dtype="float32")
            pairs = zip(rows, targets[name], strict=True)
            found[name] = [
                distribution(tasks[name], row) if _given(row) else eye[ids]
                for row, ids in pairs
            ]
    return found


def distribution(task: Task, row: Mapping[str, float] | Sequence) -> np.ndarray:
    """Returns the probabilities of each word, or of a label, in the order of a task.

    Example:
        >>> task = Task("tags", ("O", "B-X"))
        >>> distribution(task, [{"B-X": 1.0}, {"O": 0.5, "B-Y": 0.5}]).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    words = [row] if isinstance(row, Mapping) else row
    ids = {label: number for number, label in enumerate(task.labels)}
    shares = np.full((len(words), len(ids)), 1e-9, "float32")
    for place, word in enumerate(words):
        for label, share in word.items():
            if label in ids:
                shares[place, ids[label]] += share
    shares /= shares.sum(axis=1, keepdims=True)
    shares = shares.round(6)
    return shares[0] if isinstance(row, Mapping) else shares


def soft_losses(soft: Collection[str], imbalance: str) -> dict[str, keras.losses.Loss]:
    """Returns the loss of each task with distributions.

    Raises:
        ValueError: for the focal loss, which is defined for tags.
    """
    if soft and imbalance == FOCAL:
        raise ValueError(
            "`imbalance` must suit sentences with distributions over tags. Accepted: "
            f"'none', 'weights' or 'oversample'. Received: {imbalance!r}."
        )
    loss = keras.losses.CategoricalCrossentropy
    return {name: loss(True, reduction=REDUCTION) for name in soft}


def _given(row) -> bool:
    return row is not None
