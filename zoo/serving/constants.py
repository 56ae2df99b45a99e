"""Weights that a graph holds as constants, which spares it reading variables."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import keras
import numpy as np

from zoo.text.imports import tf

Constants = Sequence[tuple[keras.Variable, np.ndarray]]
# A constant is a copy: larger tables would take more room than they save time.
MOST_NUMBERS = 2**18


def small_weights(model: keras.Model) -> Constants:
    """Returns the small weights of a model with their values.

    Those of recurrent layers are left out, which have constants of their own (see
    `zoo.kernels.single`).
    """
    recurrent = {
        id(variable)
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.RNN)
        for variable in layer.variables
    }
    return [
        (variable, keras.ops.convert_to_numpy(variable))
        for variable in model.weights
        if id(variable) not in recurrent and np.prod(variable.shape) <= MOST_NUMBERS
    ]


def held(constants: Constants) -> AbstractContextManager:
    """Makes graphs traced within read these constants in place of the variables."""
    values = [(variable, tf.constant(value)) for variable, value in constants]
    return keras.StatelessScope(state_mapping=values)
