"""The backend operations of the kernels, on JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

# Within `fit`, Keras passes the variables of layers to a call, not those of metrics.
CALLS_UPDATE_METRICS = False
rows = None  # gradients of tables are dense
fused_lstm = None  # XLA compiles loops


def scan(
    step: Callable,
    carry: Sequence[jax.Array],
    sequences: Sequence[jax.Array],
    reverse: bool = False,
) -> tuple[list[jax.Array], list[jax.Array]]:
    """Runs `step(carry, elements) -> (carry, outputs)` over the leading axis.

    Args:
        step: the body of the loop; it takes and returns flat lists of arrays.
        carry: the state before the first step.
        sequences: arrays `[time, ...]`, read one element per step.
        reverse: whether to run from last to first; outputs stay in input order.

    Returns:
        The last carry and the stacked outputs, `[time, ...]` each.
    """

    def body(state, elements):
        new, outputs = step(list(state), list(elements))
        return list(new), list(outputs)

    return jax.lax.scan(body, list(carry), list(sequences), reverse=reverse)


def vjp(
    function: Callable,
    primals: Sequence[jax.Array],
    cotangents: Sequence[jax.Array],
) -> list[jax.Array]:
    """Returns the gradients of `function(*primals)` (a flat list) for cotangents."""
    _, pull = jax.vjp(lambda *args: list(function(*args)), *primals)
    return list(pull(list(cotangents)))


def by_rows(rows: int, limit: int, few: Callable, many: Callable):
    """Calls `many()`; compiled by XLA, the other form has no advantage."""
    del rows, limit, few
    return many()


def with_gradient(
    forward: Callable, backward: Callable, arguments: Sequence[jax.Array]
) -> list[jax.Array]:
    """Calls `forward(arguments) -> (outputs, residuals)` with a custom gradient.

    `backward(arguments, residuals, cotangents)` returns one gradient, or `None`, for
    each argument.
    """

    @jax.custom_vjp
    def call(*arrays):
        return list(forward(list(arrays))[0])

    def call_forward(*arrays):
        outputs, residuals = forward(list(arrays))
        return list(outputs), (arrays, residuals)

    def call_backward(saved, cotangents):
        arrays, residuals = saved
        return tuple(backward(list(arrays), residuals, list(cotangents)))

    call.defvjp(call_forward, call_backward)
    return call(*(jnp.asarray(a) for a in arguments))


def sliced_matmul(rows, weights, counts, *, sparse_gradient):
    """Raises, because XLA's shapes are static."""
    raise ValueError(
        "`form` must be 'blocks' or 'dense' on JAX, whose shapes are static. "
        "Received: form='sliced'."
    )


def take_rows(table, rows):
    """Returns `table[rows]` of a `keras.Variable`; its gradient is dense."""
    return jnp.take(table.value, rows, axis=0)
