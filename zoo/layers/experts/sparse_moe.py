"""The sparsely-gated mixture of experts."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from zoo._lazy import RenamedAttributes
from zoo.kernels._backend import CALLS_UPDATE_METRICS, on_each_device
from zoo.kernels.portable import is_portable
from zoo.layers.checks import check_size
from zoo.layers.experts.balanced_gate import BalancedGate
from zoo.layers.experts.computing import (
    as_rows,
    from_first,
    run_dense,
    run_grouped,
)
from zoo.layers.experts.gates import (
    NoisyTopKGate,
    OneExpert,
    Routing,
    SwitchGate,
    cv_squared,
    grouped_form,
    sort_pairs,
    total_by_expert,
)
from zoo.layers.experts.hierarchical_gate import HierarchicalGate
from zoo.layers.experts.metrics import RoutingMetrics
from zoo.layers.initializers import stacked

GATINGS = ("noisy_top_k", "switch", "balanced")
FORMS = ("auto", "sliced", "blocks", "dense")
_FEW = 4  # up to this number, all are computed for every token


@keras.saving.register_keras_serializable(package="zoo")
class SparseMoE(RenamedAttributes, keras.layers.Layer):
    """A layer of many small networks, of which each token uses only a few.

        y = Σ_i G(x)_i E_i(x),  E_i(x) = relu(x W1_i) W2_i

    All tokens of all axes before the last are routed together. In training two losses
    balance the experts, `w CV(importance)²` and `w CV(load)²`, with `CV` the
    coefficient of variation over the experts; see `zoo.layers.experts.gates`.

    Args:
        num_experts: n.
        k: experts per token (at each of the two levels with `groups`).
        hidden: width of each expert's hidden layer, or several widths.
        output_dim: width of the output; by default that of the input.
        activation: activation of the hidden layers.
        output_activation: activation of the sum over the experts; the paper's language
            models use a sigmoid.
        gating: `"noisy_top_k"` (Shazeer et al. 2017), `"switch"` (Fedus et al. 2022),
            whose gates are not normalised, so that k = 1 has a gradient, or
            `"balanced"` (appendix F of Shazeer et al.): in training each expert takes
            the same number of tokens, at inference those above a learned threshold.
        groups: with noisy top-k gating, number of groups to choose from first, before
            the experts of a group; `None` for one level.
        gates: with noisy top-k gating, number of gates over the same experts, such as
            one per task; inputs are then `[..., gates, d]`.
        importance_loss: weight of the importance loss.
        load_loss: weight of the load loss; with balanced gating, whose loads are equal
            in training, weight of the threshold loss.
        switch_loss: weight of `n Σ_i f_i P_i`, with `f` the share of the tokens and `P`
            the mean gate of each expert (Switch, GShard).
        z_loss: weight of the mean square of the log-sum-exp of the gate's logits, which
            keeps them small (Zoph et al. 2022).
        capacity_factor: in training an expert takes at most this times its fair share
            of the tokens; later tokens of the batch are dropped, and reported.
            `None` drops none. At inference none is dropped.
        form: how the experts are computed: `"sliced"`, one matmul for each expert with
            tokens (TensorFlow without XLA); `"blocks"`, static shapes (XLA, JAX);
            `"dense"`, all experts for all tokens. `"auto"` is dense up to 4 experts,
            else blocks on JAX and sliced on TensorFlow: a model compiled there with
            `jit_compile=True` needs `"blocks"`. All agree except for rounding.
        sparse_gradient: in the sliced form, whether the gradient holds only experts
            with tokens, which pays off with fewer tokens than experts and an optimizer
            that skips the other rows, such as SGD.
        kernel_initializer: initializer of each expert's matrices.
        kernel_regularizer: regularizer of each expert's matrices.
        seed: seed of the noise.

    Call arguments: inputs `[..., d]`; `mask` bool `[...]`, false for tokens that are
    not routed and do not count; `training`.

    Returns:
        `[..., output_dim]`; zeros for masked tokens.

    Metrics, in training: `<name>_max_over_mean` load, `<name>_entropy` of the experts'
    shares relative to equal ones, `<name>_dropped` share of the pairs, each the mean
    over the batches, and `<name>_busiest`, the largest share of an epoch's pairs. On
    JAX, `zoo.training.callbacks.ExpertShares` adds them to the logs of `fit`.

    Raises:
        ValueError: for sizes that do not fit.

    Example:
        >>> layer = SparseMoE(8, k=2, hidden=16)
        >>> tuple(layer(ops.ones((2, 5, 4))).shape)
        (2, 5, 4)

    Source: Shazeer et al. 2017, Outrageously Large Neural Networks.
    """

    renamed = {"health": "routing_metrics"}

    def __init__(
        self,
        num_experts: int,
        k: int = 2,
        hidden: int | Sequence[int] = 1024,
        *,
        output_dim: int | None = None,
        activation="relu",
        output_activation=None,
        gating: str = "noisy_top_k",
        groups: int | None = None,
        gates: int = 1,
        importance_loss: float = 0.1,
        load_loss: float = 0.1,
        switch_loss: float = 0.0,
        z_loss: float = 0.0,
        capacity_factor: float | None = None,
        form: str = "auto",
        sparse_gradient: bool = False,
        kernel_initializer="glorot_uniform",
        kernel_regularizer=None,
        seed: int | None = None,
        **keywords,
    ) -> None:
        super().__init__(**keywords)
        self.num_experts = check_size("num_experts", num_experts)
        self.k = check_size("k", k)
        hidden = [hidden] if isinstance(hidden, int) else list(hidden)
        self.hidden = [check_size("hidden", width) for width in hidden]
        self.output_dim = output_dim
        if k > num_experts:
            raise ValueError(
                "`k` must be at most `num_experts`. "
                f"Received: k={k}, num_experts={num_experts}."
            )
        for name, value, accepted in (
            ("gating", gating, GATINGS),
            ("form", form, FORMS),
        ):
            if value not in accepted:
                raise ValueError(
                    f"`{name}` must be one of {', '.join(accepted)}. "
                    f"Received: {name}={value!r}."
                )
        if groups is not None and (num_experts % groups or gating != "noisy_top_k"):
            raise ValueError(
                "`groups` must divide `num_experts`, with gating='noisy_top_k'. "
                f"Received: groups={groups}, num_experts={num_experts}, "
                f"gating={gating!r}."
            )
        check_size("gates", gates)
        if gates > 1 and (groups is not None or gating != "noisy_top_k"):
            raise ValueError(
                "Several `gates` need gating='noisy_top_k' without groups. "
                f"Received: gates={gates}, groups={groups}, gating={gating!r}."
            )
        self.gating, self.groups, self.form = gating, groups, form
        self.gates, self.sparse_gradient = gates, sparse_gradient
        self.importance_loss, self.load_loss = importance_loss, load_loss
        self.switch_loss, self.z_loss = switch_loss, z_loss
        self.capacity_factor = capacity_factor
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.seed = seed
        self.supports_masking = True
        options: dict[str, Any] = {
            "k": k,
            "seed": seed,
            "z_loss": z_loss,
            "name": "gate",
        }
        if num_experts == 1:
            self.gate = OneExpert(1, **options)
        elif groups is not None:
            gate_form = form if form == "blocks" else grouped_form()
            self.gate = HierarchicalGate(
                num_experts, groups=groups, form=gate_form, **options
            )
        elif gating == "switch":
            self.gate = SwitchGate(num_experts, **options)
        elif gating == "balanced":
            static = form == "blocks" or grouped_form() == "blocks"
            self.gate = BalancedGate(
                num_experts, threshold_loss=load_loss, static=static, **options
            )
        else:
            self.gate = NoisyTopKGate(num_experts, gates=gates, **options)
        self.routing_metrics = RoutingMetrics(num_experts, self.name)

    # `fit` passes metrics to a call as metrics or, on some backends, as variables.

    @property
    def metrics(self):
        return super().metrics + (
            self.routing_metrics.metrics if CALLS_UPDATE_METRICS else []
        )

    @property
    def variables(self):
        own = super().variables
        return own if CALLS_UPDATE_METRICS else own + self.routing_metrics.variables

    def count_weights(self, width: int) -> tuple[int, int]:
        """Counts the weights of the layer, built or not, and those that a token uses.

        A token costs as many multiplications as it uses weights.

        Args:
            width: width of the inputs.

        Example:
            >>> SparseMoE(256, k=4, hidden=1024).count_weights(512)
            (268697600, 4456448)
        """
        gate, gate_active = self.gate.count_weights(width)
        expert = sum(math.prod(pair) for pair in self._sizes(width))
        groups = self.groups or self.num_experts
        slots = min(self.k, groups)
        if self.groups:
            slots *= min(self.k, self.num_experts // groups)
        return gate + self.num_experts * expert, gate_active + slots * expert

    def _sizes(self, width: int) -> list[tuple[int, int]]:
        """Returns the shape of each of an expert's matrices."""
        widths = [width, *self.hidden, self.output_dim or width]
        return list(zip(widths, widths[1:], strict=False))

    def build(self, shape) -> None:
        self.gate.build((None, shape[-1]))
        self.kernels = [
            self.add_weight(
                shape=(self.num_experts, *pair),
                initializer=stacked(self.kernel_initializer, self.num_experts),
                regularizer=self.kernel_regularizer,
                name=f"kernel_{index}",
            )
            for index, pair in enumerate(self._sizes(shape[-1]))
        ]

    def call(self, inputs, mask=None, training=False):
        shape = ops.shape(inputs)
        x, real = as_rows(inputs, mask, self.compute_dtype)
        routing = self.gate(ops.cast(x, "float32"), real, training=training)
        experts = routing.experts
        if training:
            if self.capacity_factor is not None:
                experts = self._drop(experts)
            self._add_losses(routing, real)
            self.routing_metrics.update(
                self._counts(routing.experts), self._counts(experts)
            )
        y = self._run(x, experts, ops.cast(routing.gates, x.dtype))
        if self.output_activation is not keras.activations.linear:
            y = self.output_activation(y)
            y = ops.where(ops.expand_dims(real, -1), y, ops.zeros((), y.dtype))
        return ops.reshape(y, (*shape[:-1], y.shape[-1]))

    def _run(self, x, experts, gates):
        form = self.form
        if form == "auto":
            form = "dense" if self.num_experts <= _FEW else grouped_form()
        compute: Callable = functools.partial(
            run_grouped, form=form, sparse_gradient=self.sparse_gradient
        )
        if form == "dense" or is_portable():
            compute = run_dense
        cast = functools.partial(ops.cast, dtype=x.dtype)

        def run(rows, kernels, first):
            x, experts, gates = rows
            experts = from_first(experts, first, kernels[0].shape[0], self.num_experts)
            return compute(x, experts, gates, [*map(cast, kernels)], self.activation)

        return on_each_device(run, [x, experts, gates], self.kernels)

    def _drop(self, experts):
        """Marks the pairs beyond their expert's capacity as unused."""
        n = self.num_experts
        order, inverse, counts = sort_pairs(experts, n)
        starts = ops.cumsum(counts) - counts
        flat = ops.reshape(experts, (-1,))
        rank = inverse - ops.take(starts, ops.minimum(flat, n - 1))
        share = ops.cast(ops.sum(counts), "float32") / n
        capacity = ops.cast(ops.ceil(share * self.capacity_factor), "int32")
        kept = ops.where(rank < capacity, flat, n)
        return ops.reshape(kept, ops.shape(experts))

    def _add_losses(self, routing: Routing, real) -> None:
        for weight, values in (
            (self.importance_loss, routing.importance),
            (self.load_loss, routing.load),
        ):
            if weight:
                self.add_loss(weight * cv_squared(values))
        if self.switch_loss:
            count = ops.maximum(ops.sum(ops.cast(real, "float32")), 1.0)
            share = ops.stop_gradient(self._counts(routing.experts)) / count
            balance = ops.sum(share * routing.importance / count)
            self.add_loss(self.switch_loss * self.num_experts * balance)

    def _counts(self, experts):
        ones = ops.ones_like(experts, dtype="float32")
        return total_by_expert(ones, experts, self.num_experts)

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.output_dim or shape[-1])

    def get_config(self) -> dict:
        names = (
            "num_experts",
            "k",
            "hidden",
            "output_dim",
            "gating",
            "groups",
            "gates",
            "form",
            "importance_loss",
            "load_loss",
            "switch_loss",
            "z_loss",
            "capacity_factor",
            "sparse_gradient",
            "seed",
        )
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }
