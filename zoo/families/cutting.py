"""What layers inside a model chose: experts of tokens, and weights of attention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras

from zoo.families.flat import flattened
from zoo.layers import AttentionPooling, SparseMoE
from zoo.layers.attention import MemoryAttention
from zoo.layers.experts.routing import route

EXPERTS, POOLING, ATTENTION = SparseMoE, AttentionPooling, MemoryAttention


@dataclass(frozen=True)
class Call:
    """A call of a layer inside a model.

    Args:
        name: of the layer; with a number from its second call on.
        layer: that was called.
        along: name of the model's input whose places are those of the axis of time;
            `None` for an input of the layer without one, or with one of a fixed length.
        fixed: length of that axis, 0 where there is none, and `None` with `along`.
    """

    name: str
    layer: keras.layers.Layer
    along: str | None
    fixed: int | None


@dataclass(frozen=True)
class Inside:
    """A model cut at the layers that choose; it shares the weights.

    Args:
        calls: of those layers, in the order of the model.
        model: inputs of the whole model to a dict of what each call chose, by `name`:
            of experts `zoo.layers.experts.routing.route`, of attention the weights
            float32 `[batch, targets, time]`, of pooling `[batch, time]`.
    """

    calls: tuple[Call, ...]
    model: keras.Model


def has(model: keras.Model, *kinds: type) -> bool:
    """Returns whether there is a layer of these kinds, also in models inside it.

    Example:
        >>> import zoo
        >>> sizes = {"units": 4, "embedding_dim": 4}
        >>> has(zoo.get("bilstm", 50, 2, **sizes), EXPERTS)
        False
        >>> has(zoo.get("moe_classifier", 50, 2, hidden=4, **sizes), EXPERTS)
        True
    """
    return any(isinstance(layer, kinds) for layer in model._flatten_layers())


def cut(model: keras.Model, *kinds: type) -> Inside:
    """Cuts a functional model at each layer of these kinds.

    Args:
        model: that has such layers.
        kinds: among `EXPERTS`, `POOLING` and `ATTENTION`.
    """
    calls, outputs = [], {}
    with flattened(model) as flat:
        for name, node in _nodes(flat, kinds):
            layer, given = node.operation, node.input_tensors
            if isinstance(layer, ATTENTION):
                calls.append(Call(name, layer, None, 0))
                outputs[name] = node.outputs[1]
                continue
            calls.append(Call(name, layer, *_axis(*given)))
            choose = layer.importance if isinstance(layer, POOLING) else _routed(layer)
            outputs[name] = _Asked(layer, choose)(*given)
        return Inside(tuple(calls), keras.Model(flat.input, outputs))


def _nodes(flat: keras.Model, kinds: tuple[type, ...]) -> Iterator[tuple[str, Any]]:
    """Yields the calls of layers of these kinds, each with its name."""
    count: Counter[str] = Counter()
    for depth in sorted(flat._nodes_by_depth, reverse=True):
        for node in flat._nodes_by_depth[depth]:
            name = node.operation.name
            if isinstance(node.operation, kinds):
                count[name] += 1
                yield name if count[name] == 1 else f"{name}_{count[name]}", node


def _axis(given, mask=None) -> tuple[str | None, int | None]:
    """Returns `along` and `fixed` of a call."""
    if len(given.shape) < 3:
        return None, 0
    if given.shape[1] is not None:
        return None, given.shape[1]
    # The mask is of one input, even where the states depend on several.
    sources = keras.utils.get_source_inputs(given if mask is None else mask)
    return sources[0].name, None


def _routed(layer: SparseMoE) -> Callable:
    return lambda inputs, mask=None: route(layer, inputs, mask)


class _Asked(keras.layers.Layer):
    """A function of a layer's inputs as a layer, which a functional model can hold."""

    def __init__(self, layer: keras.layers.Layer, function: Callable) -> None:
        super().__init__(name=f"{layer.name}_asked", dtype=layer.dtype_policy)
        self.supports_masking = True
        self.layer, self.function = layer, function

    def call(self, inputs, mask=None):
        return self.function(inputs, mask)
