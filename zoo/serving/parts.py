"""The parts of a served model, told by the classes of its layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import keras

# Modules of the classes of each part, as prefixes.
_PARTS = {
    "embedding": ("keras.src.layers.core.embedding", "zoo.layers.by_word"),
    "recurrent": ("zoo.layers.recurrent", "zoo.layers.windows"),
    "convolutions": ("zoo.layers.convolution", "keras.src.layers.convolutional"),
    "experts": ("zoo.layers.experts",),
    "n-grams": ("zoo.layers.ngrams", "zoo.layers.token_bag"),
    "pooling": ("zoo.layers.pooling", "zoo.layers.attention"),
    "heads": (
        "keras.src.layers.core.dense",
        "zoo.layers.stacking",
        "zoo.layers.branch_mean",
        "zoo.layers.crf",
    ),
}
TEXT, OTHER, ANSWER = "text", "other layers", "answer"
_PIPELINE = re.compile(r"\w+_pipeline(_\d+)?")  # names of pipelines


def layer_classes(model: keras.Model) -> dict[str, str]:
    """Returns the class of each layer by name; of a model within it, those inside.

    Example:
        >>> inputs = keras.Input((3,))
        >>> outputs = keras.layers.Dense(1, name="head")(inputs)
        >>> layer_classes(keras.Model(inputs, outputs))["head"]
        'keras.src.layers.core.dense.Dense'
    """
    return dict(_classes(model))


def _classes(model: keras.Model) -> Iterator[tuple[str, str]]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _classes(layer)
        else:
            kind = type(layer)
            yield layer.name, f"{kind.__module__}.{kind.__qualname__}"


def part_of(kind: str) -> str:
    """Returns the part to which a layer of a class belongs.

    Example:
        >>> part_of("zoo.layers.recurrent.lstm.LSTM")
        'recurrent'
    """
    for part, modules in _PARTS.items():
        if kind.startswith(modules):
            return part
    return OTHER


def place_of(node: str, layers: Mapping[str, str]) -> tuple[str, str]:
    """Returns the part of an operation of a served graph, and its layer, if any.

    Keras names operations after their layers, and pipelines theirs after themselves.

    Args:
        node: full name of the operation.
        layers: classes of the layers by name.

    Example:
        >>> layers = {"head": "keras.src.layers.core.dense.Dense"}
        >>> place_of("call/bilstm/head_1/MatMul", layers)
        ('heads', 'head')
    """
    scopes = node.split("/")[:-1]
    for scope in scopes:
        for name in (scope, scope.rpartition("_")[0]):
            if name in layers:
                return part_of(layers[name]), name
    text = any(map(_PIPELINE.fullmatch, scopes))
    return (TEXT if text else ANSWER), ""
