"""Metrics of the routing to experts in training."""

from __future__ import annotations

import math

import keras
from keras import ops


class Received(keras.metrics.Metric):
    """Counts the tokens of each expert; its result is the largest share."""

    def __init__(self, num_experts: int, name: str) -> None:
        super().__init__(name=name)
        self.counts = self.add_weight((num_experts,), "zeros", name="counts")

    def update_state(self, counts) -> None:
        self.counts.assign_add(ops.cast(counts, self.counts.dtype))

    def result(self):
        total = ops.maximum(ops.sum(self.counts), 1.0)
        return ops.max(self.counts) / total

    def shares(self):
        """Returns the share of each expert, a NumPy array `[num_experts]`."""
        counts = ops.convert_to_numpy(self.counts)
        return counts / max(counts.sum(), 1.0)


class RoutingMetrics:
    """The metrics of one mixture of experts.

    Args:
        num_experts: n.
        name: name of the layer.
    """

    def __init__(self, num_experts: int, name: str) -> None:
        self.num_experts = num_experts
        self.means = {
            part: keras.metrics.Mean(name=f"{name}_{part}")
            for part in ("max_over_mean", "entropy", "dropped")
        }
        self.received = Received(num_experts, name=f"{name}_busiest")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*self.means.values(), self.received]

    @property
    def variables(self) -> list[keras.Variable]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def reset(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def update(self, load, kept) -> None:
        """Counts a batch.

        Args:
            load: number of routed pairs of a token and an expert, `[experts]`.
            kept: number of pairs that were not dropped.
        """
        total = ops.maximum(ops.sum(load), 1.0)
        share = load / total
        entropy = -ops.sum(share * ops.log(ops.maximum(share, 1e-10)))
        values = {
            "max_over_mean": ops.max(share) * self.num_experts,
            "entropy": entropy / max(math.log(self.num_experts), 1e-10),
            "dropped": 1.0 - ops.sum(kept) / total,
        }
        for part, value in values.items():
            self.means[part].update_state(value)
        self.received.update_state(load)
