"""How the setting `imbalance` reaches the training of a tagger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from zoo.families.tagging.decoder import crf_of
from zoo.families.tagging.settings import TaggingSettings
from zoo.tasks import TAGS, Task
from zoo.training.imbalance import (
    FOCAL,
    OVERSAMPLE,
    WEIGHTS,
    balanced,
    imbalance_loss,
    repeats,
)


def check_imbalance(
    model: keras.Model, tasks: Mapping[str, Task], settings: TaggingSettings
) -> None:
    """Raises for a remedy that a CRF does not have.

    A CRF gives a probability to all tags of a sentence together, so neither weights of
    single words nor the focal loss of one word apply.

    Raises:
        ValueError: for `"weights"` or `"focal"` and a model with a CRF.
    """
    with_crf = [name for name in tasks if crf_of(model, tasks, name) is not None]
    if with_crf and settings.imbalance in (WEIGHTS, FOCAL):
        raise ValueError(
            "`imbalance` must suit the heads of the model. Accepted for a CRF: none, "
            "or oversample, which draws sentences with rare tags more often. Received: "
            f"imbalance={settings.imbalance!r} for the CRF of {', '.join(with_crf)}."
        )


def by_label(
    tasks: Mapping[str, Task], targets: Mapping[str, Sequence], imbalance: str
) -> dict[str, np.ndarray]:
    """Returns the weight of each tag or label, by task, for `"weights"`."""
    if imbalance != WEIGHTS:
        return {}
    return {
        name: balanced(
            np.bincount(np.hstack(targets[name]), minlength=len(task.labels))
        )
        for name, task in tasks.items()
    }


def sentence_repeats(
    tasks: Mapping[str, Task], targets: Mapping[str, Sequence], imbalance: str
) -> np.ndarray | None:
    """Returns how often each sentence is drawn, for `"oversample"`."""
    if imbalance != OVERSAMPLE:
        return None
    found = [
        repeats(task, targets[name] if task.kind == TAGS else np.array(targets[name]))
        for name, task in tasks.items()
    ]
    return np.max(found, axis=0)


def focal_losses(
    tasks: Mapping[str, Task], imbalance: str
) -> dict[str, keras.losses.Loss]:
    """Returns the focal loss of each task, for `"focal"`."""
    found = {
        name: imbalance_loss(task, imbalance, [], []) for name, task in tasks.items()
    }
    return {name: loss for name, loss in found.items() if loss is not None}
