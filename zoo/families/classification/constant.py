"""The baseline that ignores the text: the most frequent label, or the mean."""

from __future__ import annotations

import numpy as np

from zoo.tasks import Task


def majority(task: Task, target, weight, rows: int) -> np.ndarray:
    """Returns outputs `[rows, outputs]` for the most frequent label or the mean.

    Multilabel: the labels that apply to more than half of the rows.

    Args:
        task: the task.
        target: target of the training split.
        weight: weight of the training split; 0 where the label is missing.
        rows: number of outputs to return.
    """
    present = np.asarray(weight) > 0
    target = np.asarray(target)[present]
    if task.kind == "categories":
        best = np.bincount(target, minlength=task.outputs).argmax()
        output = np.arange(task.outputs) == best
    elif task.kind == "multilabel":
        output = target.mean(axis=0) - 0.5
    else:
        output = np.array([target.mean()])
    return np.tile(output.astype("float32"), (rows, 1))
