"""Selects the kernels of the backend that Keras runs on."""

from __future__ import annotations

from types import ModuleType

import keras

_NAME = keras.backend.backend()
_chosen: ModuleType
if _NAME == "tensorflow":
    from zoo.kernels import _tensorflow

    _chosen = _tensorflow
elif _NAME == "jax":
    from zoo.kernels import _jax

    _chosen = _jax
else:
    raise ImportError(
        "The zoo's kernels do not run on this Keras backend. "
        "Accepted: KERAS_BACKEND=tensorflow or KERAS_BACKEND=jax. "
        f"Received: {_NAME}."
    )

CALLS_UPDATE_METRICS = _chosen.CALLS_UPDATE_METRICS
by_rows, scan, sliced_matmul = _chosen.by_rows, _chosen.scan, _chosen.sliced_matmul
vjp, with_gradient = _chosen.vjp, _chosen.with_gradient
on_each_device, zeros_unless = _chosen.on_each_device, _chosen.zeros_unless
on_each_replica = _chosen.on_each_replica
# `rows` updates single rows of variables; None if gradients of tables are dense.
rows, take_rows = _chosen.rows, _chosen.take_rows
distinct = _chosen.distinct

# `fused_lstm` is one operation for all steps; None where XLA compiles the loop.
fused_lstm = _chosen.fused_lstm
# The order of tokens in a packed scan and convolution; None where shapes are static.
Packing, Line = _chosen.Packing, _chosen.Line

__all__ = [
    "Line",
    "Packing",
    "CALLS_UPDATE_METRICS",
    "by_rows",
    "distinct",
    "fused_lstm",
    "on_each_device",
    "on_each_replica",
    "rows",
    "scan",
    "sliced_matmul",
    "take_rows",
    "vjp",
    "with_gradient",
    "zeros_unless",
]
