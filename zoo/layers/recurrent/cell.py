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
    """Base class of the cells: one step, written so that a scan can hoist it.

        r_t = affine(hoist(x_t), h_{t-1}),  a_t = expand(r_t)    # or a_t = r_t
        m_t, c_t = pointwise(a_t, c_{t-1}),  h_t = project(m_t)  # or h_t = m_t

    A subclass names its gates and states, and says how the pre-activations `a` come
    about: `weight_shapes`, `hoist` (what needs no state, done for all steps in one
    matmul), `affine` (what needs the state) and `step_weights`, and what the gates make
    of them, `pointwise`. `zoo.kernels.recurrence` runs these; called directly, or in
    `keras.layers.RNN(cell)`, the cell takes one plain step.

    The states are `[h]`, or `[h, c]` with a cell state beside the output; `pointwise`
    reads and renews the last of them.

    Args:
        units: width of a gate.
        state_size: widths of the states, `[units]` by default.
        kwargs: the cell's `OPTIONS`, and those of `keras.layers.Layer`.
    """

    GATES: tuple[str, ...] = ()  # in the order in which kernels and biases hold them
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
    STARTS: Mapping[str, str] = {}  # how weights begin that no option speaks of

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
        """Shapes of the weights by name, without making them; for subclasses."""
        raise NotImplementedError

    def parameter_count(self, input_dim: int) -> int:
        """Number of parameters on inputs of `input_dim` features, nothing allocated."""
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
        """What initializes a weight, given the option that speaks of it."""
        return stacked(initializer, shape[0]) if len(shape) == 3 else initializer

    def weight(self, name: str):
        """A weight as a tensor in the compute type."""
        return ops.cast(getattr(self, name), self.compute_dtype)

    def by_gate(self, weight) -> tuple:
        """Cuts `[..., gates * units]` into the parts of the gates."""
        return tuple(ops.split(weight, len(self.GATES), axis=-1))

    def affine_by_gate(self, x, kernel, bias=None) -> tuple:
        """`x @ kernel + bias` as one tensor a gate."""
        sums = [ops.matmul(x, part) for part in self.by_gate(kernel)]
        if bias is None:
            return tuple(sums)
        return tuple(a + b for a, b in zip(sums, self.by_gate(bias)))

    def hoist(self, x, joint: bool = False):
        """`[rows, input_dim]` to what `affine` takes, for all steps at once.

        `joint`, where the cell knows it, leaves gates or groups in one tensor: fewer
        operations, which is what counts where each of them is small.

        Returns:
            Tensors `[..., rows, features]`.
        """
        raise NotImplementedError

    def step_weights(self, joint: bool = False):
        """What `affine` needs besides inputs and state."""
        raise NotImplementedError

    def affine(self, x, h, weights):
        """Hoisted inputs and state to pre-activations, or to what `expand` takes."""
        raise NotImplementedError

    expand: Any = None  # or a method `(r, weights)` that makes pre-activations of it

    def expansion_weights(self, joint: bool = False):
        """What `expand` needs."""
        return ()

    def gate_weights(self, joint: bool = False):
        """What `pointwise` needs."""
        return ()

    def pointwise(self, a, state, weights) -> tuple:
        """Pre-activations and the last state to the new states, before `project`.

        In the type of that state, so that a float32 state beside half-precision
        matmuls accumulates in full.
        """
        raise NotImplementedError

    @property
    def project(self) -> Any:
        """`None`, or a function `(m, weights)` that makes the new `h` of the first."""
        return None

    def projection_weights(self):
        """What `project` needs."""
        return ()

    def split(self, state, joint: bool = False):
        """A state `[batch, units]` in the structure that the scan carries."""
        return state

    def join(self, state):
        """The inverse of `split`, for any leading axes."""
        return state

    def show(self, outputs):
        """What the cell gives out of a state `[..., units]`: the state itself."""
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
