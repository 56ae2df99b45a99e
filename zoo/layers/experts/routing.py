"""Which experts each token of a call went to."""

from __future__ import annotations

from keras import ops

from zoo.layers.experts.computing import as_rows
from zoo.layers.experts.sparse_moe import SparseMoE


def route(layer: SparseMoE, inputs, mask=None) -> dict:
    """Returns the experts that a call of the layer uses at inference, and their gates.

    Args:
        layer: built.
        inputs: `[..., d]`, as of the call.
        mask: bool `[...]`, as of the call.

    Returns:
        `experts` int32 `[..., slots]`, the number of experts for an unused slot, and
        `gates` float32 `[..., slots]`, 0 there. The slots of a masked token are unused.

    Example:
        >>> layer = SparseMoE(8, k=2, hidden=16)
        >>> x = ops.ones((1, 3, 4))
        >>> _ = layer(x)
        >>> tuple(route(layer, x)["gates"].shape)
        (1, 3, 2)
    """
    rows, real = as_rows(inputs, mask, layer.compute_dtype)
    routing = layer.gate(ops.cast(rows, "float32"), real, training=False)
    used = routing.experts < layer.num_experts
    gates = ops.where(used, routing.gates, 0.0)
    shape = (*ops.shape(inputs)[:-1], ops.shape(gates)[-1])
    found = {"experts": routing.experts, "gates": gates}
    return {name: ops.reshape(value, shape) for name, value in found.items()}
