"""Attention of decoder states over an encoder's memory."""

from __future__ import annotations

import math

import keras
from keras import ops

from zoo.layers.checks import check_size
from zoo.layers.padding import ConsumesMask


class MemoryAttention(ConsumesMask):
    """Base class of the attention layers; a subclass defines the score.

        α_ij = softmax_{j real}(score(q_i, k_j)),  context_i = Σ_j α_ij m_j

    The keys `k` come from the memory alone: `prepare` computes them once, and
    `layer(queries, memory, mask, keys=keys)` reuses them at each step of a decoding.
    The states `[batch * beam, units]` of a beam search make queries
    `[batch, beam, units]`, for which the memory need not be repeated.

    Weights and sums are computed in float32 under every dtype policy. Values at
    padding are never read, so they may even be NaN.

    Args:
        kernel_initializer: initializer of the projections.

    Call arguments:
        queries: `[batch, targets, query units]`.
        memory: `[batch, time, memory units]`.
        mask: bool `[batch, time]`, true at the tokens of the memory; `None` if all are.
        keys: the result of `prepare(memory, mask)`; computed again if `None`.

    Returns:
        The context `[batch, targets, memory units]`, and the weights float32
        `[batch, targets, time]`, exactly 0 at padding. A row without tokens in the
        mask gives zeros for both.
    """

    def __init__(self, *, kernel_initializer="glorot_uniform", **keywords) -> None:
        super().__init__(**keywords)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def prepare(self, memory, mask=None):
        """Returns the keys of a memory, for any number of calls.

        Args:
            memory: `[batch, time, memory units]`.
            mask: bool `[batch, time]`, true at tokens; `None` if all are.

        Returns:
            `[batch, time, units]`.

        Raises:
            ValueError: if the layer has no weights yet.
        """
        if not self.built:
            raise ValueError(
                f"`prepare` needs the weights of the layer {self.name!r}. "
                "Accepted: a layer that was called, or built with "
                "`build(queries_shape, memory_shape)`. Received: one without weights."
            )
        return self.project(self._real(memory, mask))

    def project(self, memory):
        """Memory `[batch, time, memory units]` to keys; for subclasses."""
        raise NotImplementedError

    def score(self, queries, keys):
        """Scores `[batch, targets, time]` of queries and keys; for subclasses."""
        raise NotImplementedError

    def call(self, queries, memory, mask=None, keys=None):
        memory = self._real(memory, mask)
        if keys is None:
            keys = self.project(memory)
        queries = ops.cast(queries, self.compute_dtype)
        weights = _softmax(ops.cast(self.score(queries, keys), "float32"), mask)
        context = ops.matmul(weights, ops.cast(memory, "float32"))
        return ops.cast(context, self.compute_dtype), weights

    def _real(self, memory, mask):
        memory = ops.cast(memory, self.compute_dtype)
        if mask is None:
            return memory
        return ops.where(ops.expand_dims(ops.cast(mask, "bool"), -1), memory, 0.0)

    def weight(self, name: str):
        """Returns a weight as a tensor in the compute type, also outside of a call."""
        return ops.cast(getattr(self, name), self.compute_dtype)

    def add_kernel(self, name: str, *shape: int):
        return self.add_float(name, shape, self.kernel_initializer)

    def add_float(self, name: str, shape, initializer):
        """Adds a weight that no policy casts, so that norms are in float32."""
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, autocast=False
        )

    def get_config(self) -> dict:
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), "kernel_initializer": initializer}


def _softmax(score, mask):
    """Softmax over the last axis of `[batch, targets, time]`; zeros where masked."""
    if mask is None:
        return ops.softmax(score, axis=-1)
    mask = ops.expand_dims(ops.cast(mask, "bool"), 1)
    score = ops.where(mask, score, float("-inf"))
    best = ops.max(score, axis=-1, keepdims=True)
    best = ops.stop_gradient(ops.where(ops.isfinite(best), best, 0.0))
    weight = ops.exp(score - best)
    total = ops.sum(weight, axis=-1, keepdims=True)  # at least 1 if there is a token
    return weight / ops.maximum(total, 1e-6)


class _Projected(MemoryAttention):
    """Base class of layers that project queries and memory to `units`."""

    def __init__(self, units: int, **keywords) -> None:
        super().__init__(**keywords)
        self.units = check_size("units", units)

    def build(self, queries_shape, memory_shape) -> None:
        for name, shape in (("query", queries_shape), ("memory", memory_shape)):
            kernel = self.add_kernel(f"{name}_kernel", shape[-1], self.units)
            setattr(self, f"{name}_kernel", kernel)
        self.v = self.add_kernel("v", self.units)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="zoo")
