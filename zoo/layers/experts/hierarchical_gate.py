"""Two levels of noisy top-k gating."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels.grouped import collect, dispatch, grouped_matmul
from zoo.layers.experts.gates import (
    Gate,
    Routing,
    select_experts,
    sort_pairs,
    total,
    total_by_expert,
)


@keras.saving.register_keras_serializable(package="zoo")
class HierarchicalGate(Gate):
    """Two levels of noisy top-k gating: first a group of experts, then one of them.

        gate of expert (i, j) = G_p(x)_i · G_i(x)_j
        importance_ij = Σ_x G_p(x)_i G_i(x)_j
        load_ij = load_p(X)_i · load_i(X_i)_j / |X_i|

    with X_i the tokens of group i. The gate of each group reads only its tokens.

    Args:
        num_experts: n, a multiple of `groups`.
        k: choices at each level, so that a token has k² experts.
        groups: a, first-level choices.
        form: form of the grouped matmul: `"sliced"` or `"blocks"`.
        seed: seed of the noise.

    Source: Shazeer et al. 2017, appendix B.
    """

    def __init__(
        self, num_experts: int, k: int, groups: int, form: str, **keywords
    ) -> None:
        super().__init__(num_experts, k, **keywords)
        self.groups, self.form = groups, form

    def build(self, shape) -> None:
        d, a, b = shape[-1], self.groups, self.num_experts // self.groups
        self.kernel = self.add_matrix("kernel", d, a)
        self.noise_kernel = self.add_matrix("noise_kernel", d, a)
        self.group_kernel = self.add_matrix("group_kernel", a, d, b)
        self.group_noise_kernel = self.add_matrix("group_noise_kernel", a, d, b)

    def count_weights(self, width: int) -> tuple[int, int]:
        a, b = self.groups, self.num_experts // self.groups
        return 2 * width * (a + a * b), 2 * width * (a + min(self.k, a) * b)

    def call(self, x, real, training=False):
        a, b = self.groups, self.num_experts // self.groups
        seed = training and self.seed_generator
        clean = ops.matmul(x, self.kernel)
        deviation = ops.softplus(ops.matmul(x, self.noise_kernel))
        k = min(self.k, a)
        first, outer, chance, finite = select_experts(clean, deviation, k, seed)
        finite = ops.logical_and(finite, real)
        first = ops.where(ops.expand_dims(real, -1), first, a)
        order, inverse, counts = sort_pairs(first, a)
        rows = dispatch(x, order, inverse, k)

        def logits(kernel):
            product = grouped_matmul(rows, kernel, counts, form=self.form)
            return ops.reshape(collect(product, order, inverse, k), (-1, b))

        inner_k = min(self.k, b)
        inner_clean = logits(self.group_kernel)
        second, inner, inner_chance, inner_finite = select_experts(
            inner_clean,
            ops.softplus(logits(self.group_noise_kernel)),
            inner_k,
            seed,
        )
        owner = ops.reshape(first, (-1, 1))
        experts = ops.where(owner < a, owner * b + second, self.num_experts)
        experts = ops.reshape(experts, (-1, k * inner_k))
        gates = ops.reshape(
            ops.expand_dims(outer, -1) * ops.reshape(inner, (-1, k, inner_k)),
            (-1, k * inner_k),
        )
        finite = ops.logical_and(
            finite, ops.all(ops.reshape(inner_finite, (-1, k)), axis=-1)
        )
        counted = ops.expand_dims(finite, -1)
        if training:
            self.add_z_loss(clean, counted)
            self.add_z_loss(inner_clean, ops.repeat(counted, k, axis=0))
        # [tokens * k, a]: membership of pairs in groups.
        member = ops.one_hot(ops.reshape(first, (-1,)), a, dtype="float32")
        member = member * ops.repeat(ops.cast(counted, "float32"), k, axis=0)
        inner_chance = ops.where(ops.isfinite(inner_chance), inner_chance, 0.0)
        inner_load = ops.matmul(ops.transpose(member), inner_chance)  # [a, b]
        size = ops.maximum(ops.sum(member, axis=0), 1.0)
        load = ops.expand_dims(total(chance, counted) / size, -1) * inner_load
        return Routing(
            experts=experts,
            gates=gates,
            importance=total_by_expert(
                ops.where(counted, gates, 0.0), experts, self.num_experts
            ),
            load=ops.reshape(load, (-1,)),
        )

    def get_config(self) -> dict:
        return {**super().get_config(), "groups": self.groups, "form": self.form}
