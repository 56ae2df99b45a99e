"""Gates: the experts of each token, their weights, and the losses that balance them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops


@dataclass(frozen=True)
class Routing:
    """The routing of tokens, each to `slots` of `n` experts.

    Args:
        experts: int32 `[tokens, slots]`; `n` for an unused slot.
        gates: float32 `[tokens, slots]`, weights of the experts' outputs.
        importance: float32 `[n]`, sum of the gates of each expert.
        load: float32 `[n]`, a smooth count of the tokens of each expert.
    """

    experts: Any
    gates: Any
    importance: Any
    load: Any


def cv_squared(values):
    """Squared coefficient of variation: variance over squared mean, 0 for zeros.

    Args:
        values: `[n]`.

    Example:
        >>> float(cv_squared(ops.convert_to_tensor([1.0, 3.0])))
        0.25
    """
    mean = ops.mean(values)
    return ops.mean(ops.square(values - mean)) / ops.maximum(ops.square(mean), 1e-10)


def probability_in_top_k(clean, noisy, deviation, k: int):
    """Returns the probability that an expert is in the top k if its noise is redrawn.

        P(x, i) = Φ((clean_i - kth_excluding(noisy, k, i)) / deviation_i)

    Args:
        clean: logits without noise `[..., n]`.
        noisy: logits with noise, `[..., n]`.
        deviation: standard deviation of the noise, `[..., n]`.
        k: number of chosen experts.

    Returns:
        `[..., n]`; ones where all are chosen.

    Source: Shazeer et al. 2017, equations 8 to 10.
    """
    if k >= clean.shape[-1]:
        return ops.ones_like(clean)
    top = ops.top_k(noisy, k + 1)[0]
    # Without one of the top k, the next one takes its place.
    chosen = noisy > top[..., k:]
    threshold = ops.where(chosen, top[..., k:], top[..., k - 1 : k])
    scaled = (clean - threshold) / ops.maximum(deviation, 1e-6)
    return 0.5 * (1.0 + ops.erf(scaled / math.sqrt(2.0)))


def total_by_expert(values, experts, n: int):
    """Sum of `values` over the slots of each expert.

    Args:
        values: `[tokens, slots]`.
        experts: int32 `[tokens, slots]`; `n` for an unused slot.
        n: number of experts.

    Returns:
        `[n]`.
    """
    flat = [ops.reshape(part, (-1,)) for part in (values, experts)]
    return ops.segment_sum(*flat, num_segments=n + 1)[:n]


def spread_gates(gates, experts, n: int):
    """Spreads gates `[tokens, slots]` to `[tokens, n]`, with zeros for the rest."""
    return ops.sum(
        ops.expand_dims(gates, -1) * ops.one_hot(experts, n, dtype=gates.dtype), axis=-2
    )


class Gate(keras.layers.Layer):
    """Base class of the gates, which run in float32 under every dtype policy.

    Call arguments:
        x: float32 `[tokens, d]`.
        real: bool `[tokens]`; other tokens are not routed and do not count.
        training: whether to add noise.

    Returns:
        A `Routing`.
    """

    def __init__(
        self, num_experts: int, k: int, seed=None, z_loss: float = 0.0, **keywords
    ) -> None:
        keywords.setdefault("dtype", "float32")
        super().__init__(**keywords)
        self.num_experts, self.k, self.seed = num_experts, k, seed
        self.z_loss = z_loss
        self.seed_generator = keras.random.SeedGenerator(seed)

    def count_weights(self, width: int) -> tuple[int, int]:
        """Counts the gate's weights for this width, and those that one token uses."""
        raise NotImplementedError

    def add_matrix(self, name: str, *shape: int, initializer="zeros"):
        return self.add_weight(shape=shape, initializer=initializer, name=name)

    def add_z_loss(self, logits, counted) -> None:
        """Adds `z_loss` times the mean square of the logits' log-sum-exp.

        Args:
            logits: `[tokens, n]`.
            counted: bool `[tokens, 1]`.

        Source: Zoph et al. 2022, ST-MoE, equation 5.
        """
        if not self.z_loss:
            return
        z = ops.logsumexp(ops.where(counted, logits, 0.0), axis=-1, keepdims=True)
        count = ops.maximum(ops.sum(ops.cast(counted, "float32")), 1.0)
        self.add_loss(self.z_loss * ops.sum(total(z * z, counted)) / count)

    def get_config(self) -> dict:
        names = ("num_experts", "k", "seed", "z_loss")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="zoo")
class NoisyTopKGate(Gate):
    """Noisy top-k gating.

        H(x)_i = (x W_g)_i + ε_i softplus((x W_noise)_i),  ε ~ N(0, 1) in training
        G(x) = softmax over the k largest of H(x), 0 for the others

    Both matrices start at zero, so that routing is uniformly random at first.

    Args:
        num_experts: n.
        k: experts per token.
        gates: number of gates; row r of the tokens uses gate `r % gates`.
        seed: seed of the noise.

    Source: Shazeer et al. 2017, section 2.1 and appendix A; Ma et al. 2018, Modeling
    Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts.
    """

    def __init__(self, num_experts: int, k: int, gates: int = 1, **keywords) -> None:
        super().__init__(num_experts, k, **keywords)
        self.gates = gates

    def build(self, shape) -> None:
        several = (self.gates,) if self.gates > 1 else ()
        shape = (*several, shape[-1], self.num_experts)
        self.kernel = self.add_matrix("kernel", *shape)
        self.noise_kernel = self.add_matrix("noise_kernel", *shape)

    def count_weights(self, width: int) -> tuple[int, int]:
        active = 2 * width * self.num_experts
        return active * self.gates, active

    def _logits(self, x, kernel):
        if self.gates == 1:
            return ops.matmul(x, kernel)
        rows = ops.reshape(x, (-1, self.gates, x.shape[-1]))
        logits = ops.einsum("bgd,gdn->bgn", rows, kernel)
        return ops.reshape(logits, (-1, self.num_experts))

    def get_config(self) -> dict:
        return {**super().get_config(), "gates": self.gates}

    def call(self, x, real, training=False):
        clean = self._logits(x, self.kernel)
        deviation = ops.softplus(self._logits(x, self.noise_kernel))
        experts, gates, chance, finite = select_experts(
            clean, deviation, self.k, training and self.seed_generator
        )
        counted = ops.expand_dims(ops.logical_and(real, finite), -1)
        if training:
            self.add_z_loss(clean, counted)
        n = self.num_experts
        return Routing(
            experts=ops.where(ops.expand_dims(real, -1), experts, n),
            gates=gates,
            importance=total_by_expert(ops.where(counted, gates, 0.0), experts, n),
            load=total(chance, counted),
        )


