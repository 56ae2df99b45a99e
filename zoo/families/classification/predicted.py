"""What a trained classifier says about a part of the data, and its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from zoo.families.classification.model import TextModel
from zoo.families.classification.settings import ClassificationSettings
from zoo.training.fit import predict
from zoo.training.metrics import evaluate

if TYPE_CHECKING:
    from zoo.families.classification.train import Prepared

ROWS = 128  # texts per batch


def part_outputs(
    text_model: TextModel, prepared: Prepared, part: str
) -> dict[str, np.ndarray]:
    """Returns the model's outputs `[texts, outputs]` for one part, by task."""
    if not prepared.parts[part].tokens:
        return {name: np.zeros((0, t.outputs)) for name, t in prepared.tasks.items()}
    settings = ClassificationSettings(batch_size=ROWS)
    return predict(text_model.model, prepared.batches(part, settings))


def evaluate_part(
    text_model: TextModel,
    prepared: Prepared,
    part: str,
    outputs: Mapping[str, np.ndarray] | None = None,
) -> dict[str, dict]:
    """Returns the metrics of each task on one part of the data.

    Args:
        text_model: the model.
        prepared: the data.
        part: name of the part.
        outputs: what `part_outputs` returned for it, if it was asked already.
    """
    encoded = prepared.parts[part]
    outputs = part_outputs(text_model, prepared, part) if outputs is None else outputs
    return {
        name: evaluate(
            task, encoded.targets[name], encoded.weights[name], outputs[name]
        )
        for name, task in text_model.tasks.items()
    }
