"""Cells whose products read inputs only, so that an elementwise scan remains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from zoo.kernels._backend import by_rows
from zoo.kernels.linear_scan import before, latest, linear_scan
from zoo.kernels.single import is_whole
from zoo.layers.recurrent.cell import GatedCell
from zoo.layers.recurrent.layer import RecurrentLayer

_HALF = ("float16", "bfloat16")


class ScannedCell(GatedCell):
    """Base class of cells without products of the state.

        s_t = a_t s_{t-1} + b_t        # elementwise
        h_t = output(s_t, rest_t)

    with a, b and the rest computed from the inputs, for all steps at once. A subclass
    names its gates and defines `terms`, and `output` if the output differs from the
    state. `ScannedLayer` runs it over sequences; called directly, or in
    `keras.layers.RNN(cell)`, the cell takes one step.

    The first of the states is s; a cell that also reads earlier inputs has a state for
    them too, and its own `read`.
    """

    OPTIONS = {
        "activation": "tanh",
        "use_bias": True,
        "kernel_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
        "kernel_regularizer": None,
        "bias_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
    }
    OUTPUTS_STATE = True  # whether the output is the state s

    def weight_shapes(self, input_dim):
        width = len(self.GATES) * self.units
        shapes: dict[str, tuple[int, ...]] = {"kernel": (input_dim, width)}
        if self.use_bias:
            shapes["bias"] = (width,)
        return shapes

    def hoist(self, x, joint=False):
        """Returns the pre-activations of each gate for `[..., input_dim]`."""
        bias = self.weight("bias") if self.use_bias else None
        return self.by_rows(x, self.weight("kernel"), bias, joint)

    def by_rows(self, x, kernel, bias=None, joint: bool = False) -> tuple:
        """Returns `x @ kernel + bias` of `[..., input_dim]` as one tensor per gate.

        `joint` takes one product and splits it; otherwise the kernel is split, which
        copies less if there are more rows than inputs.
        """
        rows = ops.reshape(x, (-1, x.shape[-1]))
        if joint:
            product = ops.matmul(rows, kernel)
            sums = self.by_gate(product if bias is None else product + bias)
        else:
            sums = self.affine_by_gate(rows, kernel, bias)
        steps = ops.shape(x)[:-1]
        return tuple(ops.reshape(y, (*steps, y.shape[-1])) for y in sums)

    def read(
        self, x, past: Sequence, earlier: Callable, joint: bool = False
    ) -> tuple[tuple, list]:
        """Returns the pre-activations of `[..., input_dim]` and the new `past`.

        Args:
            x: the inputs.
            past: the states after the first.
            earlier: `(values [..., n], initial) -> (values of the step before, value of
                the last step)`, with `initial` before the first step.
            joint: see `by_rows`.
        """
        return self.hoist(x, joint), []

    def terms(self, a: tuple, x) -> tuple[Any, Any, Any]:
        """Returns `a_t`, `b_t` and the rest from pre-activations and inputs.

        All are in the type of the state.
        """
        raise NotImplementedError

    def output(self, state, rest):
        """Returns the output from the state and what `terms` returned with it."""
        return state

    def parts(self, x, past, earlier, dtype, joint: bool):
        """Returns decay, inputs and rest of the scan in `dtype`, and the new `past`."""
        a, past = self.read(x, past, earlier, joint)
        return *self.terms(tuple(ops.cast(y, dtype) for y in a), x), past

    def call(self, inputs, states, training=False):
        state, *past = states
        decay, new, rest, past = self.parts(
            inputs,
            past,
            lambda values, initial: (initial, values),
            state.dtype,
            joint=True,
        )
        state = decay * state + new
        return self.output(state, rest), [state, *past]


class ScannedLayer(RecurrentLayer):
    """Runs a `ScannedCell` over time, with the API of `RecurrentLayer`.

    All products are over all steps at once, and an elementwise scan with its own
    gradient follows (`zoo.kernels.linear_scan`). Masked steps keep the states and
    repeat the last output; before a row's first real token, the output is the initial
    state, or zeros if outputs and states differ.

    Args:
        cell: a `ScannedCell`.
        options: those of `RecurrentLayer`, except `recurrent_dropout` and `recompute`:
            there is no product of the state, and no pre-activation is kept in the loop.

    Raises:
        ValueError: for one of these two options.
    """

    def __init__(self, cell: ScannedCell, **options) -> None:
        for name in ("recurrent_dropout", "recompute"):
            if options.get(name):
                raise ValueError(
                    f"`{name}` must be omitted for {type(self).__name__}, whose state "
                    f"enters no product. Received: {name}={options[name]!r}."
                )
        super().__init__(cell, **options)

    def scan(self, sequences, initial_state, mask, training, *, reverse=False):
        cell = self.cell
        x = ops.transpose(ops.cast(sequences, cell.compute_dtype), (1, 0, 2))
        if is_whole(mask):
            mask = None
        if mask is not None:
            mask = ops.transpose(ops.cast(mask, "bool"))
            # Values at masked steps are not part of the text; they may be NaN.
            x = ops.where(ops.expand_dims(mask, -1), x, ops.zeros((), x.dtype))
        x = self._drop(x, self.dropout, training)
        state, *past = initial_state
        if keras.backend.standardize_dtype(state.dtype) in _HALF:
            state = ops.cast(state, "float32")

        def held(values, initial):
            if mask is None:
                return values
            return latest(values, initial, mask, reverse=reverse)

        def earlier(values, initial):
            values = held(values, initial)
            return before(values, initial, reverse=reverse), _last(values, reverse)

        def run(joint):
            return cell.parts(x, past, earlier, state.dtype, joint)

        rows = ops.shape(x)[0] * ops.shape(x)[1]
        if training and not isinstance(rows, int):
            found = run(joint=False)
        else:
            found = by_rows(rows, x.shape[-1], lambda: run(True), lambda: run(False))
        decay, inputs, rest, past = found
        states, last = linear_scan(decay, inputs, state, mask, reverse=reverse)
        outputs = cell.output(states, rest)
        repeats = not (self.return_sequences and self.zero_output_for_mask)
        if repeats and not cell.OUTPUTS_STATE:
            outputs = held(outputs, ops.zeros_like(outputs[0]))
        return ops.cast(outputs, cell.compute_dtype), [last, *past]

    def last_output(self, outputs, states):
        return _last(outputs, self.go_backwards)


def _last(values, reverse: bool):
    return values[0] if reverse else values[-1]