def select_experts(clean, deviation, k: int, seed):
    """Selects the experts and gates of noisy top-k gating.

    Args:
        clean: `[rows, n]`.
        deviation: standard deviation of the noise, `[rows, n]`.
        k: number of experts.
        seed: generator of the noise, or a false value for none.

    Returns:
        Experts int32 `[rows, k]`, gates `[rows, k]`, the probability of each expert to
        be in the top k `[rows, n]`, and whether all logits are numbers `[rows]`.
    """
    noisy = clean
    if seed:
        noisy = clean + deviation * keras.random.normal(ops.shape(clean), seed=seed)
    values, experts = ops.top_k(noisy, k)
    if seed:
        chance = probability_in_top_k(clean, noisy, deviation, k)
    else:
        chance = ops.sum(
            ops.one_hot(experts, clean.shape[-1], dtype="float32"), axis=-2
        )
    finite = ops.all(ops.isfinite(noisy), axis=-1)
    return ops.cast(experts, "int32"), ops.softmax(values, axis=-1), chance, finite


def small_start(width: int, seed) -> keras.initializers.Initializer:
    """Returns initial weights that differ by expert, for a gate without noise."""
    return keras.initializers.TruncatedNormal(stddev=0.1 / math.sqrt(width), seed=seed)


def total(values, counted):
    """Sums over the tokens that count; NaN and infinity add nothing.

    Args:
        values: `[tokens, n]`.
        counted: bool `[tokens, 1]`.
    """
    return ops.sum(ops.where(counted, values, 0.0), axis=0)


@keras.saving.register_keras_serializable(package="zoo")
class SwitchGate(Gate):
    """The k most probable experts, with their probabilities as gates.

        p = softmax(x W_g),  gates = the k largest of p, not normalised again

    so that the gate has a gradient for k = 1 as well.

    Args:
        num_experts: n.
        k: experts per token, usually 1.
        seed: seed of the initial matrix.

    Source: Fedus, Zoph and Shazeer 2022, Switch Transformers, section 2.1.
    """

    def build(self, shape) -> None:
        self.kernel = self.add_matrix(
            "kernel",
            shape[-1],
            self.num_experts,
            initializer=small_start(shape[-1], self.seed),
        )

    def count_weights(self, width: int) -> tuple[int, int]:
        return width * self.num_experts, width * self.num_experts

    def call(self, x, real, training=False):
        logits = ops.matmul(x, self.kernel)
        shares = ops.softmax(logits, axis=-1)
        gates, experts = ops.top_k(shares, self.k)
        experts, n = ops.cast(experts, "int32"), self.num_experts
        finite = ops.all(ops.isfinite(logits), axis=-1)
        counted = ops.expand_dims(ops.logical_and(real, finite), -1)
        if training:
            self.add_z_loss(logits, counted)
        hard = ops.where(counted, ops.ones_like(gates), 0.0)
        return Routing(
            experts=ops.where(ops.expand_dims(real, -1), experts, n),
            gates=gates,
            importance=total(shares, counted),
            load=total_by_expert(hard, experts, n),
        )


@keras.saving.register_keras_serializable(package="zoo")
class OneExpert(Gate):
    """Sends every token to the only expert there is; it has no weights."""

    def count_weights(self, width: int) -> tuple[int, int]:
        return 0, 0

    def call(self, x, real, training=False):
        real = ops.expand_dims(real, -1)
        gates = ops.ones_like(real, dtype="float32")
        count = ops.reshape(ops.sum(ops.cast(real, "float32")), (1,))
        return Routing(
            experts=ops.where(real, 0, 1), gates=gates, importance=count, load=count
        )


def sort_pairs(experts, n: int):
    """Sorts the pairs (token, slot) by expert.

    Args:
        experts: int32 `[tokens, slots]`; `n` for an unused slot, which comes last.
        n: number of experts.

    Returns:
        The order int32 `[tokens * slots]`, its inverse, and the pairs of each expert
        int32 `[n]`.
    """
    flat = ops.reshape(experts, (-1,))
    pairs = ops.shape(flat)[0]
    place = ops.arange(pairs, dtype="int32")
    # Unique keys, because Keras does not guarantee a stable sort.
    order = ops.cast(ops.argsort(flat * pairs + place), "int32")
    inverse = ops.scatter_update(
        ops.zeros_like(place), ops.expand_dims(order, 1), place
    )
    return order, inverse, total_by_expert(ops.ones_like(experts), experts, n)


def grouped_form() -> str:
    """Returns the form of grouped matmuls for this backend."""
    return "blocks" if keras.backend.backend() == "jax" else "sliced"
