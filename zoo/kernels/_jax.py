"""The backend operations of the kernels, on JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import keras
from jax.sharding import PartitionSpec

# Within `fit`, Keras passes the variables of layers to a call, not those of metrics.
CALLS_UPDATE_METRICS = False
rows = None  # gradients of tables are dense
fused_lstm = None  # XLA compiles loops
Packing = Line = None  # shapes are static
distinct = None  # its size is not static; only graphs of one row ask for it


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


def on_each_replica(
    function: Callable,
    arrays: Sequence,
    axes: Sequence[int | None],
    results: Sequence[int],
    variables: Sequence[keras.Variable],
) -> list[jax.Array]:
    """Calls a function on each replica of the model, for its rows of the batch.

    XLA would gather the rows of all replicas where axes of steps and rows are joined.
    Without a distribution, or outside of a compiled step, it is one call, as it is
    where the devices share one of the variables.

    Args:
        function: from the arrays to a list.
        arrays: its arguments; some may be `None`.
        axes: the axis of the rows of each of them.
        results: the axis of the rows of each of its results.
        variables: all variables that it reads.
    """
    distribution = keras.distribution.distribution()
    if distribution is None or not isinstance(arrays[0], jax.core.Tracer):
        return function(*arrays)
    mesh = distribution.device_mesh.backend_mesh
    batch = mesh.axis_names[0]
    shared = any(any(getattr(v._layout, "axes", ())) for v in variables)
    if shared or arrays[0].shape[axes[0]] % mesh.shape[batch]:
        return function(*arrays)

    def rows_at(axis: int | None):
        return PartitionSpec(*[None] * axis, batch) if axis is not None else None

    given = [place for place, array in enumerate(arrays) if array is not None]

    def local(arrays, values):
        passed = dict(zip(given, arrays, strict=True))
        scope = keras.StatelessScope([*zip(variables, values, strict=True)])
        with scope:
            return function(*[passed.get(place) for place in range(len(axes))])

    return jax.shard_map(
        local,
        mesh=mesh,
        in_specs=(
            [rows_at(axes[p]) for p in given],
            [PartitionSpec()] * len(variables),
        ),
        out_specs=[rows_at(axis) for axis in results],
        check_vma=False,
    )([jnp.asarray(arrays[p]) for p in given], [v.value for v in variables])


def zeros_unless(needed, compute: Callable) -> list[jax.Array]:
    """Calls `compute()`, which returns a list, only if its results are needed.

    Args:
        needed: a bool scalar, false if all results are zero.
        compute: a function without arguments.
    """
    shapes = jax.eval_shape(compute)
    return jax.lax.cond(
        needed, compute, lambda: [jnp.zeros(s.shape, s.dtype) for s in shapes]
    )


def on_each_device(function: Callable, rows: Sequence, experts: Sequence):
    """Computes experts where they are, for the rows of their replica of the model.

    Where the devices share the experts, each of them has all rows of its replica,
    computes those of its experts, and the results are summed. Without a distribution,
    or outside of a compiled step, it is one call.

    Args:
        function: from its rows, its experts and the number of its first one to
            `[rows, d]`, with zeros for rows of experts elsewhere.
        rows: arrays `[rows, ...]`.
        experts: variables `[experts, ...]`.

    Returns:
        `[rows, d]`.

    Source: Shazeer et al. 2017, section 3.1: one copy of each expert.
    """
    weights = [jnp.asarray(keras.ops.convert_to_tensor(kernel)) for kernel in experts]
    distribution = keras.distribution.distribution()
    if distribution is None or not isinstance(rows[0], jax.core.Tracer):
        return function(rows, weights, 0)
    mesh = distribution.device_mesh.backend_mesh
    batch, *others = mesh.axis_names
    parts = mesh.shape[others[0]] if others else 1
    own, rest = divmod(weights[0].shape[0], parts)
    split = parts > 1 and not rest
    by_row = PartitionSpec(None if rows[0].shape[0] % mesh.shape[batch] else batch)
    by_expert = PartitionSpec(others[0]) if split else PartitionSpec()

    def local(rows, weights):
        if not split:
            return function(rows, weights, 0)
        first = jax.lax.axis_index(others[0]) * own
        return _sum_over(others[0], parts, function(rows, weights, first))

    return jax.shard_map(
        local,
        mesh=mesh,
        in_specs=([by_row] * len(rows), [by_expert] * len(weights)),
        out_specs=by_row,
        check_vma=False,
    )(list(rows), weights)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _sum_over(axis: str, parts: int, array: jax.Array) -> jax.Array:
    """Returns the sum over the parts of an axis, in each of them.

    Its gradient is that of the sum, which all parts have. JAX does not know that, and
    would send it again: each part gets one of `parts` shares and sums them.
    """
    return jax.lax.psum(array, axis)


def _sum_forward(axis, parts, array):
    return jax.lax.psum(array, axis), None


def _sum_backward(axis, parts, _, gradient):
    return (gradient * parts,)


_sum_over.defvjp(_sum_forward, _sum_backward)
