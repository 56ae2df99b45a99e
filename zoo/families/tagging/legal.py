"""The likeliest tags that follow a scheme, where words were judged one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from zoo.data.tag_schemes import crf_constraints
from zoo.layers.crf import CRF
from zoo.tasks import Task

_LEAST = 1e-12  # probability of a tag that was given none
_BATCH = 256


def legal_tags(task: Task, rows: Sequence[np.ndarray]) -> list[list[str]]:
    """The tags of each sentence with the highest product of their probabilities.

    Args:
        task: of tags; without a scheme each word has its likeliest tag.
        rows: probabilities `[words, tags]` of each sentence.

    Example:
        >>> task = Task("tags", ("O", "B-X", "I-X"), scheme="BIO")
        >>> legal_tags(task, [np.array([[0.5, 0.4, 0.1], [0.3, 0.1, 0.6]])])
        [['B-X', 'I-X']]
    """
    names = np.array(task.labels)
    if not task.scheme:
        return [names[row.argmax(axis=-1)].tolist() for row in rows]
    constraints: dict[str, Any] = crf_constraints(task.labels, task.scheme)
    crf = CRF(len(names), **constraints)
    found: list[list[str]] = []
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        sizes = np.array([len(row) for row in batch])
        scores = np.zeros((len(batch), max(sizes.max(), 1), len(names)), "float32")
        for place, row in enumerate(batch):
            scores[place, : len(row)] = np.log(np.maximum(row, _LEAST))
        mask = np.arange(scores.shape[1]) < sizes[:, None]
        ids = keras.ops.convert_to_numpy(crf.decode(scores, mask)[0])
        found += [names[row[:size]].tolist() for row, size in zip(ids, sizes)]
    return found
