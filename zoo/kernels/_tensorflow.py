"""What the kernels need of a backend, on TensorFlow (eager, graph and XLA)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf


def scan(
    step: Callable,
    carry: Sequence[tf.Tensor],
    sequences: Sequence[tf.Tensor],
    reverse: bool = False,
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Runs `step(carry, elements) -> (carry, outputs)` over the leading axis.

    Args:
        step: the body of the loop; it takes and returns flat lists of tensors.
        carry: the state before the first step.
        sequences: tensors `[time, ...]`, read one element a step.
        reverse: from the last element to the first; outputs stay in input order.

    Returns:
        The last carry and the stacked outputs, `[time, ...]` each.
    """
    carry, width = list(carry), len(carry)
    length = sequences[0].shape[0]
    if length is None:
        length = tf.shape(sequences[0])[0]
    # One step on zeros tells shapes and types; nothing reads it, so graphs drop it.
    blanks = [tf.zeros(tf.shape(s)[1:], s.dtype) for s in sequences]
    for blank, sequence in zip(blanks, sequences):
        _narrow(blank, sequence.shape[1:])
    samples = step(list(carry), blanks)[1]
    arrays = [
        tf.TensorArray(s.dtype, size=length, element_shape=s.shape) for s in samples
    ]

    def body(count, *state):
        time = length - 1 - count if reverse else count
        elements = [sequence[time] for sequence in sequences]
        new, outputs = step(list(state[:width]), elements)
        for tensor, old in zip(new, carry):
            _narrow(tensor, old.shape)
        written = [a.write(time, o) for a, o in zip(state[width:], outputs)]
        return (count + 1, *new, *written)

    _, *state = tf.while_loop(
        lambda count, *_: count < length,
        body,
        (tf.constant(0), *carry, *arrays),
        maximum_iterations=length,
    )
    return state[:width], [array.stack() for array in state[width:]]


def _narrow(tensor, shape) -> None:
    if not tf.executing_eagerly():
        tensor.set_shape(shape)


def vjp(
    function: Callable,
    primals: Sequence[tf.Tensor],
    cotangents: Sequence[tf.Tensor],
) -> list[tf.Tensor]:
    """Gradients of `function(*primals)` (a flat list) along the cotangents."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(primals)
        values = function(*primals)
    return tape.gradient(
        values,
        list(primals),
        output_gradients=list(cotangents),
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )


def by_rows(rows, limit: int, few: Callable, many: Callable):
    """`few()` for at most `limit` rows, else `many()`, chosen when the graph runs."""
    if isinstance(rows, int):
        return few() if rows <= limit else many()
    return tf.cond(rows <= limit, few, many)


def with_gradient(
    forward: Callable, backward: Callable, arguments: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """Calls `forward(arguments) -> (outputs, residuals)` with its own gradient.

    `backward(arguments, residuals, cotangents)` gives one gradient, or `None`, for
    each argument.
    """

    @tf.custom_gradient
    def call(*tensors):
        outputs, residuals = forward(list(tensors))

        def gradient(*cotangents):
            return backward(list(tensors), residuals, list(cotangents))

        return outputs, gradient

    return list(call(*(tf.convert_to_tensor(a) for a in arguments)))
