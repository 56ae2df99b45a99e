"""Values and gradients of a function, on whichever backend Keras runs."""

from __future__ import annotations

import contextlib
import functools

import keras
import numpy as np
import pytest

BACKEND = keras.backend.backend()
# On JAX every eager operation is compiled by itself, and training is never eager.
MODES = ("eager", "graph", "xla") if BACKEND == "tensorflow" else ("xla",)


def eagerly(eager: bool = True):
    """A context in which JAX runs op by op, and TensorFlow as it always does.

    Otherwise JAX compiles every loop that it meets anew, even in eager calls.
    """
    if BACKEND != "jax":
        return contextlib.nullcontext()
    import jax

    return jax.disable_jit(eager)


@pytest.fixture(autouse=True)
def quick():
    """For the conftest of folders in which every test runs op by op on JAX."""
    with eagerly():
        yield


def value_and_gradients(function, arrays, mode: str = "eager"):
    """`function` gives a scalar of a nested structure of float arrays.

    Returns:
        The scalar and the gradients, in the structure of `arrays`, in NumPy.
    """
    if BACKEND == "tensorflow":
        import tensorflow as tf

        def run(values):
            with tf.GradientTape() as tape:
                tape.watch(values)
                result = function(values)
            return result, tape.gradient(
                result, values, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )

        if mode != "eager":
            run = tf.function(run, jit_compile=mode == "xla")
        values = keras.tree.map_structure(tf.convert_to_tensor, arrays)
    else:
        import jax

        run = jax.value_and_grad(function)
        run = jax.jit(run) if mode == "xla" else run
        values = keras.tree.map_structure(jax.numpy.asarray, arrays)
    with eagerly(mode == "eager"):
        result, gradients = run(values)
    to_numpy = keras.ops.convert_to_numpy
    return to_numpy(result), keras.tree.map_structure(to_numpy, gradients)


def layer_gradients(layer, inputs, loss, mode: str = "eager", **call_arguments):
    """Gradients of `loss(layer(*inputs))` by the inputs and by the layer's weights.

    Args:
        layer: a built layer.
        inputs: a list of float arrays.
        loss: takes what the layer returns, gives a scalar.
        mode: one of `MODES`.

    Returns:
        The scalar, and two lists of arrays.
    """

    def function(values):
        trainable = list(zip(layer.trainable_variables, values["weights"]))
        kept = [(v, v.value) for v in layer.non_trainable_variables]
        with keras.StatelessScope(state_mapping=trainable + kept):
            return loss(layer(*values["inputs"], **call_arguments))

    weights = [keras.ops.convert_to_numpy(w) for w in layer.trainable_variables]
    value, gradients = value_and_gradients(
        function, {"inputs": list(inputs), "weights": weights}, mode
    )
    return value, gradients["inputs"], gradients["weights"]


def call_once(layer, *inputs, **call_arguments):
    """Calls a built layer with arrays; it keeps its new state.

    JAX compiles the call as one: op by op, it compiles hundreds of small programs.

    Returns:
        What the layer returns, and its losses.
    """
    if BACKEND != "jax":
        return layer(*inputs, **call_arguments), layer.losses
    arrays = {k: v for k, v in call_arguments.items() if isinstance(v, np.ndarray)}
    plain = [pair for pair in call_arguments.items() if pair[0] not in arrays]
    trainable = [v.value for v in layer.trainable_variables]
    others = [v.value for v in layer.non_trainable_variables]
    run = _compiled(layer, tuple(plain))
    found, others, losses = run(trainable, others, inputs, arrays)
    for variable, value in zip(layer.non_trainable_variables, others, strict=True):
        variable.assign(value)
    return found, losses


@functools.lru_cache(maxsize=4)  # of the layers of one test
def _compiled(layer, plain):
    import jax

    def run(trainable, others, inputs, arrays):
        given = {**arrays, **dict(plain), "return_losses": True}
        return layer.stateless_call(trainable, others, *inputs, **given)

    return jax.jit(run)


def assert_close(actual, expected, tolerance: float = 1e-4) -> None:
    """Compares nested structures of arrays, relative to the expected one's size."""
    actual, expected = keras.tree.flatten(actual), keras.tree.flatten(expected)
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected):
        a = keras.ops.convert_to_numpy(a).astype("float64")
        e = keras.ops.convert_to_numpy(e).astype("float64")
        assert a.shape == e.shape
        size = max(1.0, np.abs(e).max(initial=0.0))
        np.testing.assert_allclose(a, e, rtol=0, atol=tolerance * size)
