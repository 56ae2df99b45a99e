"""Outputs that an encoder has in training, beside the sentence vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class Head:
    """A further output, which the saved model lacks.

    Args:
        output: symbolic, of layers on those of the encoder.
        loss: of the output.
        factor: of the loss.
    """

    output: Any
    loss: keras.losses.Loss
    factor: float


def with_heads(model: keras.Model, heads: Mapping[str, Head]) -> keras.Model:
    """Returns a model on the same layers that also has the outputs of the heads."""
    if not heads:
        return model
    outputs = {name: head.output for name, head in heads.items()}
    return keras.Model(model.input, {**model.output, **outputs}, name=model.name)
