"""The backend operations of the kernels, on TensorFlow (eager, graph and XLA)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from zoo.kernels import _tensorflow_rows as rows
from zoo.kernels._tensorflow_line import Line as Line
from zoo.kernels._tensorflow_lstm import fused_lstm as fused_lstm
from zoo.kernels._tensorflow_packed import Packing as Packing
from zoo.kernels.packed import is_packed
from zoo.kernels.portable import is_portable
from zoo.kernels.single import is_single

CALLS_UPDATE_METRICS = True  # within Keras's `fit`
distinct, take_rows = rows.distinct, rows.take_rows


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
        sequences: tensors `[time, ...]`, read one element per step.
        reverse: whether to run from last to first; outputs stay in input order.

    Returns:
        The last carry and the stacked outputs, `[time, ...]` each.
    """
    carry, width = list(carry), len(carry)
    length = sequences[0].shape[0]
    if length is None:
        length = tf.shape(sequences[0])[0]
    # One step on zeros gives shapes and types; graphs drop it, as its result is unused.
    blanks = [tf.zeros(tf.shape(s)[1:], s.dtype) for s in sequences]
    for blank, sequence in zip(blanks, sequences):
        _narrow(blank, sequence.shape[1:])
    samples = step(list(carry), blanks)[1]
    arrays = [
        tf.TensorArray(s.dtype, size=length, element_shape=s.shape) for s in samples
    ]
    turned = reverse and is_portable()

    def body(count, *state):
        time = length - 1 - count if reverse else count
        elements = [sequence[time] for sequence in sequences]
        new, outputs = step(list(state[:width]), elements)
        for tensor, old in zip(new, carry):
            _narrow(tensor, old.shape)
        place = count if turned else time
        written = [a.write(place, o) for a, o in zip(state[width:], outputs)]
        return (count + 1, *new, *written)

    _, *state = tf.while_loop(
        lambda count, *_: count < length,
        body,
        (tf.constant(0), *carry, *arrays),
        maximum_iterations=length,
    )
    stacked = [array.stack() for array in state[width:]]
    if turned:
        stacked = [tf.reverse(tensor, [0]) for tensor in stacked]
    return state[:width], stacked


def _narrow(tensor, shape) -> None:
    if not tf.executing_eagerly():
        tensor.set_shape(shape)


def vjp(
    function: Callable,
    primals: Sequence[tf.Tensor],
    cotangents: Sequence[tf.Tensor],
) -> list[tf.Tensor]:
    """Returns the gradients of `function(*primals)` (a flat list) for cotangents."""
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
    """Calls `few()` for at most `limit` rows, else `many()`, decided at run time."""
    if is_portable():
        return few()
    if isinstance(rows, int):
        return few() if rows <= limit else many()
    return tf.cond(rows <= limit, few, many)


