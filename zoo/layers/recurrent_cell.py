"""The gates that all LSTM cells of the zoo share, and the base class of the cells."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
from keras import ops

from zoo.kernels.recurrence import multiply

GATES = ("input", "forget", "candidate", "output")


def check_size(name: str, value, least: int = 1) -> int:
    """Returns a positive integer argument, or raises in three parts."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(
            f"`{name}` must be an integer of at least {least}. "
            f"Received: {name}={value!r}."
        )
    return value


def check_rate(name: str, rate: float) -> None:
    """Raises unless a dropout rate is at least 0 and below 1."""
    if not 0 <= rate < 1:
        raise ValueError(
            f"`{name}` must be at least 0 and below 1. Received: {name}={rate!r}."
        )


def gate(a, c, weights, *, activation, recurrent_activation, layer_norm=False):
    """One LSTM step after the matmuls.

        i = σ(a_i + V_i c),  f = σ(a_f + V_f c),  o = σ(a_o + V_o c')
        c' = f c + i tanh(a_c),  m = o tanh(c')

    in the type of `c`, so that a float32 cell state beside half-precision matmuls
    accumulates in full.

    Args:
        a: input, forget, candidate, output, each `[..., batch, units]`. Apart, since
            XLA's CPU code for slices within a fused loop is ten times slower.
        c: `[..., batch, units]`.
        weights: dict with, each optional, `peepholes` `[3, units]` (V_i, V_f, V_o)
            and, for layer normalisation, `scale`, `shift` `[4, units]` of the
            pre-activations and `cell_scale`, `cell_shift` `[units]` of the cell.
        activation: of candidate and cell.
        recurrent_activation: of the gates.
        layer_norm: normalise each pre-activation, and the cell before its activation.

    Returns:
        `(m, c')`, `[..., batch, units]` both.
    """
    a = [ops.cast(x, c.dtype) for x in a]
    weights = {name: ops.cast(w, c.dtype) for name, w in weights.items()}
    if layer_norm:
        scales = ops.unstack(weights["scale"], 4), ops.unstack(weights["shift"], 4)
        a = [_normalise(x) * scale + shift for x, scale, shift in zip(a, *scales)]
    i, f, g, o = a
    if "peepholes" in weights:
        seen_i, seen_f, seen_o = ops.unstack(weights["peepholes"], 3, axis=-2)
        i, f = i + seen_i * c, f + seen_f * c
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(g)
    if "peepholes" in weights:
        o = o + seen_o * c
    seen = c
    if layer_norm:
        seen = _normalise(c) * weights["cell_scale"] + weights["cell_shift"]
    return recurrent_activation(o) * activation(seen), c


def by_gate(weight) -> tuple:
    """Cuts `[..., 4 * units]` into the parts of the four gates."""
    return tuple(ops.split(weight, 4, axis=-1))


def affine_by_gate(x, kernel, bias=None) -> tuple:
    """`x @ kernel + bias` as one tensor a gate."""
    sums = [ops.matmul(x, part) for part in by_gate(kernel)]
    if bias is None:
        return tuple(sums)
    return tuple(a + b for a, b in zip(sums, by_gate(bias)))


