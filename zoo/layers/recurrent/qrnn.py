"""Quasi-recurrent networks: cell and layer."""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.checks import check_size
from zoo.layers.recurrent.layer import make_cell, over
from zoo.layers.recurrent.scanned import ScannedCell, ScannedLayer


@keras.saving.register_keras_serializable(package="zoo")
class QRNNCell(ScannedCell):
    """One step of a QRNN: a causal convolution, then fo-pooling.

        [z f o] = Σ_{j=0}^{k-1} x_{t-j} W_j + b        W [k, in, 3n], b [3n]
        c_t = σ(f) c_{t-1} + (1 - σ(f)) g(z)
        h_t = σ(o) c_t

    Inputs before the first are zeros. The states are c and, with k > 1, `past`
    `[batch, (k-1) 3n]`: what the inputs so far add to the pre-activations of the next
    k - 1 steps, so that a text can be read in pieces.

    Args:
        units: size n of the state.
        window: number k of inputs that a step reads.
        activation: activation g of the candidate z.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer, and `..._regularizer`, `..._constraint`:
            as in keras.

    Call arguments: inputs `[batch, features]`, states `[c [batch, n], past]`.
    Returns: `(h, [c, past])`.

    Raises:
        ValueError: for sizes that are not positive integers.

    Example:
        >>> cell = QRNNCell(8)
        >>> tuple(keras.layers.RNN(cell)(ops.ones((2, 5, 3))).shape)
        (2, 8)
        >>> cell.parameter_count(3), cell.state_size
        (168, [8, 24])

    Source: Bradbury et al. 2017, Quasi-Recurrent Neural Networks, section 2, with the
    pooling of equation 4.
    """

    GATES = ("candidate", "forget", "output")
    STATES = ("c", "past")
    ARGUMENTS = ("units", "window", *ScannedCell.OPTIONS)
    OUTPUTS_STATE = False

    def __init__(self, units: int, window: int = 2, **kwargs) -> None:
        self._later = check_size("window", window) - 1
        check_size("units", units)
        past = [self._later * 3 * units] if self._later else []
        super().__init__(units, [units, *past], **kwargs)
        self.window = window

    def weight_shapes(self, input_dim):
        width = 3 * self.units
        shapes: dict[str, tuple[int, ...]] = {"kernel": (self.window, input_dim, width)}
        if self.use_bias:
            shapes["bias"] = (width,)
        return shapes

    def read(self, x, past, earlier, joint=False):
        kernel, bias = self.weight("kernel"), None
        if self.use_bias:
            bias = self.weight("bias")
        given = ops.split(past[0], self._later * 3, axis=-1) if past else []
        sums: tuple = ()
        last: list = []
        for lag in range(self._later, -1, -1):
            now = self.by_rows(x, kernel[lag], None if lag else bias, joint)
            sums = tuple(a + b for a, b in zip(now, sums)) if sums else now
            if lag:
                initial = given[3 * (lag - 1) : 3 * lag]
                pairs = [earlier(*each) for each in zip(sums, initial)]
                sums = tuple(before for before, _ in pairs)
                last = [*(end for _, end in pairs), *last]
        return sums, [ops.concatenate(last, -1)] if last else []

    def terms(self, a, x):
        z, f, o = a
        keep, z = ops.sigmoid(f), self.activation(z)
        return keep, z - keep * z, ops.sigmoid(o)

    def output(self, state, rest):
        return rest * state

    def get_config(self):
        return {**super().get_config(), "window": self.window}


@keras.saving.register_keras_serializable(package="zoo")
@over(QRNNCell)
class QRNN(ScannedLayer):
    """A quasi-recurrent network over sequences: `QRNNCell`, all products at once.

    It has three products for each input of the window, where an LSTM has eight.

    Args:
        units: size of the state.
        window: number of inputs that a step reads.
        options: those of `QRNNCell` and of `RecurrentLayer` (`return_sequences`,
            `return_state`, `go_backwards`, `stateful`, `zero_output_for_mask`,
            `dropout`, `dropout_per`, `seed`).

    Call arguments: sequences `[batch, time, features]`; `mask` bool `[batch, time]`;
    `initial_state` `[c [batch, units], past [batch, (window - 1) * 3 * units]]`;
    `training`.

    Returns:
        `[batch, units]`, or `[batch, time, units]` with `return_sequences`; with
        `return_state` a tuple of it, `c` and `past`.

    Raises:
        ValueError: for sizes that are not positive integers, `recurrent_dropout` and
            `recompute`.

    Example:
        >>> tuple(QRNN(8, return_sequences=True)(ops.ones((2, 5, 3))).shape)
        (2, 5, 8)
    """

    def __init__(self, units: int, window: int = 2, **options) -> None:
        sizes = {"units": units, "window": window}
        super().__init__(make_cell(QRNNCell, sizes, options), **options)
