"""Gradients as NumPy arrays, on TensorFlow and on JAX."""

from __future__ import annotations

import keras
import numpy as np


def weight_gradients(variables, function) -> list[np.ndarray]:
    """Gradients of the scalar `function()` by Keras variables that it uses."""
    variables = list(variables)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = function()
        gradients = tape.gradient(
            loss,
            [variable.value for variable in variables],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        return [np.asarray(tf.convert_to_tensor(value)) for value in gradients]

    import jax

    def loss_of(values):
        mapping = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return function()

    gradients = jax.grad(loss_of)([variable.value for variable in variables])
    return [np.asarray(value) for value in gradients]


def input_gradients(function, *arrays) -> list[np.ndarray]:
    """Gradients of the scalar `function(*tensors)` by each of its float arguments."""
    tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(tensors)
            loss = function(*tensors)
        return [np.asarray(value) for value in tape.gradient(loss, tensors)]

    import jax

    return [
        np.asarray(value)
        for value in jax.grad(function, argnums=tuple(range(len(tensors))))(*tensors)
    ]
