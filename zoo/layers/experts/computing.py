"""The outputs of experts for the tokens that were routed to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from keras import ops

from zoo.kernels.grouped import collect, dispatch, grouped_matmul
from zoo.layers.experts.gates import sort_pairs, spread_gates


def as_rows(inputs, mask, dtype: str):
    """Returns the tokens of all axes as rows, and which of them are routed.

    Args:
        inputs: `[..., d]`.
        mask: bool `[...]`, false for tokens that are not routed; or `None`.
        dtype: of the rows.

    Returns:
        `[tokens, d]`, zeros for tokens that are not routed, and bool `[tokens]`.
    """
    x = ops.reshape(ops.cast(inputs, dtype), (-1, inputs.shape[-1]))
    if mask is None:
        return x, ops.ones((ops.shape(x)[0],), "bool")
    real = ops.reshape(ops.cast(mask, "bool"), (-1,))
    return ops.where(ops.expand_dims(real, -1), x, ops.zeros((), x.dtype)), real


def run_grouped(
    x,
    experts,
    gates,
    kernels: Sequence,
    activation: Callable,
    *,
    form: str,
    sparse_gradient: bool,
):
    """Computes for each token the experts of its slots, by a grouped matmul.

    Args:
        x: `[tokens, d]`.
        experts: int32 `[tokens, slots]`; the number of experts for an unused slot.
        gates: `[tokens, slots]`.
        kernels: the matrices of the experts, `[experts, d, h]` and so on.
        activation: activation between the matrices.
        form: see `zoo.kernels.grouped.grouped_matmul`.
        sparse_gradient: see there.

    Returns:
        `[tokens, output_dim]`.
    """
    n, slots = kernels[0].shape[0], ops.shape(experts)[-1]
    order, inverse, counts = sort_pairs(experts, n)
    rows = dispatch(x, order, inverse, slots)
    for index, kernel in enumerate(kernels):
        if index:
            rows = activation(rows)
        rows = grouped_matmul(
            rows, kernel, counts, form=form, sparse_gradient=sparse_gradient
        )
    pairs = collect(rows, order, inverse, slots)
    # An unused slot has no output, so its gate does not matter.
    used = ops.expand_dims(experts < n, -1)
    return ops.sum(ops.where(used, pairs * ops.expand_dims(gates, -1), 0.0), axis=1)


def run_dense(x, experts, gates, kernels: Sequence, activation: Callable):
    """Computes all experts for all tokens; arguments and result as `run_grouped`."""
    n = kernels[0].shape[0]
    gates = ops.where(experts < n, gates, ops.zeros((), gates.dtype))
    spread = spread_gates(gates, experts, n)
    y = ops.broadcast_to(x, (n, *ops.shape(x)))
    for index, kernel in enumerate(kernels):
        if index:
            y = activation(y)
        y = ops.matmul(y, kernel)
    return ops.einsum("etd,te->td", y, spread)


def from_first(experts, first, count: int, total: int):
    """Returns the numbers of experts among `count` of them; `count` for the others.

    Args:
        experts: int32, from 0 to `total`, the latter for an unused slot.
        first: number of the first of them.
        count: how many there are here.
        total: how many there are in all.
    """
    if count == total:
        return experts
    here = ops.logical_and(experts >= first, experts < first + count)
    return ops.where(here, experts - first, count)
