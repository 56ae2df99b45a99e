"""The sentence vector: the input of the heads of a classifier."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from zoo.models.heads import layer_name
from zoo.tasks import Task


def sentence_features(model: keras.Model, tasks: Mapping[str, Task]):
    """Returns the features of a text in a model of the zoo.

    Args:
        model: ids `[batch, time]` to a dict of outputs by task.
        tasks: all tasks by name.

    Returns:
        A symbolic `[batch, units]` of the model's graph: the input of its head or, if
        heads have inputs of their own, these concatenated in the order of the tasks.
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
    """Returns the input of a layer of the model, or of a model inside it."""
    for inner in model.layers:
        if inner.name == layer:
            return inner.input
        if isinstance(inner, keras.Model):  # a task with a network of its own
            features = _input_of(inner, layer)
            if features is not None:
                return keras.Model(inner.input, features)(model.input)
    return None
