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


def sliced_matmul(rows, weights, counts) -> tf.Tensor:
    """One matmul for each group that has rows.

    The gradient of `weights` is an `IndexedSlices` of the groups with rows, so that
    an optimizer which can leaves the other groups alone.

    Args:
        rows: `[rows, d]`, sorted by group; those behind `sum(counts)` give zeros.
        weights: `[groups, d, h]`.
        counts: int32 `[groups]`.
    """
    # Tensors: a function with its own gradient must not read variables.
    return _sliced_matmul(*(tf.convert_to_tensor(t) for t in (rows, weights, counts)))


@tf.custom_gradient
def _sliced_matmul(rows, weights, counts):
    starts = tf.cumsum(counts, exclusive=True)
    active = tf.cast(tf.where(counts > 0)[:, 0], tf.int32)

    def of(tensor, group):
        return tensor[starts[group] : starts[group] + counts[group]]

    def multiply(group):
        return [tf.matmul(of(rows, group), weights[group])]

    [product] = _each(active, multiply, [weights.shape[2:]], rows)
    product = _fill(product, rows, weights.shape[-1])

    def gradient(d: tf.Tensor):
        def step(group):
            x, dy = of(rows, group), of(d, group)
            dx = tf.matmul(dy, weights[group], transpose_b=True)
            return [dx, tf.matmul(x, dy, transpose_a=True)[None]]

        dx, dw = _each(active, step, [rows.shape[1:], weights.shape[1:]], rows)
        slices = tf.IndexedSlices(dw, active, tf.shape(weights))
        return _fill(dx, rows, rows.shape[-1]), slices, None

    return product, gradient


def _each(active, step: Callable, shapes, like) -> list[tf.Tensor]:
    """`step(group)` for each active group; each of its parts joined along axis 0."""
    count = tf.shape(active)[0]
    begun = []
    for shape in shapes:
        array = tf.TensorArray(
            like.dtype, size=count + 1, infer_shape=False,
            element_shape=tf.TensorShape([None]).concatenate(shape),
        )  # fmt: skip
        # With no active group there would be nothing to join.
        begun.append(array.write(count, tf.zeros([0, *shape], like.dtype)))

    def body(index, *arrays):
        parts = step(active[index])
        return index + 1, *(a.write(index, p) for a, p in zip(arrays, parts))

    _, *arrays = tf.while_loop(
        lambda index, *_: index < count, body, (tf.constant(0), *begun)
    )
    return [array.concat() for array in arrays]


def _fill(product, rows, width: int):
    """Zeros for the rows of no group."""
    missing = tf.shape(rows)[0] - tf.shape(product)[0]
    product = tf.pad(product, [[0, missing], [0, 0]])
    product.set_shape([rows.shape[0], width])
    return product
