"""Functional models with the layers of the models inside them, to cut them anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras


@contextmanager
def flattened(model: keras.Model) -> Iterator[keras.Model]:
    """Gives a model on the same layers, with those of inner models in their place.

    A model must have unique names of layers; those inside it may share theirs. So each
    has a name of its own until the block ends.

    Args:
        model: a functional model.
    """
    layers = [*dict.fromkeys(model._flatten_layers())]
    names, seen = [layer.name for layer in layers], set()
    try:
        for index, layer in enumerate(layers):
            if layer.name in seen:
                layer.name = f"{layer.name}_inner_{index}"
            seen.add(layer.name)
        yield _flat(keras.Model(model.input, model.output))
    finally:
        for layer, name in zip(layers, names, strict=True):
            layer.name = name


def rebuilt(model: keras.Model, call: Callable) -> keras.Model:
    """Returns a model on the same layers, each of which `call` calls."""
    return keras.models.clone_model(
        model, clone_function=lambda layer: layer, call_function=call
    )


def _flat(model: keras.Model) -> keras.Model:
    def inline(layer, *args, **keywords):
        if isinstance(layer, keras.Model):
            return layer.call(*args, **keywords)
        return layer(*args, **keywords)

    while any(isinstance(layer, keras.Model) for layer in model.layers):
        model = rebuilt(model, inline)
    return model
