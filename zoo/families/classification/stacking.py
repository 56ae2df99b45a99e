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
                layer.set_shares(0.5, 0.5)
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
    task: Task, target: np.ndarray, weight: np.ndarray, *outputs: np.ndarray
) -> tuple[float, ...]:
    """The shares of the lowest penalised loss.

        Σ_rows loss(Σ_i a_i y_i) + (rows of the prior) |a - e|²

    with `e` equal shares that add up to 1.

    Args:
        task: the task.
        target: as `zoo.data.encode_labels` gives it.
        weight: `[rows]`, 0 without a label.
        outputs: `y_i`, `[rows, task.outputs]` of each model.

    Returns:
        `a_i` of each model, none below 0; `e` without labels.
    """
    rows, equal = np.flatnonzero(weight > 0), 1.0 / len(outputs)
    start = np.full(len(outputs), equal)
    if not len(rows):
        return tuple(start.tolist())
    target, ones = target[rows], np.ones(len(rows))
    several = np.stack([output[rows].astype(float) for output in outputs])

    def penalised(shares: np.ndarray) -> float:
        mixed = np.tensordot(shares, several, 1)
        loss = mean_loss(task, target, ones, mixed) * len(rows)
        return loss + PRIOR_ROWS * np.square(shares - equal).sum()

    bounds = [(0.0, None)] * len(outputs)
    found = minimize(penalised, start, bounds=bounds, method="L-BFGS-B")
    return tuple(found.x.tolist())
