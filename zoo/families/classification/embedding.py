"""The sentence vector: what the heads of a classifier read."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from zoo.models.heads import layer_name
from zoo.tasks import Task


def sentence_features(model: keras.Model, tasks: Mapping[str, Task]):
    """The features of a text in a model of the zoo.

    Args:
        model: ids `[batch, time]` to a dict of outputs by task.
        tasks: all tasks by name.

    Returns:
        A symbolic `[batch, units]` of the model's graph: what its head reads, or, where
        heads read features of their own, these side by side in the order of the tasks.
        `None` for a model without the zoo's heads.
    """
    found: list = []
    for name in tasks:
        features = _input_of(model, layer_name("head", tasks, name))
        if features is None:
            return None
        if not any(features is other for other in found):
            found.append(features)
    return found[0] if len(found) == 1 else keras.layers.Concatenate()(found)


def _input_of(model: keras.Model, layer: str):
    """What a layer of the model, or of a model within it, reads."""
    for inner in model.layers:
        if inner.name == layer:
            return inner.input
        if isinstance(inner, keras.Model):  # a task with a network of its own
            features = _input_of(inner, layer)
            if features is not None:
                return keras.Model(inner.input, features)(model.input)
    return None
