"""Gated recurrent units: cell and fast layer."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels.recurrence import multiply
from zoo.layers.recurrent.cell import GatedCell
from zoo.layers.recurrent.layer import RecurrentLayer, make_cell, over


@keras.saving.register_keras_serializable(package="zoo")
class GRUCell(GatedCell):
    """One step of a GRU whose reset gate acts after the matmul, as in cuDNN.

        [z r c̃] = x_t W + b                        W [in, 3n], b [3n]
        [z' r' c̃'] = h_{t-1} U + b'                U [n, 3n], b' [3n]
        g_t = tanh(c̃ + σ(r + r') c̃')
        h_t = σ(z + z') h_{t-1} + (1 - σ(z + z')) g_t

    The output is its only state: there is no cell state, no projection and no peephole.
    The weights are those of `keras.layers.GRUCell(reset_after=True)`, in the same
    order; `bias` `[2, 3n]` holds b and b'. Dropout is an option of the layers that run
    a cell.

    Args:
        units: size n of the state.
        activation: activation of the candidate g.
        recurrent_activation: activation of the gates.
        use_bias: whether there are biases.
        ..._initializer: of `kernel`, `recurrent` and `bias`; these and
            `..._regularizer` and `..._constraint` are those of keras.

    Call arguments: inputs `[batch, features]`, states `[h [batch, n]]`.
    Returns: `(h, [h])`.

    Raises:
        ValueError: for sizes that are not positive integers.

    Example:
        >>> cell = GRUCell(8)
        >>> tuple(keras.layers.RNN(cell)(ops.ones((2, 5, 3))).shape)
        (2, 8)
        >>> cell.parameter_count(3)
        312

    Source: Cho et al. 2014; the gate after the matmul is that of cuDNN.
    """

    GATES = ("update", "reset", "candidate")
    HAS_JOINT_FORM = True
    ARGUMENTS = ("units", *GatedCell.OPTIONS)

    def weight_shapes(self, input_dim):
        n = self.units
        shapes = {"kernel": (input_dim, 3 * n), "recurrent_kernel": (n, 3 * n)}
        if self.use_bias:
            shapes["bias"] = (2, 3 * n)
        return shapes

    def hoist(self, x, joint=False):
        bias = self.weight("bias")[0] if self.use_bias else None
        if not joint:
            return self.affine_by_gate(x, self.weight("kernel"), bias)
        product = ops.matmul(x, self.weight("kernel"))
        return product if bias is None else product + bias

    def step_weights(self, joint=False):
        kernel = self.weight("recurrent_kernel")
        bias = self.weight("bias")[1] if self.use_bias else ()
        if joint:
            return kernel, bias
        return self.by_gate(kernel), self.by_gate(bias) if self.use_bias else ()

    def affine(self, x, h, weights):
        """Returns update, reset, and the candidate's parts of input and state."""
        kernel, bias = weights
        if isinstance(x, tuple):
            h = ops.cast(h, x[0].dtype)
            sent = tuple(multiply(h, part) for part in kernel)
            if self.use_bias:
                sent = tuple(a + b for a, b in zip(sent, bias))
        else:  # the joint form
            sent = multiply(ops.cast(h, x.dtype), kernel)
            sent = self.by_gate(sent + bias if self.use_bias else sent)
            x = self.by_gate(x)
        return x[0] + sent[0], x[1] + sent[1], x[2], sent[2]

    def pointwise(self, a, state, weights):
        z, r, own, sent = [ops.cast(x, state.dtype) for x in a]
        z = self.recurrent_activation(z)
        g = self.activation(own + self.recurrent_activation(r) * sent)
        return (z * state + (1 - z) * g,)


@keras.saving.register_keras_serializable(package="zoo")
@over(GRUCell)
class GRU(RecurrentLayer):
    """A fast GRU over sequences: `GRUCell` on the zoo's scan.

    Accepts weights of `keras.layers.GRU(reset_after=True)`. Its loop has three quarters
    of the arithmetic of an `LSTM` of the same width.

    Args:
        units: size of the state.
        options: those of `GRUCell` and of `RecurrentLayer` (`return_sequences`,
            `return_state`, `go_backwards`, `stateful`, `zero_output_for_mask`,
            `dropout`, `recurrent_dropout`, `dropout_per`, `recompute`, `seed`).

    Call arguments: sequences `[batch, time, features]`; `mask` bool `[batch, time]`;
    `initial_state` `[h [batch, units]]`; `training`.

    Returns:
        `[batch, units]`, or `[batch, time, units]` with `return_sequences`; with
        `return_state` a tuple of it and `h`.

    Example:
        >>> tuple(GRU(8, return_sequences=True)(ops.ones((2, 5, 3))).shape)
        (2, 5, 8)
    """

    def __init__(self, units: int, **options) -> None:
        super().__init__(make_cell(GRUCell, {"units": units}, options), **options)
