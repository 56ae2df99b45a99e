"""Simple recurrent units: cell and layer."""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.recurrent.layer import make_cell, over
from zoo.layers.recurrent.scanned import ScannedCell, ScannedLayer


@keras.saving.register_keras_serializable(package="zoo")
class SRUCell(ScannedCell):
    """One step of an SRU: gates of the input alone, and a highway around the state.

        [f r] = x_t W + b                      W [in, 2n], b [2n]
        c_t = σ(f) c_{t-1} + (1 - σ(f)) x_t U          U [in, n]
        h_t = σ(r) g(c_t) + (1 - σ(r)) x'_t

    with `x'_t = x_t` if the inputs have n features, else `x'_t = x_t V`, V [in, n]. In
    this form the gates do not see the state: the terms `v_f c_{t-1}` and `v_r c_{t-1}`
    of the equations in the paper are left out (v = 0), because with them the state
    would not be a linear recurrence.

    The state is c. `kernel` holds `[W U]`, or `[W U V]`.

    Args:
        units: size n of the state.
        activation: activation g of the state in the output, none by default.
        use_bias: whether the gates have a bias.
        kernel_initializer, bias_initializer, and `..._regularizer`, `..._constraint`:
            as in keras.

    Call arguments: inputs `[batch, features]`, states `[c [batch, n]]`.
    Returns: `(h, [c])`.

    Raises:
        ValueError: for sizes that are not positive integers.

    Example:
        >>> cell = SRUCell(8)
        >>> tuple(keras.layers.RNN(cell)(ops.ones((2, 5, 3))).shape)
        (2, 8)
        >>> cell.parameter_count(3), cell.parameter_count(8)
        (112, 208)

    Source: Lei et al. 2018, Simple Recurrent Units for Highly Parallelizable
    Recurrence, section 3, without the vectors v.
    """

    GATES = ("forget", "reset", "candidate")
    STATES = ("c",)
    OPTIONS = {**ScannedCell.OPTIONS, "activation": "linear"}
    ARGUMENTS = ("units", *OPTIONS)
    OUTPUTS_STATE = False

    def weight_shapes(self, input_dim):
        n = self.units
        products = 3 if input_dim == n else 4
        shapes: dict[str, tuple[int, ...]] = {"kernel": (input_dim, products * n)}
        if self.use_bias:
            shapes["bias"] = (2 * n,)
        return shapes

    def by_gate(self, weight):
        return tuple(ops.split(weight, weight.shape[-1] // self.units, axis=-1))

    def hoist(self, x, joint=False):
        f, r, *others = self.by_rows(x, self.weight("kernel"), joint=joint)
        if self.use_bias:
            of_f, of_r = self.by_gate(self.weight("bias"))
            f, r = f + of_f, r + of_r
        return f, r, *others

    def terms(self, a, x):
        f, r, candidate, *highway = a
        keep = ops.sigmoid(f)
        around = highway[0] if highway else ops.cast(x, f.dtype)
        return keep, candidate - keep * candidate, (ops.sigmoid(r), around)

    def output(self, state, rest):
        r, around = rest
        return around + r * (self.activation(state) - around)


@keras.saving.register_keras_serializable(package="zoo")
@over(SRUCell)
class SRU(ScannedLayer):
    """A simple recurrent unit over sequences: `SRUCell`, all products at once.

    It has three products where an LSTM has eight, or four if inputs and state differ
    in width. Its gates do not see the state (the form of the paper with v = 0).

    Args:
        units: size of the state.
        options: those of `SRUCell` and of `RecurrentLayer` (`return_sequences`,
            `return_state`, `go_backwards`, `stateful`, `zero_output_for_mask`,
            `dropout`, `dropout_per`, `seed`).

    Call arguments: sequences `[batch, time, features]`; `mask` bool `[batch, time]`;
    `initial_state` `[c [batch, units]]`; `training`.

    Returns:
        `[batch, units]`, or `[batch, time, units]` with `return_sequences`; with
        `return_state` a tuple of it and `c`.

    Raises:
        ValueError: for sizes that are not positive integers, `recurrent_dropout` and
            `recompute`.

    Example:
        >>> tuple(SRU(8, return_sequences=True)(ops.ones((2, 5, 3))).shape)
        (2, 5, 8)
    """

    def __init__(self, units: int, **options) -> None:
        super().__init__(make_cell(SRUCell, {"units": units}, options), **options)
