"""Learned weights of the losses of several tasks."""

from __future__ import annotations

from collections.abc import Mapping

import keras
from keras import ops

from zoo.tasks import Task, safe_names
from zoo.training.metrics import log_prefixes

# Adam moves a variable by about the step size, whatever its gradient. The log-variances
# have to move by some units in some hundred steps, so they are variables times this.
SCALE = 10.0


class UncertaintyModel(keras.Model):
    """A functional model that learns how much the loss of each task counts.

        loss = Σ_i c_i exp(-s_i) L_i + s_i,  c_i = 1/2 for a regression, else 1

    `s_i` is the logarithm of the variance of the task's noise, 0 at first. At the
    optimum each factor is 1 / L_i; the paper has s_i / 2, hence 1 / (2 L_i).

    Args:
        model: a functional model with a dict of outputs, whose layers are shared.
        losses: the loss of each output.
        halves: the outputs whose factor is 1/2.

    Source: Kendall, Gal and Cipolla 2018, Multi-Task Learning Using Uncertainty to
    Weigh Losses for Scene Geometry and Semantics, equation 10.
    """

    def __init__(self, model, losses: Mapping, halves=()) -> None:
        super().__init__(inputs=model.input, outputs=model.output, name=model.name)
        self.task_losses = dict(losses)
        self.factors = [0.5 if name in halves else 1.0 for name in losses]
        self.scaled_log_variances = self.add_weight(
            shape=(len(losses),), initializer="zeros", name="log_variances"
        )

    @property
    def log_variances(self):
        """`s`, `[tasks]`."""
        return SCALE * self.scaled_log_variances

    def task_weights(self) -> dict[str, float]:
        """Returns the factor of each loss, `c_i exp(-s_i)`, by output."""
        values = ops.convert_to_numpy(ops.exp(-self.log_variances)).tolist()
        return {
            name: factor * value
            for name, factor, value in zip(self.task_losses, self.factors, values)
        }

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        # Keeps the loss of each task for the logs; the graph computes it once.
        super().compute_loss(x, y, y_pred, sample_weight, training)
        total = 0.0
        for place, (name, loss) in enumerate(self.task_losses.items()):
            weight = None if sample_weight is None else sample_weight.get(name)
            value = loss(y[name], y_pred[name], sample_weight=weight)
            factor, variance = self.factors[place], self.log_variances[place]
            found = weighted_loss(value, variance, factor)
            if weight is not None:  # a batch without labels of a task says nothing
                found = ops.where(ops.any(weight > 0), found, 0.0)
            total = total + found
        for loss in self.losses:
            total = total + ops.sum(ops.cast(loss, "float32"))
        return total


def weighted_loss(loss, log_variance, factor: float):
    """Returns `c exp(-s) L + s`.

    Example:
        >>> float(weighted_loss(4.0, ops.zeros(()), 0.5))
        2.0
    """
    return factor * ops.exp(-log_variance) * loss + log_variance


def weigh_by_uncertainty(
    model: keras.Model, tasks: Mapping[str, Task], losses: Mapping
) -> UncertaintyModel:
    """Returns a model on the same layers that learns the weights of its tasks.

    Args:
        model: its outputs have the safe names of the tasks.
        tasks: the tasks by name.
        losses: the loss of each task, by safe name.
    """
    safe = safe_names(tasks)
    halves = [safe[name] for name, task in tasks.items() if task.kind == "regression"]
    return UncertaintyModel(model, losses, halves)


class LogTaskWeights(keras.callbacks.Callback):
    """Adds the learned weight of each task to the logs, as `<task>_weight`.

    Args:
        tasks: the tasks by name.
    """

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        super().__init__()
        self.tasks = tasks

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        safe, found = safe_names(self.tasks), self.model.task_weights()
        for name, prefix in log_prefixes(self.tasks).items():
            logs[f"{prefix}weight"] = found[safe[name]]


def learned_weights(tasks: Mapping[str, Task], logs: Mapping) -> dict[str, float]:
    """Returns the weights of the tasks in the logs of an epoch; none if not learned."""
    keys = {name: f"{prefix}weight" for name, prefix in log_prefixes(tasks).items()}
    return {name: logs[key] for name, key in keys.items() if key in logs}


def describe_weights(tasks: Mapping[str, Task], history) -> list[str]:
    """Returns a sentence with the weights at the end of training, if any.

    Args:
        tasks: the tasks by name.
        history: logs of each epoch.
    """
    found = learned_weights(tasks, history[-1]) if history else {}
    if not found:
        return []
    shown = ", ".join(f"`{name}` {weight:.4g}" for name, weight in found.items())
    return [f"Learned weights of the losses after the last epoch: {shown}."]
