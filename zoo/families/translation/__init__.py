"""Translation: pairs of texts, their pieces, training and search."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.data.pairs import Pairs, PairSplits, read_pairs, split_pairs
from zoo.data.sets.messages import load_messages

__all__ = [
    "PairSplits",
    "Pairs",
    "is_translation_model",
    "load_messages",
    "read_pairs",
    "split_pairs",
]


def is_translation_model(model) -> bool:
    """Whether a Keras model takes a source and a target, as those of the zoo do."""
    return isinstance(model.input, Mapping) and set(model.input) == {"source", "target"}
