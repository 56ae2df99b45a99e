"""What teachers are asked about a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.api.teachers.base import Lesson
from zoo.data import Examples, Splits, encode_labels, learn_tasks


def lesson_of(splits: Splits, folder: Path, **options) -> Lesson:
    """Returns the lesson of a data set with one task of categories.

    Args:
        splits: the data.
        folder: keeps what teachers learn and answer.
        options: `seed`, `epochs` and `deadline` of the lesson.

    Raises:
        ValueError: for several tasks, another kind of task, or pairs of texts.
    """
    tasks = learn_tasks(splits.train)
    kinds = [task.kind for task in tasks.values()]
    if kinds != ["categories"] or splits.train.pairs:
        shown = ", ".join(f"{name}: {task.kind}" for name, task in tasks.items())
        pairs = ", of pairs of texts" if splits.train.pairs else ""
        raise ValueError(
            "`data` must have one label that a teacher can give. Accepted: single "
            f"texts with one task of categories. Received: {shown}{pairs}."
        )
    [(name, task)] = tasks.items()
    train, valid = (
        _labelled(part, name, tasks) for part in (splits.train, splits.valid)
    )
    return Lesson(name, task.labels, *train, *valid, folder, **options)


def _labelled(part: Examples, name: str, tasks) -> tuple[list[str], np.ndarray]:
    """Returns the texts with a label, and the ids of these."""
    targets, weights = encode_labels(part, tasks)
    rows = weights[name].nonzero()[0]
    return [part.texts[row] for row in rows], targets[name][rows]
