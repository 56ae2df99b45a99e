"""How the setting `imbalance` reaches the training of a classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.families.classification.settings import ClassificationSettings
from zoo.families.classification.soft import learned, learned_labels, soft_losses
from zoo.reporting.markdown import in_cell
from zoo.tasks import Task
from zoo.training.fit import class_weights
from zoo.training.imbalance import (
    NONE,
    OVERSAMPLE,
    WEIGHTS,
    imbalance_loss,
    rarest,
    repeats,
)

if TYPE_CHECKING:
    from zoo.families.classification.encoded import Encoded
    from zoo.families.classification.train import Prepared


def training_weights(
    tasks: Mapping[str, Task], encoded: Encoded, settings: ClassificationSettings
) -> dict[str, np.ndarray]:
    """Returns the weights of the training rows by task, with those of the classes.

    Args:
        tasks: the tasks by name.
        encoded: the training part.
        settings: their class weights, and `imbalance` for the other tasks.
    """
    return {
        name: row_weights(
            name, tasks[name], *learned(tasks[name], encoded, name), settings
        )
        for name in encoded.weights
    }


def row_weights(
    name: str, task: Task, target, weight, settings: ClassificationSettings
) -> np.ndarray:
    """Returns the weights of rows of one task, with those of the classes."""
    chosen: str | Mapping | None = settings.class_weights.get(name)
    if chosen is None and settings.imbalance == WEIGHTS and task.kind == "categories":
        chosen = "balanced"
    return weight if chosen is None else class_weights(task, target, weight, chosen)


def drawn_repeats(
    tasks: Mapping[str, Task], encoded: Encoded, settings: ClassificationSettings
) -> np.ndarray | None:
    """Returns how often each training row is drawn, or `None` for once each.

    Of a row with labels of several tasks it is the most that a task asks for.
    """
    if settings.imbalance != OVERSAMPLE:
        return None
    targets, weights = learned_labels(tasks, encoded)
    found = [
        repeats(tasks[name], targets[name], weights[name])
        for name in tasks
        if name not in settings.class_weights
    ]
    return np.max(found, axis=0) if found else None


def training_losses(
    tasks: Mapping[str, Task], encoded: Encoded, settings: ClassificationSettings
) -> dict[str, keras.losses.Loss]:
    """Returns the losses of tasks that differ from the usual ones, by task."""
    found = {
        name: imbalance_loss(
            task, settings.imbalance, encoded.targets[name], encoded.weights[name]
        )
        for name, task in tasks.items()
        if name not in settings.class_weights
    }
    soft = soft_losses(tasks, encoded, settings.imbalance, settings.class_weights)
    return {name: loss for name, loss in found.items() if loss is not None} | soft


def advice(prepared: Prepared, settings: Mapping) -> list[str]:
    """Returns a sentence on each task whose training labels are imbalanced.

    Args:
        prepared: the data.
        settings: of the training, as in the metadata of the model. Tasks for which they
            already do something have no sentence.
    """
    if settings.get("imbalance", NONE) != NONE:
        return []
    train, said = prepared.parts["train"], []
    for name, task in prepared.tasks.items():
        found = rarest(task, train.targets[name], train.weights[name])
        if found is None or name in settings.get("class_weights", {}):
            continue
        label, share = found
        said.append(
            f"The labels of `{in_cell(name)}` are imbalanced: `{in_cell(label)}` has "
            f"{share:.2%} of the training rows. Compare macro F1 with that of "
            "`--set imbalance=weights` or `imbalance=oversample`, or let `zoo tune "
            "--objective macro_f1 --range imbalance=none,weights,focal,oversample` "
            "choose on the validation part."
        )
    return said
