"""Weights the n-grams of a model by their importance for the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from zoo.layers.ngrams import NGramBag
from zoo.tasks import Task, same_labels

MOST_CLASSES = 20  # the most frequent classes suffice, and each costs a pass


def adapt_ngrams(
    model: keras.Model,
    tokens: Sequence[np.ndarray],
    targets: Mapping[str, np.ndarray],
    weights: Mapping[str, np.ndarray],
    tasks: Mapping[str, Task],
) -> None:
    """Adapts every weighted `NGramBag` of `model`, in place, to the training texts.

    Texts of all tasks that have the same labels are counted together. A regression
    counts as the class of targets above its mean.

    Args:
        model: any model; without such layers nothing happens.
        tokens: one int array of ids per text.
        targets: by task, one row per text.
        weights: by task; 0 where the label is missing.
        tasks: the tasks by name.
    """
    bags = [
        layer
        for layer in model.layers
        if isinstance(layer, NGramBag) and layer.weighted
    ]
    if not bags:
        return
    columns = np.concatenate(
        [
            _indicators(tasks[members[0]], *merge_labels(members, targets, weights))
            for members in same_labels(tasks).values()
        ],
        axis=1,
    )
    for bag in bags:
        bag.adapt(tokens, columns)


def merge_labels(
    members: Sequence[str], targets, weights
) -> tuple[np.ndarray, np.ndarray]:
    """Returns for each text target and weight of the first task that labels it."""
    target, weight = targets[members[0]].copy(), weights[members[0]].copy()
    for name in members[1:]:
        missing = weight == 0
        target[missing], weight[missing] = (
            targets[name][missing],
            weights[name][missing],
        )
    return target, weight


def _indicators(task: Task, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Returns `[texts, classes]`: 1 in the class, 0 outside, NaN without a label."""
    if task.kind == "regression":
        columns = target[:, None] > 0
    elif task.kind == "multilabel":
        order = np.argsort(-target.sum(axis=0), kind="stable")[:MOST_CLASSES]
        columns = target[:, order]
    elif task.outputs == 2:  # the second class is what the first is not
        columns = target[:, None] == 1
    else:
        counts = np.bincount(target, minlength=task.outputs)
        columns = target[:, None] == np.argsort(-counts, kind="stable")[:MOST_CLASSES]
    return np.where(weight[:, None] > 0, columns.astype(float), np.nan)
