"""The base class of the recurrent cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from zoo.layers.checks import check_size
from zoo.layers.initializers import stacked


class GatedCell(keras.layers.Layer):
    """Base class of the cells: one step, in a form that the scan can optimise.

        r_t = affine(hoist(x_t), h_{t-1}),  a_t = expand(r_t)    # or a_t = r_t
        m_t, c_t = pointwise(a_t, c_{t-1}),  h_t = project(m_t)  # or h_t = m_t

    A subclass names its gates and states and defines `weight_shapes`, `step_weights`
    and the parts of the pre-activations `a`: `hoist` (independent of the state,
    computed for all steps in one matmul) and `affine` (dependent on the state); and
    `pointwise`, which applies the gates. `zoo.kernels.recurrence` runs these; called
    directly, or in `keras.layers.RNN(cell)`, the cell takes one plain step.

    The states are `[h]`, or `[h, c]` with a cell state besides the output; `pointwise`
    reads and updates the last of them.

    Args:
        units: width of a gate.
        state_size: widths of the states, `[units]` by default.
        kwargs: the cell's `OPTIONS`, and those of `keras.layers.Layer`.
    """

    GATES: tuple[str, ...] = ()  # in the order of kernels and biases
    STATES: tuple[str, ...] = ("h",)
    HAS_JOINT_FORM = False  # whether methods differ with `joint`

    OPTIONS = {
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": True,
        "kernel_initializer": "glorot_uniform",
        "recurrent_initializer": "orthogonal",
        "bias_initializer": "zeros",
        "kernel_regularizer": None,
        "recurrent_regularizer": None,
        "bias_regularizer": None,
        "kernel_constraint": None,
        "recurrent_constraint": None,
        "bias_constraint": None,
    }
    ROLES = {"recurrent_kernel": "recurrent", "bias": "bias"}  # the others: kernel
    STARTS: Mapping[str, str] = {}  # initializers of weights without an option

    def __init__(self, units: int, state_size: list | None = None, **kwargs) -> None:
        options = {k: kwargs.pop(k, v) for k, v in self.OPTIONS.items()}
        super().__init__(**kwargs)
        self.units = check_size("units", units)
        self.state_size = state_size or [units]
        self.output_size = self.state_size[0]
        for name, value in options.items():
            if name.endswith("activation"):
                value = keras.activations.get(value)
            elif name.endswith("_initializer"):
                value = keras.initializers.get(value)
            elif name.endswith("_regularizer"):
                value = keras.regularizers.get(value)
            elif name.endswith("_constraint"):
                value = keras.constraints.get(value)
            setattr(self, name, value)

    def weight_shapes(self, input_dim: int) -> dict[str, tuple[int, ...]]:
        """Returns the shapes of the weights by name, without creating them."""
        raise NotImplementedError

    def parameter_count(self, input_dim: int) -> int:
        """Counts the parameters for `input_dim` features; allocates nothing."""
        return sum(math.prod(s) for s in self.weight_shapes(input_dim).values())

    def build(self, input_shape) -> None:
        for name, shape in self.weight_shapes(input_shape[-1]).items():
            setattr(self, name, self._make(name, shape))

    def _make(self, name, shape):
        if name in self.STARTS:
            start = self.STARTS[name]
            return self.add_weight(shape=shape, name=name, initializer=start)
        role = self.ROLES.get(name, "kernel")
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=self.start(name, getattr(self, f"{role}_initializer"), shape),
            regularizer=getattr(self, f"{role}_regularizer"),
            constraint=getattr(self, f"{role}_constraint"),
        )

    def start(self, name: str, initializer, shape):
        """Returns the initializer of a weight, given its option."""
        return stacked(initializer, shape[0]) if len(shape) == 3 else initializer

    def weight(self, name: str):
        """Returns a weight as a tensor in the compute type."""
        return ops.cast(getattr(self, name), self.compute_dtype)

    def by_gate(self, weight) -> tuple:
        """Splits `[..., gates * units]` by gate."""
        return tuple(ops.split(weight, len(self.GATES), axis=-1))

    def affine_by_gate(self, x, kernel, bias=None) -> tuple:
        """Returns `x @ kernel + bias` as one tensor per gate."""
        sums = [ops.matmul(x, part) for part in self.by_gate(kernel)]
        if bias is None:
            return tuple(sums)
        return tuple(a + b for a, b in zip(sums, self.by_gate(bias)))

    def hoist(self, x, joint: bool = False):
        """Computes the input of `affine` for all steps from `[rows, input_dim]`.

        `joint`, for cells that support it, keeps gates or groups in one tensor: fewer
        operations, which dominate if each of them is small.

        Returns:
            Tensors `[..., rows, features]`.
        """
        raise NotImplementedError

    def step_weights(self, joint: bool = False):
        """Returns the further arguments of `affine`."""
        raise NotImplementedError

    def affine(self, x, h, weights):
        """Combines hoisted inputs and state to pre-activations or `expand`'s input."""
        raise NotImplementedError

    expand: Any = None  # or a method `(r, weights)` that returns pre-activations

    def expansion_weights(self, joint: bool = False):
        """Returns the further arguments of `expand`."""
        return ()

    def gate_weights(self, joint: bool = False):
        """Returns the further arguments of `pointwise`."""
        return ()

    def pointwise(self, a, state, weights) -> tuple:
        """Computes the new states, before `project`, from pre-activations and state.

        It runs in the type of that state, so that a float32 state accumulates in full
        precision next to half-precision matmuls.
        """
        raise NotImplementedError

    @property
    def project(self) -> Any:
        """`None`, or a function `(m, weights)` that computes `h` from `m`."""
        return None

    def projection_weights(self):
        """Returns the further arguments of `project`."""
        return ()

    @property
    def plain_weights(self) -> Any:
        """`None`, or a function that returns the weights of an equal plain LSTM.

        They are tensors, in the order of `fused_lstm`.
        """
        return None

    def split(self, state, joint: bool = False):
        """Returns a state `[batch, units]` in the structure that the scan carries."""
        return state

    def join(self, state):
        """The inverse of `split`, for any leading axes."""
        return state

    def show(self, outputs):
        """Returns the output for a state `[..., units]`: the state itself."""
        return outputs

    def call(self, inputs, states, training=False):
        states = [self.split(state) for state in states]
        a = self.affine(self.hoist(inputs), states[0], self.step_weights())
        if self.expand:
            a = self.expand(a, self.expansion_weights())
        m, *cell = self.pointwise(a, states[-1], self.gate_weights())
        if self.project:
            m = self.project(m, self.projection_weights())
        states = [self.join(state) for state in (m, *cell)]
        return self.show(states[0]), states

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, n), self.compute_dtype) for n in self.state_size]

    def get_config(self) -> dict:
        options = {}
        for name in self.OPTIONS:
            value = getattr(self, name)
            for kind in ("activation", "initializer", "regularizer", "constraint"):
                if name.endswith(kind):
                    value = getattr(keras, f"{kind}s").serialize(value)
            options[name] = value
        return {**super().get_config(), "units": self.units, **options}
