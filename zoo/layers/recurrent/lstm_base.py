"""The parts that LSTM cells share: four gates, a cell state, and a projection."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels.recurrence import multiply
from zoo.layers.checks import check_size
from zoo.layers.recurrent.cell import GatedCell

# Up to this width launching the operations of a step takes longer than its products.
_MOST_FUSED = 256


def gate(a, c, weights, *, activation, recurrent_activation, layer_norm=False):
    """One LSTM step after the matmuls.

        i = σ(a_i + V_i c),  f = σ(a_f + V_f c),  o = σ(a_o + V_o c')
        c' = f c + i tanh(a_c),  m = o tanh(c')

    in the type of `c`.

    Args:
        a: input, forget, candidate, output, each `[..., batch, units]`. Separate,
            because XLA's CPU code for slices within a fused loop is ten times slower.
        c: `[..., batch, units]`.
        weights: dict with, each optional, `peepholes` `[3, units]` (V_i, V_f, V_o)
            and, for layer normalisation, `scale`, `shift` `[4, units]` of the
            pre-activations and `cell_scale`, `cell_shift` `[units]` of the cell.
        activation: activation of candidate and cell.
        recurrent_activation: activation of the gates.
        layer_norm: whether to normalise each pre-activation, and the cell before its
            activation.

    Returns:
        `(m, c')`, both `[..., batch, units]`.
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


def _normalise(x, epsilon=1e-5):
    centred = x - ops.mean(x, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
    return centred * ops.rsqrt(variance + epsilon)


class LSTMBase(GatedCell):
    """Base class of the LSTM cells; a subclass defines the pre-activations.

    States are `[h, c]`, as in `keras.layers.LSTMCell`: `h` `[batch, projection or
    units]`, `c` `[batch, units]`. See `LSTMCell` for the arguments.
    """

    GATES = ("input", "forget", "candidate", "output")
    STATES = ("h", "c")
    OPTIONS = {
        **GatedCell.OPTIONS,
        "forget_bias": "trained",
        "layer_norm": False,
        "projection_initializer": "glorot_uniform",
        "projection_regularizer": None,
        "projection_constraint": None,
    }
    ROLES = {**GatedCell.ROLES, "projection_kernel": "projection"}
    STARTS = {
        "peephole_kernel": "zeros",
        "scale": "ones",
        "cell_scale": "ones",
        "cell_shift": "zeros",
    }

    def __init__(self, units: int, projection: int | None = None, **kwargs) -> None:
        if projection is not None:
            check_size("projection", projection)
        super().__init__(units, [projection or units, units], **kwargs)
        self.projection = projection
        trained = isinstance(self.forget_bias, str) and self.forget_bias == "trained"
        number = isinstance(self.forget_bias, (int, float))
        if not trained and (not number or isinstance(self.forget_bias, bool)):
            raise ValueError(
                "`forget_bias` must be 'trained' (the trained bias starts at 1) or the "
                "constant that is added to the forget gate (the bias starts at 0). "
                f"Received: forget_bias={self.forget_bias!r}."
            )

    def gate_shapes(self, input_dim: int, state_dim: int) -> dict:
        """Returns the shapes of the weights of the pre-activations; for subclasses."""
        raise NotImplementedError

    def full_kernels(self) -> tuple:
        """Returns the kernels of an LSTM with the same pre-activations; for subclasses.

        Returns:
            `[in, 4 * units]` and `[p, 4 * units]`, gates in the order of `GATES`.
        """
        raise NotImplementedError

    @property
    def plain_weights(self):
        plain = (
            self.activation is keras.activations.tanh
            and self.recurrent_activation is keras.activations.sigmoid
            and self.compute_dtype == "float32"
            and not (self.layer_norm or self.projection)
            and self.units <= _MOST_FUSED
        )
        return self._kernels_and_bias if plain else None

    def _kernels_and_bias(self):
        bias = self.full_bias()
        if bias is None:
            bias = ops.zeros((4 * self.units,), self.compute_dtype)
        return (*self.full_kernels(), bias)

    def weight_shapes(self, input_dim):
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

    def start(self, name, initializer, shape):
        if name != "bias" or self.forget_bias != "trained":
            return super().start(name, initializer, shape)
        n = self.units

        def forget_starts_at_one(shape, dtype=None):
            parts = [initializer((n,), dtype=dtype) for _ in self.GATES]
            parts[1] = ops.ones((n,), dtype=dtype)
            return ops.concatenate(parts)

        return forget_starts_at_one

    def full_bias(self):
        """Returns the trained bias plus the constant forget bias, or `None`."""
        constant = 0 if self.forget_bias == "trained" else self.forget_bias
        bias = self.weight("bias") if self.use_bias else None
        if not constant:
            return bias
        shift = ops.repeat(ops.convert_to_tensor([0.0, constant, 0.0, 0.0]), self.units)
        shift = ops.cast(shift, self.compute_dtype)
        return shift if bias is None else bias + shift

    def linear_bias(self):
        """Returns the bias of the pre-activations; none if layer norm adds it later."""
        return None if self.layer_norm else self.full_bias()

    def gate_weights(self, joint=False):
        if not self.layer_norm:
            return {}
        names = ("scale", "cell_scale", "cell_shift")
        weights = {name: ops.convert_to_tensor(getattr(self, name)) for name in names}
        shift = self.full_bias()
        if shift is None:
            shift = ops.zeros((4 * self.units,))
        weights["scale"] = ops.reshape(weights["scale"], (4, -1))
        return {**weights, "shift": ops.reshape(shift, (4, -1))}

    def pointwise(self, a, state, weights):
        return gate(
            a,
            state,
            weights,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            layer_norm=self.layer_norm,
        )

    @property
    def project(self):
        return None if self.projection is None else self.multiply_projection

    def multiply_projection(self, m, weights):
        return multiply(m, weights)

    def projection_weights(self):
        return () if self.projection is None else self.weight("projection_kernel")

    def get_config(self) -> dict:
        return {**super().get_config(), "projection": self.projection}
