"""F-LSTM: an LSTM whose gate matrix is a product of two thin matrices."""

from __future__ import annotations

import warnings

import keras
from keras import ops

from zoo.kernels.recurrence import multiply
from zoo.layers.checks import check_size
from zoo.layers.recurrent.layer import RecurrentLayer, make_cell, over
from zoo.layers.recurrent.lstm_base import LSTMBase


@keras.saving.register_keras_serializable(package="zoo")
class FactorizedLSTMCell(LSTMBase):
    """One step of an F-LSTM: an LSTM whose gate matrix has rank r.

        [i f c̃ o] = ((x_t W1x + h_{t-1} W1h) W2) + b

    with `W1x` [in, r] and `W1h` [p, r] without bias and nonlinearity, `W2` [r, 4n];
    then cell, output and projection as in `LSTMCell`. Parameters: (in + p) r + 4n r +
    4n, and n p with a projection. With r = min(in + p, 4n) it can represent any LSTM;
    it pays off if r is far below that (`benchmarks/recurrent.py --grid`).

    Args:
        units: size n of the cell.
        rank: r.
        projection: size p of the projected state, or `None`.
        forget_bias: a constant besides a bias that starts at 0, 1 as in the paper; or
            `"trained"`.
        options: the others of `LSTMCell`, except peepholes. `kernel_initializer` is
            for W1x and W2, `recurrent_initializer` for W1h.

    Raises:
        ValueError: for sizes that are not positive integers.

    Warns:
        UserWarning: if the rank is so high that it saves nothing.

    Example:
        >>> big = FactorizedLSTMCell(8192, rank=512, projection=1024)
        >>> 2 * big.parameter_count(1024)
        52494336

    Source: Kuchaiev & Ginsburg 2017, section 2.
    """

    HAS_JOINT_FORM = True
    OPTIONS = {**LSTMBase.OPTIONS, "forget_bias": 1.0}
    ARGUMENTS = ("units", "rank", "projection", *OPTIONS)

    def __init__(
        self, units: int, rank: int, projection: int | None = None, **kwargs
    ) -> None:
        super().__init__(units, projection, **kwargs)
        self.rank = check_size("rank", rank)

    def gate_shapes(self, input_dim, state_dim):
        return {
            "kernel": (input_dim, self.rank),
            "recurrent_kernel": (state_dim, self.rank),
            "gate_kernel": (self.rank, 4 * self.units),
        }

    def build(self, input_shape) -> None:
        super().build(input_shape)
        width, gates = input_shape[-1] + self.output_size, 4 * self.units
        if self.rank * (width + gates) >= width * gates:
            warnings.warn(
                f"`rank` saves nothing here: the two factors have {self.rank} * "
                f"({width} + {gates}) weights, the full matrix {width} * {gates}. "
                f"Ranks below {width * gates // (width + gates) + 1} save weights. "
                f"Received: rank={self.rank}.",
                stacklevel=2,
            )

    def hoist(self, x, joint=False):
        return ops.matmul(x, self.weight("kernel"))

    def step_weights(self, joint=False):
        return self.weight("recurrent_kernel")

    def affine(self, x, h, weights):
        return x + multiply(h, weights)

    def expansion_weights(self, joint=False):
        gates, bias = self.weight("gate_kernel"), self.linear_bias()
        if not joint:
            gates = self.by_gate(gates)
            bias = () if bias is None else self.by_gate(bias)
        return gates, () if bias is None else bias

    def expand(self, r, weights):
        gates, bias = weights
        if not isinstance(gates, tuple):  # the joint form
            a = multiply(r, gates)
            return self.by_gate(a if isinstance(bias, tuple) else a + bias)
        a = [multiply(r, kernel) for kernel in gates]
        return tuple(y + b for y, b in zip(a, bias)) if bias else tuple(a)

    def full_kernels(self):
        gates = self.weight("gate_kernel")
        thin = self.weight("kernel"), self.weight("recurrent_kernel")
        return tuple(ops.matmul(kernel, gates) for kernel in thin)

    def get_config(self) -> dict:
        return {**super().get_config(), "rank": self.rank}


@keras.saving.register_keras_serializable(package="zoo")
@over(FactorizedLSTMCell)
class FactorizedLSTM(RecurrentLayer):
    """A fast F-LSTM over sequences: `FactorizedLSTMCell` on the zoo's scan.

    The input product of rank r is one matmul for all steps; the loop adds the state's
    and expands to the gates.

    When to use it: with a rank of at most a quarter of the width it is the fastest of
    the three from width 256 on, 1.7 to 4 times `keras.layers.LSTM` there in training
    and 2 to 12 times at 512 and rank 128; at width 64 it gains nothing over `LSTM`.
    For equal training time, the wider the layer, the larger the gain
    (docs/results.md).

    Args:
        units: size of the cell.
        rank: rank of the gate matrix.
        projection: size of the projected state and output, or `None`.
        options: those of `FactorizedLSTMCell` and of `RecurrentLayer`.

    Call arguments and returns: as those of `LSTM`.

    Example:
        >>> layer = FactorizedLSTM(8, rank=2, return_sequences=True)
        >>> tuple(layer(ops.ones((2, 5, 16))).shape)
        (2, 5, 8)

    Source: Kuchaiev & Ginsburg 2017, section 2.
    """

    def __init__(
        self, units: int, rank: int, projection: int | None = None, **options
    ) -> None:
        sizes = {"units": units, "rank": rank, "projection": projection}
        super().__init__(make_cell(FactorizedLSTMCell, sizes, options), **options)
