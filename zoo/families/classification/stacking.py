"""Fits how much a network and the linear model beside it count, after each epoch."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from scipy.optimize import minimize

from zoo.models.heads import STACK, layer_name
from zoo.tasks import Task
from zoo.training.batching import TokenBatches
from zoo.training.checkpoint import averaged
from zoo.training.fit import predict
from zoo.training.losses import mean_loss

EQUAL = 0.5  # of each, where no row says otherwise
# Weight of the distance from the equal shares: as much as so many rows have.
PRIOR_ROWS = 4.0


class Stacker(keras.callbacks.Callback):
    """Assigns the shares of every `Stacking` layer of a model.

    Of each task those of the lowest loss on the validation part, drawn towards equal
    shares as a few more rows would draw them; equal ones where it has no label.

    Args:
        parts: model of the two outputs of each task, by task.
        layers: the `Stacking` layers by task.
        tasks: the tasks by name.
        batches: of the validation part, or `None`.

    Source: Wolpert 1992, Stacked Generalization.
    """

    def __init__(self, parts, layers: Mapping, tasks, batches) -> None:
        super().__init__()
        self.parts, self.layers = parts, layers
        self.tasks, self.batches = tasks, batches

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        if self.batches is None:
            for layer in self.layers.values():
                layer.set_shares(EQUAL, EQUAL)
            return
        with averaged(self.model):
            outputs = predict(self.parts, self.batches)
        for name, layer in self.layers.items():
            rows = self.batches.targets[name], self.batches.weights[name]
            both = outputs[f"{name}/network"], outputs[f"{name}/linear"]
            layer.set_shares(*best_shares(self.tasks[name], *rows, *both))


def stackers(
    model: keras.Model, tasks: Mapping[str, Task], batches: TokenBatches | None
) -> list[keras.callbacks.Callback]:
    """The callback for a model; none for one without `Stacking` layers."""
    there = {layer.name: layer for layer in model.layers}
    layers = {
        name: there[layer_name(STACK, tasks, name)]
        for name in tasks
        if layer_name(STACK, tasks, name) in there
    }
    if not layers:
        return []
    outputs = {}
    for name, layer in layers.items():
        outputs[f"{name}/network"], outputs[f"{name}/linear"] = layer.input
    return [Stacker(keras.Model(model.input, outputs), layers, tasks, batches)]


def best_shares(
    task: Task,
    target: np.ndarray,
    weight: np.ndarray,
    network: np.ndarray,
    linear: np.ndarray,
) -> tuple[float, float]:
    """The shares of the lowest penalised loss.

        Σ_rows loss(a n + b l) + (rows of the prior) |(a, b) - (0.5, 0.5)|²

    Args:
        task: the task.
        target: as `zoo.data.encode_labels` gives it.
        weight: `[rows]`, 0 without a label.
        network: `n`, `[rows, outputs]`.
        linear: `l`, `[rows, outputs]`.

    Returns:
        `a` and `b`, neither below 0.
    """
    rows = np.flatnonzero(weight > 0)
    if not len(rows):
        return EQUAL, EQUAL
    target, ones = target[rows], np.ones(len(rows))
    first, second = network[rows].astype(float), linear[rows].astype(float)

    def penalised(shares: np.ndarray) -> float:
        mixed = shares[0] * first + shares[1] * second
        loss = mean_loss(task, target, ones, mixed) * len(rows)
        return loss + PRIOR_ROWS * np.square(shares - EQUAL).sum()

    found = minimize(
        penalised, [EQUAL, EQUAL], bounds=[(0.0, None)] * 2, method="L-BFGS-B"
    )
    return float(found.x[0]), float(found.x[1])