def with_gradient(
    forward: Callable, backward: Callable, arguments: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """Calls `forward(arguments) -> (outputs, residuals)` with a custom gradient.

    `backward(arguments, residuals, cotangents)` returns one gradient, or `None`, for
    each argument.
    """
    arguments = [tf.convert_to_tensor(argument) for argument in arguments]
    if is_portable() or is_single() or is_packed():  # none needs gradients
        return list(forward(arguments)[0])

    @tf.custom_gradient
    def call(*tensors):
        outputs, residuals = forward(list(tensors))

        def gradient(*cotangents):
            return backward(list(tensors), residuals, list(cotangents))

        return outputs, gradient

    return list(call(*arguments))


def sliced_matmul(rows, weights, counts, *, sparse_gradient: bool) -> tf.Tensor:
    """Runs one matmul for each group with rows.

    Args:
        rows: `[rows, d]`, sorted by group; those after `sum(counts)` give zeros.
        weights: `[groups, d, h]`.
        counts: int32 `[groups]`.
        sparse_gradient: whether the gradient of `weights` is an `IndexedSlices` of the
            groups with rows, for optimizers that can skip the others.
    """
    # Tensors, because a function with a custom gradient must not read variables.
    tensors = [tf.convert_to_tensor(tensor) for tensor in (rows, weights, counts)]

    @tf.custom_gradient
    def multiply(rows, weights, counts):
        groups = _Groups(rows, counts)
        product = groups.join(
            lambda g: tf.matmul(groups.of(rows, g), weights[g]), weights.shape[-1]
        )

        def gradient(d):
            # Not d_g w_gᵀ: with few rows, TensorFlow takes two to four times as long if
            # the transposed factor is the larger one.
            dx = groups.join(
                lambda g: tf.transpose(
                    tf.matmul(weights[g], groups.of(d, g), transpose_b=True)
                ),
                rows.shape[-1],
            )
            if not sparse_gradient:
                return dx, groups.outer(rows, d), None
            dw = tf.IndexedSlices(
                groups.outer_of_active(rows, d), groups.active, tf.shape(weights)
            )
            return dx, dw, None

        return product, gradient

    return multiply(*tensors)


class _Groups:
    """Rows sorted by group, with the number of rows of each group."""

    def __init__(self, rows, counts) -> None:
        self.rows, self.counts = rows, counts
        self.starts = tf.cumsum(counts, exclusive=True)
        self.active = tf.cast(tf.where(counts > 0)[:, 0], tf.int32)

    def of(self, tensor, group):
        start = self.starts[group]
        return tensor[start : start + self.counts[group]]

    def join(self, step: Callable, width: int):
        """Concatenates `step(group)` `[its rows, width]`; zeros for other rows."""
        product = self._each(step, [width])
        missing = tf.shape(self.rows)[0] - tf.shape(product)[0]
        product = tf.pad(product, [[0, missing], [0, 0]])
        product.set_shape([self.rows.shape[0], width])
        return product

    def outer(self, x, y):
        """Returns `x_gᵀ y_g` of every group, `[groups, d, h]`.

        It uses one batched matmul, unless the padding to the largest group costs more
        than that saves.
        """
        most, total = tf.reduce_max(self.counts), tf.shape(x)[0]

        def padded():
            place = tf.range(most)
            index = tf.minimum(self.starts[:, None] + place, total - 1)
            real = tf.cast(place < self.counts[:, None], x.dtype)[..., None]
            return tf.matmul(
                tf.gather(x, index) * real, tf.gather(y, index), transpose_a=True
            )

        def each():
            shape = [tf.shape(self.counts)[0], x.shape[-1], y.shape[-1]]
            found = self.outer_of_active(x, y)
            return tf.scatter_nd(self.active[:, None], found, shape)

        even = most * tf.shape(self.counts)[0] <= 2 * total
        return tf.cond(even & (total > 0), padded, each)

    def outer_of_active(self, x, y):
        """Returns the same for groups with rows only, `[active groups, d, h]`."""

        def step(group):
            product = tf.matmul(self.of(x, group), self.of(y, group), transpose_a=True)
            return product[None]

        return self._each(step, [x.shape[-1], y.shape[-1]])

    def _each(self, step: Callable, shape):
        """Concatenates `step(group)` `[any, *shape]` of the groups with rows."""
        count, kind = tf.shape(self.active)[0], self.rows.dtype
        array = tf.TensorArray(
            kind,
            size=count + 1,
            infer_shape=False,
            element_shape=tf.TensorShape([None, *shape]),
        )
        # Without active groups there would be nothing to concatenate.
        array = array.write(count, tf.zeros([0, *shape], kind))

        def body(index, array):
            return index + 1, array.write(index, step(self.active[index]))

        _, array = tf.while_loop(
            lambda index, _: index < count, body, (tf.constant(0), array)
        )
        return array.concat()


def on_each_replica(function: Callable, arrays, axes, results, variables):
    """Calls `function`; see `zoo.kernels._jax`, whose models may have replicas."""
    return function(*arrays)


def zeros_unless(needed, compute: Callable):
    """Calls `compute()` in any case; XLA on TensorFlow has no cheaper form."""
    del needed
    return compute()


def on_each_device(function: Callable, rows, experts):
    """Calls `function`; see `zoo.kernels._jax`, whose models may have more devices."""
    return function(rows, experts, 0)
