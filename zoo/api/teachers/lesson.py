"""What teachers are asked about a data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.api.teachers.base import Labelled, Lesson
from zoo.data import Examples, Splits, encode_labels, learn_tasks
from zoo.tasks import Task


def lesson_of(splits: Splits, folder: Path, **options) -> Lesson:
    """Returns the lesson of a data set.

    Args:
        splits: the data.
        folder: keeps what teachers learn and answer.
        options: `seed`, `epochs`, `deadline` and `trust` of the lesson.

    Raises:
        ValueError: for pairs of texts.
    """
    tasks = learn_tasks(splits.train)
    if splits.train.pairs:
        raise ValueError(
            "`data` must have texts that a teacher can answer. Accepted: single texts. "
            "Received: pairs of texts."
        )
    train, valid = (_labelled(part, tasks) for part in (splits.train, splits.valid))
    return Lesson(tasks, train, valid, folder, **options)


def _labelled(part: Examples, tasks: Mapping[str, Task]) -> Labelled:
    """Returns the texts with a label of some task, and these."""
    targets, weights = encode_labels(part, tasks)
    rows = np.flatnonzero(np.any([weight > 0 for weight in weights.values()], axis=0))
    return Labelled(
        [part.texts[row] for row in rows],
        {name: target[rows] for name, target in targets.items()},
        {name: weight[rows] for name, weight in weights.items()},
    )