class AdditiveAttention(_Projected):
    """Attention whose score is a feed-forward network of query and key.

        score(q, m) = v · tanh(q W_q + m W_m)
        score(q, m) = g v/|v| · tanh(q W_q + m W_m + b)      with `normalize`

    In training it keeps `batch * targets * time * units` numbers, unlike the other two
    layers.

    Args:
        units: width of the network.
        normalize: whether to use the second form, with weights `g` (a number) and `b`,
            as in tensorflow-addons' `BahdanauAttention(normalize=True)`.
        kernel_initializer: initializer of `W_q`, `W_m` and `v`.

    Call arguments and returns: as `MemoryAttention`.

    Raises:
        ValueError: if `units` is not a positive integer.

    Source: Bahdanau et al. 2015, appendix A.1.2; Salimans and Kingma 2016, equation
    (2), for the normalisation.

    Example:
        >>> layer = AdditiveAttention(8)
        >>> context, weights = layer(ops.ones((2, 3, 5)), ops.ones((2, 4, 6)))
        >>> tuple(context.shape), tuple(weights.shape)
        ((2, 3, 6), (2, 3, 4))
    """

    def __init__(self, units: int, normalize: bool = False, **keywords) -> None:
        super().__init__(units, **keywords)
        self.normalize = normalize

    def build(self, queries_shape, memory_shape) -> None:
        super().build(queries_shape, memory_shape)
        if self.normalize:
            start = keras.initializers.Constant(math.sqrt(1 / self.units))
            self.g = self.add_float("g", (), start)
            self.b = self.add_float("b", (self.units,), "zeros")

    def project(self, memory):
        return ops.matmul(memory, self.weight("memory_kernel"))

    def score(self, queries, keys):
        queries = ops.matmul(queries, self.weight("query_kernel"))
        v = ops.convert_to_tensor(self.v)
        if self.normalize:
            queries = queries + self.weight("b")
            v = self.g * v * ops.rsqrt(ops.sum(ops.square(v)))
        sums = ops.expand_dims(queries, 2) + ops.expand_dims(keys, 1)
        v = ops.cast(v, self.compute_dtype)
        return ops.matmul(ops.tanh(sums), ops.expand_dims(v, 1))[..., 0]

    def get_config(self) -> dict:
        return {**super().get_config(), "normalize": self.normalize}


@keras.saving.register_keras_serializable(package="zoo")
class MultiplicativeAttention(MemoryAttention):
    """Attention whose score is a bilinear form: `score(q, m) = g q · (m W)`.

    Args:
        scale: whether there is a trained number `g`, initially 1, as in
            tensorflow-addons' `LuongAttention(scale=True)`.
        kernel_initializer: initializer of `W` `[memory units, query units]`.

    Call arguments and returns: as `MemoryAttention`.

    Source: Luong et al. 2015, section 3.1, "general".

    Example:
        >>> layer = MultiplicativeAttention()
        >>> context, weights = layer(ops.ones((2, 3, 5)), ops.ones((2, 4, 6)))
        >>> tuple(context.shape), tuple(weights.shape)
        ((2, 3, 6), (2, 3, 4))
    """

    def __init__(self, scale: bool = False, **keywords) -> None:
        super().__init__(**keywords)
        self.scale = scale

    def build(self, queries_shape, memory_shape) -> None:
        shape = memory_shape[-1], queries_shape[-1]
        self.memory_kernel = self.add_kernel("memory_kernel", *shape)
        if self.scale:
            self.g = self.add_float("g", (), "ones")

    def project(self, memory):
        return ops.matmul(memory, self.weight("memory_kernel"))

    def score(self, queries, keys):
        # In float32: the product is unbounded and could overflow in half precision.
        queries, keys = ops.cast(queries, "float32"), ops.cast(keys, "float32")
        score = ops.matmul(queries, ops.swapaxes(keys, 1, 2))
        return score * ops.convert_to_tensor(self.g) if self.scale else score

    def get_config(self) -> dict:
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable(package="zoo")
class TanhProductAttention(_Projected):
    """Attention whose score is a product of two tanh: all pairs in one matmul.

        score(q, m) = Σ_d V_d tanh((q U)_d) tanh((m W)_d)

    Args:
        units: number of products in the sum.
        kernel_initializer: initializer of `U`, `W` and `V`.

    Call arguments and returns: as `MemoryAttention`.

    Raises:
        ValueError: if `units` is not a positive integer.

    Source: Shazeer et al. 2017, appendix G.

    Example:
        >>> layer = TanhProductAttention(8)
        >>> context, weights = layer(ops.ones((2, 3, 5)), ops.ones((2, 4, 6)))
        >>> tuple(context.shape), tuple(weights.shape)
        ((2, 3, 6), (2, 3, 4))
    """

    def project(self, memory):
        return ops.tanh(ops.matmul(memory, self.weight("memory_kernel")))

    def score(self, queries, keys):
        queries = ops.tanh(ops.matmul(queries, self.weight("query_kernel")))
        return ops.matmul(queries * self.weight("v"), ops.swapaxes(keys, 1, 2))
