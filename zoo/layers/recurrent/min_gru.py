"""Minimal gated recurrent units: cell and layer."""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.recurrent.layer import make_cell, over
from zoo.layers.recurrent.scanned import ScannedCell, ScannedLayer


@keras.saving.register_keras_serializable(package="zoo")
class MinGRUCell(ScannedCell):
    """One step of a GRU whose gate and candidate read the input alone.

        [z c̃] = x_t W + b                      W [in, 2n], b [2n]
        h_t = (1 - σ(z)) h_{t-1} + σ(z) g(c̃)

    The output is its only state.

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
        >>> cell = MinGRUCell(8)
        >>> tuple(keras.layers.RNN(cell)(ops.ones((2, 5, 3))).shape)
        (2, 8)
        >>> cell.parameter_count(3)
        64

    Source: Feng et al. 2024, Were RNNs All We Needed?, section 3.1.
    """

    GATES = ("update", "candidate")
    OPTIONS = {**ScannedCell.OPTIONS, "activation": "linear"}
    ARGUMENTS = ("units", *OPTIONS)

    def terms(self, a, x):
        z, g = a
        keep, g = ops.sigmoid(-z), self.activation(g)
        return keep, g - keep * g, ()


@keras.saving.register_keras_serializable(package="zoo")
@over(MinGRUCell)
class MinGRU(ScannedLayer):
    """A minimal GRU over sequences: `MinGRUCell`, all products at once.

    It has two products where an LSTM has eight.

    Args:
        units: size of the state.
        options: those of `MinGRUCell` and of `RecurrentLayer` (`return_sequences`,
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
        >>> tuple(MinGRU(8, return_sequences=True)(ops.ones((2, 5, 3))).shape)
        (2, 5, 8)
    """

    def __init__(self, units: int, **options) -> None:
        super().__init__(make_cell(MinGRUCell, {"units": units}, options), **options)