def _normalise(x, epsilon=1e-5):
    centred = x - ops.mean(x, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
    return centred * ops.rsqrt(variance + epsilon)


def stacked(initializer, count: int) -> Callable:
    """Initializes `[count, ...]` weights matrix by matrix, each from its own seed."""

    def initialize(shape, dtype=None):
        draws = []
        for index in range(count):
            draw = initializer
            if isinstance(initializer, keras.initializers.Initializer):
                config = initializer.get_config()
                if isinstance(config.get("seed"), int):
                    config["seed"] += index
                draw = type(initializer).from_config(config)
            draws.append(draw(shape[1:], dtype=dtype))
        return ops.stack(draws)

    return initialize


class GatedCell(keras.layers.Layer):
    """Base class of the LSTM cells: one step, written so that a scan can hoist it.

    A subclass says how the pre-activations come about: `weight_shapes`, `hoist` (what
    needs no state, done for all steps in one matmul), `affine` (what needs the state)
    and `step_weights`. `zoo.kernels.recurrence` runs these; called directly, or in
    `keras.layers.RNN(cell)`, the cell takes one plain step.

    States are `[h, c]`, as in `keras.layers.LSTMCell`: `h` `[batch, projection or
    units]`, `c` `[batch, units]`.
    """

    HAS_JOINT_FORM = False  # whether methods differ with `joint`

    OPTIONS = {
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": True,
        "forget_bias": "trained",
        "layer_norm": False,
        "kernel_initializer": "glorot_uniform",
        "recurrent_initializer": "orthogonal",
        "projection_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
        "kernel_regularizer": None,
        "recurrent_regularizer": None,
        "projection_regularizer": None,
        "bias_regularizer": None,
        "kernel_constraint": None,
        "recurrent_constraint": None,
        "projection_constraint": None,
        "bias_constraint": None,
    }

    def __init__(self, units: int, projection: int | None = None, **kwargs) -> None:
        options = {k: kwargs.pop(k, v) for k, v in self.OPTIONS.items()}
        super().__init__(**kwargs)
        self.units = check_size("units", units)
        self.projection = projection
        if projection is not None:
            check_size("projection", projection)
        self.output_size = projection or units
        self.state_size = [self.output_size, units]
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
        trained = isinstance(self.forget_bias, str) and self.forget_bias == "trained"
        number = isinstance(self.forget_bias, (int, float))
        if not trained and (not number or isinstance(self.forget_bias, bool)):
            raise ValueError(
                "`forget_bias` must be 'trained' (the trained bias starts at 1) or the "
                "constant that is added to the forget gate (the bias starts at 0). "
                f"Received: forget_bias={self.forget_bias!r}."
            )

    def weight_shapes(self, input_dim: int) -> dict[str, tuple[int, ...]]:
        """Shapes of the weights by name, without making them."""
        n, p = self.units, self.output_size
        shapes = {**self.gate_shapes(input_dim, p)}
        if self.use_bias:
            shapes["bias"] = (4 * n,)
        if self.projection is not None:
            shapes["projection_kernel"] = (n, p)
        if self.layer_norm:
            shapes["scale"] = (4 * n,)
            shapes["cell_scale"] = shapes["cell_shift"] = (n,)
        return shapes

    def parameter_count(self, input_dim: int) -> int:
        """Number of parameters on inputs of `input_dim` features, nothing allocated."""
        return sum(math.prod(s) for s in self.weight_shapes(input_dim).values())

    def gate_shapes(self, input_dim: int, state_dim: int) -> dict:
        """Shapes of the weights behind the pre-activations; for subclasses."""
        raise NotImplementedError

    def build(self, input_shape) -> None:
        for name, shape in self.weight_shapes(input_shape[-1]).items():
            setattr(self, name, self._make(name, shape))

    def _make(self, name, shape):
        role = {"projection_kernel": "projection", "recurrent_kernel": "recurrent"}
        role = role.get(name, "kernel")
        if name == "bias":
            role = "bias"
            initializer = self._bias if self.forget_bias == "trained" else None
        elif name in ("scale", "cell_scale", "cell_shift", "peephole_kernel"):
            initializer = "ones" if name.endswith("scale") else "zeros"
            return self.add_weight(shape=shape, name=name, initializer=initializer)
        else:
            initializer = None
        if initializer is None:
            initializer = getattr(self, f"{role}_initializer")
            if len(shape) == 3:
                initializer = stacked(initializer, shape[0])
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=initializer,
            regularizer=getattr(self, f"{role}_regularizer"),
            constraint=getattr(self, f"{role}_constraint"),
        )

    def _bias(self, shape, dtype=None):
        n = self.units
        parts = [self.bias_initializer((n,), dtype=dtype) for _ in GATES]
        parts[1] = ops.ones((n,), dtype=dtype)
        return ops.concatenate(parts)

    def full_bias(self):
        """The trained bias plus the constant forget bias, `[4 * units]`, or `None`."""
        constant = 0 if self.forget_bias == "trained" else self.forget_bias
        bias = self.weight("bias") if self.use_bias else None
        if not constant:
            return bias
        shift = ops.repeat(ops.convert_to_tensor([0.0, constant, 0.0, 0.0]), self.units)
        shift = ops.cast(shift, self.compute_dtype)
        return shift if bias is None else bias + shift

    def linear_bias(self):
        """The bias that the pre-activations take: none if layer norm adds it later."""
        return None if self.layer_norm else self.full_bias()

    def weight(self, name: str):
        """A weight as a tensor in the compute type."""
        return ops.cast(getattr(self, name), self.compute_dtype)

    def gate_weights(self, joint: bool = False) -> dict:
        """What `pointwise` needs."""
        if not self.layer_norm:
            return {}
        names = ("scale", "cell_scale", "cell_shift")
        weights = {name: ops.convert_to_tensor(getattr(self, name)) for name in names}
        shift = self.full_bias()
        if shift is None:
            shift = ops.zeros((4 * self.units,))
        weights["scale"] = ops.reshape(weights["scale"], (4, -1))
        return {**weights, "shift": ops.reshape(shift, (4, -1))}

    def projection_weights(self):
        return () if self.projection is None else self.weight("projection_kernel")

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

    expand = None  # or a method `(r, weights)` that makes pre-activations of it

    def expansion_weights(self, joint: bool = False):
        """What `expand` needs."""
        return ()

    def pointwise(self, a, c, weights):
        return gate(
            a,
            c,
            weights,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            layer_norm=self.layer_norm,
        )

    def project(self, m, weights):
        return multiply(m, weights)

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
        h, c = self.split(states[0]), self.split(states[1])
        a = self.affine(self.hoist(inputs), h, self.step_weights())
        if self.expand:
            a = self.expand(a, self.expansion_weights())
        m, c = self.pointwise(a, c, self.gate_weights())
        if self.projection is not None:
            m = self.project(m, self.projection_weights())
        h, c = self.join(m), self.join(c)
        return self.show(h), [h, c]

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
        sizes = {"units": self.units, "projection": self.projection}
        return {**super().get_config(), **sizes, **options}
