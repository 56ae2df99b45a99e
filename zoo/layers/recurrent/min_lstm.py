"""Minimal LSTMs: cell and layer."""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.recurrent.layer import make_cell, over
from zoo.layers.recurrent.scanned import ScannedCell, ScannedLayer


@keras.saving.register_keras_serializable(package="zoo")
class MinLSTMCell(ScannedCell):
    """One step of an LSTM whose gates read the input alone and sum to one.

        [i f c̃] = x_t W + b                    W [in, 3n], b [3n]
        f' = σ(f) / (σ(f) + σ(i)),  i' = 1 - f'
        h_t = f' h_{t-1} + i' g(c̃)

    The output is its only state. f' is computed as
    `σ(softplus(-i) - softplus(-f))`, in which no gate is divided by zero.

    Args:
        units: size n of the state.
        activation: activation g of the candidate, none by default.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer, and `..._regularizer`, `..._constraint`:
            as in keras.

    Call arguments: inputs `[batch, features]`, states `[h [batch, n]]`.
    Returns: `(h, [h])`.

    Raises:
        ValueError: for sizes that are not positive integers.

    Example:
        >>> cell = MinLSTMCell(8)
        >>> tuple(keras.layers.RNN(cell)(ops.ones((2, 5, 3))).shape)
        (2, 8)
        >>> cell.parameter_count(3)
        96

    Source: Feng et al. 2024, Were RNNs All We Needed?, section 3.2.
    """

    GATES = ("input", "forget", "candidate")
    OPTIONS = {**ScannedCell.OPTIONS, "activation": "linear"}
    ARGUMENTS = ("units", *OPTIONS)

    def terms(self, a, x):
        i, f, g = a
        keep, g = ops.sigmoid(ops.softplus(-i) - ops.softplus(-f)), self.activation(g)
        return keep, g - keep * g, ()


@keras.saving.register_keras_serializable(package="zoo")
@over(MinLSTMCell)
class MinLSTM(ScannedLayer):
    """A minimal LSTM over sequences: `MinLSTMCell`, all products at once.

    It has three products where an LSTM has eight.

    Args:
        units: size of the state.
        options: those of `MinLSTMCell` and of `RecurrentLayer` (`return_sequences`,
            `return_state`, `go_backwards`, `stateful`, `zero_output_for_mask`,
            `dropout`, `dropout_per`, `seed`).

    Call arguments: sequences `[batch, time, features]`; `mask` bool `[batch, time]`;
    `initial_state` `[h [batch, units]]`; `training`.

    Returns:
        `[batch, units]`, or `[batch, time, units]` with `return_sequences`; with
        `return_state` a tuple of it and `h`.

    Raises:
        ValueError: for sizes that are not positive integers, `recurrent_dropout` and
            `recompute`.

    Example:
        >>> tuple(MinLSTM(8, return_sequences=True)(ops.ones((2, 5, 3))).shape)
        (2, 5, 8)
    """

    def __init__(self, units: int, **options) -> None:
        super().__init__(make_cell(MinLSTMCell, {"units": units}, options), **options)
