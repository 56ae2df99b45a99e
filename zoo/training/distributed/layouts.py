"""Which axis of each weight is split over devices, by the kind of its layer.

Tables with a row for each word are split by vocabulary, experts and groups of G-LSTMs
one by one; what a token uses whole is on every device. A weight is split along the
first of its axes in `RULES` that the number of parts divides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from zoo import layers
from zoo.layers.experts.gates import Gate
from zoo.layers.experts.hierarchical_gate import HierarchicalGate
from zoo.layers.recurrent.cell import GatedCell

BY_RULE = "by rule"  # why every device has all of a weight
# Words first; the width where the number of words does not divide.
_TABLE = (0, 1)
RULES: dict[type, dict[str, tuple[int, ...]]] = {
    keras.layers.Embedding: {"embeddings": _TABLE},
    layers.SampledSoftmax: {"kernel": _TABLE, "bias": (0,)},
    layers.NGramBag: {"embeddings": _TABLE, "ngram_weights": (0,)},
    layers.TokenBag: {"embeddings": _TABLE, "lengths": (0,)},
    # By expert and by group only: a part of an expert is of no use to a device.
    layers.SparseMoE: {"kernel": (0,)},
    HierarchicalGate: {"group_kernel": (0,), "group_noise_kernel": (0,)},
    layers.GroupLSTMCell: {"kernel": (0,), "recurrent_kernel": (0,)},
}
# Layers whose weights are on every device.
WHOLE: tuple[type, ...] = (
    GatedCell,
    Gate,
    keras.layers.Dense,
    layers.AdditiveAttention,
    layers.AttentionPooling,
    layers.CRF,
    layers.CoupledLSTM,
    layers.MultiplicativeAttention,
    layers.NGramBag,
    layers.Stacking,
    layers.TanhProductAttention,
    layers.TaskSpecificLSTM,
    layers.TextConvolution,
    layers.TokenBag,
)


@dataclass(frozen=True)
class Placed:
    """Where a weight is.

    Args:
        variable: the weight.
        axis: the axis that is split, or `None` if every device has all of it.
        reason: why every device has all of it, or an empty text.
    """

    variable: Any
    axis: int | None
    reason: str = ""

    def axes(self, name: str) -> tuple[str | None, ...]:
        """Returns the axes of a `keras.distribution.TensorLayout`."""
        every = range(len(self.variable.shape))
        return tuple(name if axis == self.axis else None for axis in every)


def layout(model: keras.Model, parts: int) -> list[Placed]:
    """Returns the place of each weight of a model on so many parts.

    Args:
        model: any Keras model; weights of layers without a rule are on every device.
        parts: number of devices that weights are split over.

    Example:
        >>> import zoo
        >>> small = {"units": 8, "num_experts": 6, "k": 2, "hidden": 4}
        >>> model = zoo.get("moe_lm", 10, **small)
        >>> [p.variable.path for p in layout(model, 2) if p.axis == 0]  # doctest: +SKIP
        ['embedding/embeddings', 'experts/kernel_0', 'experts/kernel_1', ...]
    """
    return [_placed(*owned, parts) for owned in _owners(model)]


def _owners(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, Any]]:
    """Yields each weight once, with the innermost layer that holds it."""
    owners = {}
    for layer in model._flatten_layers():  # each after the layers around it
        for variable in layer.weights:
            owners[id(variable)] = (layer, variable)
    yield from owners.values()


def _placed(layer: keras.layers.Layer, variable, parts: int) -> Placed:
    rule = _rule(layer, variable.name)
    if rule is None:
        known = isinstance(layer, WHOLE) or not variable.trainable
        kind = type(layer).__name__
        return Placed(variable, None, BY_RULE if known else f"no rule for {kind}")
    for axis in rule:
        if variable.shape[axis] % parts == 0:
            return Placed(variable, axis)
    sizes = " and ".join(str(variable.shape[axis]) for axis in rule)
    return Placed(variable, None, f"{parts} parts do not divide {sizes}")


def _rule(layer: keras.layers.Layer, name: str) -> tuple[int, ...] | None:
    for kind, rules in RULES.items():
        if isinstance(layer, kind):
            # The matrices of experts are `kernel_0`, `kernel_1`, ...
            stem = name.rstrip("0123456789").removesuffix("_")
            return rules.get(name, rules.get(stem))
    return None
