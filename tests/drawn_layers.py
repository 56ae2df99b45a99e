"""Recurrent layers with weights that all matter, and what they are compared with."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(0, 0.7, shape).astype("float32")


def with_drawn_weights(layer, shape):
    """The layer, built for inputs of a shape."""
    layer.build(shape)
    for seed, variable in enumerate(layer.weights):
        if variable.ndim and "state" not in variable.path:
            variable.assign(draw(seed + 1, *variable.shape))
    return layer


def states(layer, batch=3):
    sizes = layer.cell.state_size
    return [draw(30 + place, batch, size) for place, size in enumerate(sizes)]


def plain(layer, shape):
    """The same cell under keras's own loop and autodiff."""
    rnn = keras.layers.RNN(type(layer.cell).from_config(layer.cell.get_config()))
    options = ("return_sequences", "return_state", "go_backwards")
    for name in (*options, "zero_output_for_mask"):
        setattr(rnn, name, getattr(layer, name))
    rnn.build(shape)
    rnn.set_weights(layer.get_weights())
    return rnn


def total(outputs):
    """A scalar that every output has a part in."""
    parts = keras.tree.flatten(outputs)
    return sum(ops.sum(y * draw(40 + k, *y.shape)) for k, y in enumerate(parts))
