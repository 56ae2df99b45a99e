"""Long short-term memory: cell and fast layer, with projection and peepholes."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels.recurrence import multiply
from zoo.layers.recurrent.layer import RecurrentLayer, make_cell, over
from zoo.layers.recurrent.lstm_base import LSTMBase


@keras.saving.register_keras_serializable(package="zoo")
class LSTMCell(LSTMBase):
    """One step of an LSTM, optionally projected (LSTMP) and with peepholes.

        [i f c̃ o] = x_t W + h_{t-1} U + b          W [in, 4n], U [p, 4n], b [4n]
        c_t = σ(f + V_f c_{t-1}) c_{t-1} + σ(i + V_i c_{t-1}) tanh(c̃)
        m_t = σ(o + V_o c_t) tanh(c_t)
        h_t = m_t P  (or m_t, without `projection`)  P [n, p], no bias, no nonlinearity

    The peepholes V are diagonal (Graves 2013); the output gate sees the new cell.
    Without projection and peepholes the weights are those of `keras.layers.LSTMCell`,
    in the same order. Dropout is an option of the layers that run a cell.

    With `layer_norm`, each gate's pre-activations (after the sum, before the bias) and
    the cell (before its tanh) are normalised over the units and scaled by weights.

    Args:
        units: size n of the cell.
        projection: size p of the projected state, or `None`.
        peepholes: whether the gates see the cell.
        activation: activation of candidate and cell.
        recurrent_activation: activation of the gates.
        use_bias: whether there is a trained bias.
        forget_bias: `"trained"` starts the forget gate's bias at 1, as keras does; a
            number is a constant besides a bias that starts at 0, as in the papers.
        layer_norm: whether to normalise pre-activations and cell.
        ..._initializer: of `kernel`, `recurrent`, `projection` and `bias`; these and
            `..._regularizer` and `..._constraint` are those of keras.

    Call arguments: inputs `[batch, features]`, states `[h [batch, p], c [batch, n]]`.
    Returns: `(h, [h, c])`.

    Raises:
        ValueError: for sizes that are not positive integers, or an unknown
            `forget_bias`.

    Example:
        >>> cell = LSTMCell(8, projection=4)
        >>> tuple(keras.layers.RNN(cell)(ops.ones((2, 5, 3))).shape)
        (2, 4)
        >>> cell.parameter_count(3)
        288

    Source: Hochreiter & Schmidhuber 1997; Graves 2013 (peepholes); Sak et al. 2014
    (projection).
    """

    HAS_JOINT_FORM = True
    OPTIONS = {"peepholes": False, **LSTMBase.OPTIONS}
    ARGUMENTS = ("units", "projection", *OPTIONS)

    def gate_shapes(self, input_dim, state_dim):
        n = self.units
        shapes = {"kernel": (input_dim, 4 * n), "recurrent_kernel": (state_dim, 4 * n)}
        if self.peepholes:
            shapes["peephole_kernel"] = (3, n)
        return shapes

    def hoist(self, x, joint=False):
        if not joint:
            return self.affine_by_gate(x, self.weight("kernel"), self.linear_bias())
        product, bias = ops.matmul(x, self.weight("kernel")), self.linear_bias()
        return product if bias is None else product + bias

    def step_weights(self, joint=False):
        kernel = self.weight("recurrent_kernel")
        return kernel if joint else self.by_gate(kernel)

    def affine(self, x, h, weights):
        if not isinstance(weights, tuple):
            return self.by_gate(x + multiply(h, weights))
        return tuple(a + multiply(h, kernel) for a, kernel in zip(x, weights))

    def gate_weights(self, joint=False):
        weights = super().gate_weights(joint)
        if self.peepholes:
            kernel = ops.convert_to_tensor(self.peephole_kernel)
            weights = {**weights, "peepholes": kernel}
        return weights

    def full_kernels(self):
        return self.weight("kernel"), self.weight("recurrent_kernel")

    @property
    def plain_weights(self):
        return None if self.peepholes else super().plain_weights


@keras.saving.register_keras_serializable(package="zoo")
@over(LSTMCell)
class LSTM(RecurrentLayer):
    """A fast LSTM over sequences: `LSTMCell` on the zoo's scan.

    Accepts weights of `keras.layers.LSTM` (without projection and peepholes).

    When to use it: from width 256 on it trains 1.0 to 4.4 times as fast as
    `keras.layers.LSTM` on a CPU, fastest with few rows, and infers 0.9 to 2.3 times as
    fast; at width 64 it is between 0.85 and 1.7 times (docs/results.md has the grid).

    Args:
        units: size of the cell.
        projection: size of the projected state and output, or `None`.
        options: those of `LSTMCell` and of `RecurrentLayer` (`return_sequences`,
            `return_state`, `go_backwards`, `stateful`, `zero_output_for_mask`,
            `dropout`, `recurrent_dropout`, `dropout_per`, `recompute`, `seed`).

    Call arguments: sequences `[batch, time, features]`; `mask` bool `[batch, time]`;
    `initial_state` `[h [batch, p], c [batch, units]]`; `training`.

    Returns:
        `[batch, p]`, or `[batch, time, p]` with `return_sequences`; with
        `return_state` a tuple of it and `h`, `c`.

    Example:
        >>> tuple(LSTM(8, return_sequences=True)(ops.ones((2, 5, 3))).shape)
        (2, 5, 8)
    """

    def __init__(self, units: int, projection: int | None = None, **options) -> None:
        sizes = {"units": units, "projection": projection}
        super().__init__(make_cell(LSTMCell, sizes, options), **options)
