"""A training with all that has a state: dropout, Adam, sampled tasks, early stopping.

As a program, `python checkpoint_run.py FOLDER`, it kills itself in its third epoch.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import keras
import numpy as np

import zoo
from zoo.tasks import as_tasks
from zoo.training.batching import TokenBatches
from zoo.training.fit import compile_model, fit, seed_everything

BEFORE = 2  # epochs that are finished when it is killed


class Kill(keras.callbacks.Callback):
    """Ends the process within an epoch, as `kill -9` does."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == BEFORE and batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def train(folder, callbacks=()) -> tuple[list[np.ndarray], list[dict]]:
    """Weights and history, without times, of a training with checkpoints."""
    keras.backend.clear_session()
    seed_everything(7)
    tasks = as_tasks({"a": 2, "b c": ["x", "y", "z"]})
    generator = np.random.default_rng(0)
    tokens = [generator.integers(4, 20, n).astype("int32") for n in range(1, 41)]
    targets = {n: generator.integers(0, t.outputs, 40) for n, t in tasks.items()}
    weights = {n: generator.integers(0, 2, 40) for n in tasks}
    weights["a"][:2] = weights["b c"][:2] = 1
    data = tokens, targets, weights
    sizes = {"batch_size": 8, "buckets": [16, 40], "sampling": "uniform", "seed": 3}
    parts = [TokenBatches(*data, shuffle=shuffle, **sizes) for shuffle in (True, False)]
    model = zoo.get("text_cnn", 20, tasks, embedding_dim=4, maps=3, windows=[2])
    trained = compile_model(model, tasks, learning_rate=0.02, jit_compile=False)
    options = {"epochs": 30, "patience": 3, "folder": folder, "callbacks": callbacks}
    history = fit(trained, *parts, tasks, verbose=True, **options)
    for logs in history:
        logs.pop("seconds")
    return model.get_weights(), json.loads(json.dumps(history))  # as they are kept


if __name__ == "__main__":
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # As `conftest.py` sets it, so that the same graphs run.
        options = {"disable_meta_optimizer": True}
        tf.config.optimizer.set_experimental_options(options)
    train(sys.argv[1], [Kill()])
