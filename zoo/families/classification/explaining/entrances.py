"""Where words enter a classifier: its embeddings and its bags of n-grams or tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.families.flat import flattened, rebuilt
from zoo.layers import NGramBag, TokenBag

BAGS = (NGramBag, TokenBag)  # their result is a sum over tokens
_ENTRANCES = (keras.layers.Embedding, *BAGS)


@dataclass(frozen=True)
class Opened:
    """A classifier cut at its entrances; all parts share its weights.

    Args:
        layers: the layer of each entrance.
        before: ids `[batch, time]` to the `ids` and `values` of each entrance, and the
            `masks` of each bag.
        after: ids and the values to a dict of outputs by task.
        ids: ids to those that each entrance receives, under `ids`; of the number of a
            word for each id, to the numbers.
    """

    layers: tuple[keras.layers.Layer, ...]
    before: keras.Model
    after: keras.Model
    ids: keras.Model

    @property
    def bags(self) -> tuple[bool, ...]:
        return tuple(isinstance(layer, BAGS) for layer in self.layers)


def open_model(model: keras.Model) -> Opened:
    """Cuts a classifier at every entrance, also inside models that it calls.

    An embedding of something else than the ids, such as their positions, is no
    entrance.

    Raises:
        ValueError: for a model without entrances.
    """
    with flattened(model) as flat:
        return _opened(flat)


def _opened(flat: keras.Model) -> Opened:
    calls: list[tuple[Any, Any, Any, Any]] = []

    def note(layer, *args, **keywords):
        output = layer(*args, **keywords)
        if isinstance(layer, _ENTRANCES):
            mask = keywords.get("mask", args[1] if len(args) > 1 else None)
            calls.append((layer, args[0], mask, output))
        return output

    same = rebuilt(flat, note)
    calls = [call for call in calls if _reads_ids(same.input, call[1])]
    if not calls:
        raise ValueError(
            "`model` must have a layer that words enter, to explain its answers. "
            "Accepted: a keras.layers.Embedding, a zoo.layers.NGramBag or a "
            f"zoo.layers.TokenBag of the ids. Received: the layers "
            f"{', '.join(layer.name for layer in flat.layers)}."
        )
    layers, ids, masks, values = (list(column) for column in zip(*calls))
    real = [m for layer, m in zip(layers, masks) if isinstance(layer, BAGS)]
    before = {"ids": ids, "values": values, "masks": real}
    return Opened(
        tuple(layers),
        keras.Model(same.input, before),
        keras.Model([same.input, *values], same.output),
        keras.Model(same.input, {"ids": ids}),
    )


def _reads_ids(tokens, given) -> bool:
    """Returns whether what an entrance is given depends on the ids."""
    model = keras.Model(tokens, given)
    rows = np.array([[4, 5, 6]], "int32"), np.array([[7, 8, 9]], "int32")
    found = [keras.ops.convert_to_numpy(model(row)) for row in rows]
    return not np.array_equal(*found)
