"""Language models: streams, training with carried state, perplexity, generation."""

from __future__ import annotations

from collections.abc import Mapping


def is_language_model(model) -> bool:
    """Whether a Keras model takes tokens and a state, as those of the zoo do."""
    return isinstance(model.input, Mapping) and "state" in model.input
