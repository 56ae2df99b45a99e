"""Matmuls of rows that are sorted by expert."""

from __future__ import annotations

from keras import ops

from zoo.kernels._backend import scan, sliced_matmul, with_gradient, zeros_unless

_BLOCK = 32  # rows; an expert's last block is half empty on average


def grouped_matmul(
    rows, weights, counts, *, form: str = "sliced", sparse_gradient: bool = False
):
    """Multiplies `rows` of expert e by `weights[e]`, with a custom gradient.

    Args:
        rows: `[rows, d]`, sorted by expert; those beyond `sum(counts)` give zeros.
        weights: `[experts, d, h]`.
        counts: int32 `[experts]`, rows of each expert.
        form: `"sliced"` (TensorFlow without XLA) runs one matmul for each expert with
            rows, forward and backward. `"blocks"` has static shapes, as XLA and JAX
            require: each expert's rows are padded to blocks of 32, and a loop runs
            over the blocks.
        sparse_gradient: in the sliced form, whether the gradient of `weights` is an
            `IndexedSlices` of the experts with rows.

    Returns:
        `[rows, h]`.
    """
    if form == "sliced":
        return sliced_matmul(rows, weights, counts, sparse_gradient=sparse_gradient)
    return _blocks_matmul(rows, weights, counts)


def _blocks_matmul(rows, weights, counts):
    """See `grouped_matmul`; no row is dropped, whatever the counts."""
    count, experts = ops.shape(rows)[0], weights.shape[0]
    blocks = (count + _BLOCK - 1) // _BLOCK + experts
    full = (counts + _BLOCK - 1) // _BLOCK  # blocks of each expert
    last = ops.cumsum(full)
    expert = ops.searchsorted(last, ops.arange(blocks, dtype="int32"), side="right")
    expert = ops.minimum(ops.cast(expert, "int32"), experts - 1)
    # The place of each row among the padded rows; rows without an expert come last.
    row = ops.arange(count, dtype="int32")
    ends = ops.cumsum(counts)
    owner = ops.cast(ops.searchsorted(ends, row, side="right"), "int32")
    known = owner < experts
    owner = ops.minimum(owner, experts - 1)
    place = row - ops.take(ends - counts, owner) + _BLOCK * ops.take(last - full, owner)
    place = ops.where(known, place, blocks * _BLOCK)
    # There are blocks for the case that every expert has a row; others are empty.
    busy = ops.arange(blocks, dtype="int32") < last[-1]

    def forward(arguments):
        rows, weights, place, expert, busy = arguments
        x = _scatter(rows, place, blocks)

        def step(carry, elements):
            x, e, busy = elements

            def multiply():
                return [ops.matmul(x, _expert(weights, e))]

            return carry, zeros_unless(busy, multiply)

        [product] = scan(step, [ops.zeros(())], [x, expert, busy])[1]
        return [_gather(product, place)], []

    def backward(arguments, residuals, cotangents):
        rows, weights, place, expert, busy = arguments
        x, dy = (_scatter(part, place, blocks) for part in (rows, *cotangents))

        def step(carry, elements):
            [total] = carry
            x, dy, e, busy = elements

            def multiply():
                dx = ops.matmul(dy, ops.transpose(_expert(weights, e)))
                return [ops.matmul(ops.transpose(x), dy), dx]

            own, dx = zeros_unless(busy, multiply)
            own = ops.expand_dims(_expert(total, e) + own, 0)
            return [ops.slice_update(total, (e, 0, 0), own)], [dx]

        total = [ops.zeros_like(weights)]
        [total], [dx] = scan(step, total, [x, dy, expert, busy])
        return [_gather(dx, place), total, None, None, None]

    # All that both read is an argument: XLA traces the second one on its own.
    return with_gradient(forward, backward, [rows, weights, place, expert, busy])[0]


def _expert(weights, e):
    shape = (1, *weights.shape[1:])
    return ops.squeeze(ops.slice(weights, (e, 0, 0), shape), 0)


def _scatter(rows, place, blocks: int):
    """Returns `[blocks, 32, d]`: row i at `place[i]`, zeros at other places."""
    width = rows.shape[-1]
    flat = ops.zeros(((blocks + 1) * _BLOCK, width), rows.dtype)
    flat = ops.scatter_update(flat, ops.expand_dims(place, 1), rows)
    return ops.reshape(flat[: blocks * _BLOCK], (blocks, _BLOCK, width))


def _gather(blocks, place):
    """Inverts `_scatter`, with zeros for rows without an expert."""
    flat = ops.reshape(blocks, (-1, blocks.shape[-1]))
    known = ops.expand_dims(place < ops.shape(flat)[0], -1)
    found = ops.take(flat, ops.minimum(place, ops.shape(flat)[0] - 1), axis=0)
    return ops.where(known, found, ops.zeros((), flat.dtype))


def dispatch(x, order, inverse, k: int):
    """Returns the tokens of sorted pairs, `x[order[i] // k]`, with a custom gradient.

    Args:
        x: `[tokens, d]`.
        order: int32 `[tokens * k]`, pairs (token, slot) sorted by expert.
        inverse: the inverse permutation.
        k: slots per token.

    Returns:
        `[tokens * k, d]`.
    """

    def forward(arguments):
        x, order, _ = arguments
        return [ops.take(x, order // k, axis=0)], []

    def backward(arguments, residuals, cotangents):
        _, _, inverse = arguments
        pairs = ops.take(cotangents[0], inverse, axis=0)
        dx = ops.sum(ops.reshape(pairs, (-1, k, pairs.shape[-1])), axis=1)
        return [dx, None, None]

    return with_gradient(forward, backward, [x, order, inverse])[0]


def collect(rows, order, inverse, k: int):
    """Inverts the sort: `[tokens, k, d]`, with the slots of each token adjacent."""

    def forward(arguments):
        rows, _, inverse = arguments
        pairs = ops.take(rows, inverse, axis=0)
        return [ops.reshape(pairs, (-1, k, pairs.shape[-1]))], []

    def backward(arguments, residuals, cotangents):
        _, order, _ = arguments
        [d] = cotangents
        pairs = ops.take(ops.reshape(d, (-1, d.shape[-1])), order, axis=0)
        return [pairs, None, None]

    return with_gradient(forward, backward, [rows, order, inverse])[0]
