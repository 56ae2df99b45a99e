"""Strictly balanced gating: in training every expert takes equally many tokens."""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.experts.gates import Gate, Routing, small_start, total_by_expert


@keras.saving.register_keras_serializable(package="zoo")
class BalancedGate(Gate):
    """Experts choose their tokens in training, by a learned threshold at inference.

        X = softmax(x W_g)
        training:  M_ji = 1 if X_ji is among the m largest of column i, m = k |X| / n
        inference: M_ji = 1 if X_ji > T_i
        G = X ⊙ M / Σ_i (X ⊙ M)_i,  0 for a token without experts
        loss = w Σ_ji (M_inference - M_training)_ji (X_ji - T_i) / |X|

    So a token goes to 0 to n experts, and in training its experts depend on the other
    tokens of the batch; the loss, which trains T, makes the two masks similar.

    Args:
        num_experts: n.
        k: mean number of experts per token.
        threshold_loss: `w`. The paper sums over the tokens; this is their mean.
        static: whether the last axis of the routing has n slots, as XLA requires, not
            the largest number of experts of a token.
        seed: seed of the initial matrix.

    Source: Shazeer et al. 2017, appendix F.
    """

    def __init__(
        self,
        num_experts: int,
        k: int,
        *,
        threshold_loss: float = 0.1,
        static: bool = False,
        **keywords,
    ) -> None:
        super().__init__(num_experts, k, **keywords)
        self.threshold_loss, self.static = threshold_loss, static

    def build(self, shape) -> None:
        # Not zeros: equal scores would send the first m tokens to every expert.
        self.kernel = self.add_matrix(
            "kernel",
            shape[-1],
            self.num_experts,
            initializer=small_start(shape[-1], self.seed),
        )
        self.thresholds = self.add_matrix(
            "thresholds",
            self.num_experts,
            initializer=keras.initializers.Constant(1.0 / self.num_experts),
        )

    def count_weights(self, width: int) -> tuple[int, int]:
        count = width * self.num_experts + self.num_experts
        return count, count

    def call(self, x, real, training=False):
        n = self.num_experts
        logits = ops.matmul(x, self.kernel)
        counted = ops.logical_and(real, ops.all(ops.isfinite(logits), axis=-1))
        counted = ops.expand_dims(counted, -1)
        scores = ops.where(counted, ops.softmax(logits, axis=-1), 0.0)
        mask = ops.logical_and(counted, scores > self.thresholds)
        if training:
            self.add_z_loss(logits, counted)
            above, mask = mask, self._largest(scores, counted)
            differ = ops.cast(above, "float32") - ops.cast(mask, "float32")
            count = ops.maximum(ops.sum(ops.cast(counted, "float32")), 1.0)
            loss = ops.sum(differ * (scores - self.thresholds)) / count
            self.add_loss(self.threshold_loss * loss)
        slots = n
        if not self.static:
            most = ops.max(ops.sum(ops.cast(mask, "int32"), axis=-1), initial=1)
            slots = ops.cast(most, "int32")
        chosen, experts = ops.top_k(ops.where(mask, scores, -1.0), slots)
        used = chosen >= 0.0
        chosen = ops.where(used, chosen, 0.0)
        gates = chosen / ops.maximum(ops.sum(chosen, axis=-1, keepdims=True), 1e-20)
        experts = ops.where(used, ops.cast(experts, "int32"), n)
        ones = ops.ones_like(gates)
        return Routing(
            experts=experts,
            gates=gates,
            importance=total_by_expert(gates, experts, n),
            load=total_by_expert(ones, experts, n),
        )

    def _largest(self, scores, counted):
        """Marks the m largest of each column, exactly m even if scores are equal."""
        share = ops.sum(ops.cast(counted, "float32")) * (self.k / self.num_experts)
        ranked = ops.argsort(ops.where(counted, -scores, 1.0), axis=0)
        rank = ops.argsort(ranked, axis=0)
        return ops.logical_and(counted, ops.cast(rank, "float32") < ops.ceil(share))

    def get_config(self) -> dict:
        config = {"threshold_loss": self.threshold_loss, "static": self.static}
        return {**super().get_config(), **config}
