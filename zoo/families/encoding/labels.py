"""Labels that an encoder learns beside the vectors of its teacher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import keras
import numpy as np

from zoo.data import Splits, encode_labels, learn_tasks
from zoo.families.encoding.heads import Head
from zoo.tasks import Task
from zoo.training.losses import task_loss

DROPOUT = 0.1


@dataclass(frozen=True)
class Labels:
    """The labels of the training texts.

    A task is known by the name of its head, such as `task_0`, which no other output of
    the model can have.

    Args:
        tasks: by head.
        targets: of each task, one row a text.
        weights: of each task, `[texts]`: 0 where the label is missing.
    """

    tasks: Mapping[str, Task] = field(default_factory=dict)
    targets: Mapping[str, np.ndarray] = field(default_factory=dict)
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)

    def factors(self, total: float) -> dict[str, float]:
        """Returns the factor of each task in the loss, `total` together.

        They are in proportion to the roots of the numbers of labels, so that a large
        task counts more than a small one, but does not drown it.

        Example:
            >>> weights = {"task_0": np.ones(9), "task_1": np.ones(1)}
            >>> Labels(weights=weights).factors(4.0)
            {'task_0': 3.0, 'task_1': 1.0}
        """
        roots = {name: np.sqrt(np.sum(w > 0)) for name, w in self.weights.items()}
        every = sum(roots.values())
        return {name: float(total * root / every) for name, root in roots.items()}


def labels_of(splits: Splits) -> Labels:
    """Returns the labels of the training part; those of unlabelled texts are missing.

    Raises:
        DataError: if a task has too few classes.
    """
    if not splits.train.labels:
        return Labels()
    tasks = learn_tasks(splits.train)
    targets, weights = encode_labels(splits.train, tasks)
    heads = {name: f"task_{number}" for number, name in enumerate(tasks)}
    more = len(splits.unlabeled)

    def longer(values: np.ndarray) -> np.ndarray:
        fill = np.zeros((more, *values.shape[1:]), values.dtype)
        return np.concatenate([values, fill])

    return Labels(
        {heads[name]: task for name, task in tasks.items()},
        {heads[name]: longer(values) for name, values in targets.items()},
        {heads[name]: longer(np.asarray(w)) for name, w in weights.items()},
    )


def label_heads(model: keras.Model, labels: Labels, total: float) -> dict[str, Head]:
    """Returns a head for each task.

    They are linear functions of the features that the sentence vector is projected
    from.

    Args:
        model: a sentence encoder.
        labels: of the training texts.
        total: factor of the losses of all tasks together.
    """
    features = model.get_layer("projection").input
    factors, heads = labels.factors(total), {}
    for name, task in labels.tasks.items():
        dropped = keras.layers.Dropout(DROPOUT)(features)
        dense = keras.layers.Dense(task.outputs, dtype="float32", name=name)
        heads[name] = Head(dense(dropped), task_loss(task), factors[name])
    return heads
