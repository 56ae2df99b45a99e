"""A whole LSTM as one operation, on TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf


def fused_lstm(
    x: tf.Tensor,
    states: Sequence[tf.Tensor],
    weights: Callable,
    *,
    reverse: bool = False,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Runs an LSTM by `BlockLSTMV2`, an operation without a gradient in Python.

    It computes the input projection within, step by step, from one matrix with the rows
    of both kernels. That matrix becomes a constant of the graph, because computing it
    in each request would take as long as several steps.

    Args:
        x: `[time, batch, features]`.
        states: `h` and `c` `[batch, units]` before the first step.
        weights: returns kernel `[features, 4 * units]`, recurrent kernel
            `[units, 4 * units]` and bias `[4 * units]`, in the order input, forget,
            candidate, output.
        reverse: whether to run from last to first.

    Returns:
        `(outputs [time, batch, units], [h, c])`, outputs in the order of the inputs.
    """
    h, c = states
    with tf.init_scope():
        kernel, recurrent_kernel, bias = (weight.numpy() for weight in weights())
    none = np.zeros(bias.shape[0] // 4, bias.dtype)  # peepholes
    block = tf.raw_ops.BlockLSTMV2(
        seq_len_max=tf.shape(x, tf.int64)[0],
        x=tf.reverse(x, [0]) if reverse else x,
        cs_prev=c,
        h_prev=h,
        w=np.concatenate([kernel, recurrent_kernel]),
        b=bias,
        wci=none,
        wcf=none,
        wco=none,
    )
    outputs = tf.reverse(block.h, [0]) if reverse else block.h
    return outputs, [block.h[-1], block.cs[-1]]
