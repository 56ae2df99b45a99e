"""Callbacks for the loads of experts, for TensorBoard, and for a deadline."""

from __future__ import annotations

import time
from collections.abc import Iterator

import keras
import numpy as np

SHARES = "_shares"  # suffix of names in the logs


class ExpertShares(keras.callbacks.Callback):
    """Adds the metrics of the experts in an epoch to its logs.

    For each `zoo.layers.SparseMoE` these are its metrics, and `<layer>_shares`, float
    `[experts]`, whose sum is 1. It must precede the callbacks that keep the logs, and
    has no effect on other models.
    """

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self._found: dict[str, float | np.ndarray] | None = None
        for layer in sparse_layers(self.model):
            layer.routing_metrics.reset()

    def on_test_begin(self, logs=None) -> None:
        self._found = self._read()  # before validation resets all metrics

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        logs.update(self._read() if self._found is None else self._found)

    def _read(self) -> dict[str, float | np.ndarray]:
        found: dict[str, float | np.ndarray] = {}
        for layer in sparse_layers(self.model):
            metrics = layer.routing_metrics.metrics
            found |= {metric.name: float(metric.result()) for metric in metrics}
            found[f"{layer.name}{SHARES}"] = layer.routing_metrics.received.shares()
        return found


class Deadline(keras.callbacks.Callback):
    """Ends the training at a deadline.

    Args:
        deadline: a `time.monotonic()`, or `None`. The current epoch then ends early,
            and is validated and kept like others.
    """

    def __init__(self, deadline: float | None) -> None:
        super().__init__()
        self.deadline = deadline

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        self._look_at_clock()

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        self._look_at_clock()

    def _look_at_clock(self) -> None:
        if self.deadline is not None and time.monotonic() >= self.deadline:
            self.model.stop_training = True


class TensorBoard(keras.callbacks.Callback):
    """Writes the logs of each epoch for TensorBoard: scalars, and shares as histograms.

    Args:
        folder: folder of the event files.

    Raises:
        ImportError: if the package tensorboard is not installed.
    """

    def __init__(self, folder: str) -> None:
        super().__init__()
        import tensorflow as tf

        try:
            import tensorboard  # noqa: F401
        except ModuleNotFoundError:
            raise ImportError(
                "`tensorboard` needs a package: pip install tensorboard"
            ) from None
        self._summary = tf.summary
        self._writer = tf.summary.create_file_writer(str(folder))

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        with self._writer.as_default(step=epoch):
            for name, value in logs.items():
                if name.endswith(SHARES):
                    self._summary.histogram(name, value, buckets=len(value))
                elif not np.ndim(value):  # curves within an epoch have no step here
                    self._summary.scalar(name, value)
        self._writer.flush()


def sparse_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Returns the mixtures of experts in a model, at any depth."""
    from zoo.layers import SparseMoE

    for layer in model.layers:
        if isinstance(layer, SparseMoE):
            yield layer
        elif isinstance(layer, keras.Model):
            yield from sparse_layers(layer)
