"""The only call of Keras's `fit`: resumes, shows progress and keeps the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from zoo.tasks import Task
from zoo.training.callbacks import ExpertShares
from zoo.training.checkpoint import Checkpoint
from zoo.training.distributed.placing import place
from zoo.training.distributed.sharing import shared
from zoo.training.progress import Progress


def fit(
    model: keras.Model,
    batches,
    checkpoint: Checkpoint,
    *,
    epochs: int,
    watching: Sequence[keras.callbacks.Callback] = (),
    callbacks: Sequence[keras.callbacks.Callback] = (),
    tasks: Mapping[str, Task] | None = None,
    what: str = "epoch",
    verbose: bool = True,
) -> list[dict]:
    """Trains a compiled model, starting from its checkpoint.

    Args:
        model: a compiled model.
        batches: batches of an epoch. Batches that restart each epoch, such as
            `zoo.training.batching.EpochBatches`, have `feed()` and `follow()`.
        checkpoint: scores the epochs, stops the training, and keeps the best weights.
        epochs: maximum number, including those of an earlier run.
        watching: callbacks that add the scores of the checkpoint to the logs.
        callbacks: further callbacks, which see the complete logs.
        tasks: tasks whose metrics the progress shows.
        what: text before the number of an epoch.
        verbose: whether to show progress.

    Returns:
        One dict of logs per epoch, with `score` and `seconds`. The model has the
        weights of the best epoch, or of the last one if none was scored.

    Raises:
        Diverged: if no epoch has a finite loss and score.
    """
    place(model)
    first = checkpoint.restore(model)
    shown = [Progress(tasks or {}, epochs, batches, done=first, what=what)]
    follows = hasattr(batches, "follow")
    todo = first < epochs and not checkpoint.finished
    data = shared(batches.feed() if follows else batches)
    if todo and not model.trainable_variables:
        _score_once(model, data, [*watching, checkpoint, *callbacks])
    elif todo:
        make_variables(model, batches)
        model.fit(
            data,
            initial_epoch=first,
            epochs=epochs,
            callbacks=[
                *([batches.follow()] if follows else []),
                *watching,
                ExpertShares(),
                checkpoint,
                *(shown if verbose else []),
                *callbacks,
            ],
            shuffle=False,
            verbose=0,
        )
    checkpoint.keep_best(model)
    return checkpoint.history


def make_variables(model: keras.Model, batches) -> None:
    """Makes the variables of the optimizer, and those that add up the losses.

    Keras makes them in the first step, which TensorFlow then traces a second time.

    Args:
        model: a compiled model.
        batches: the first one is asked for its first row.
    """
    if keras.backend.backend() != "tensorflow":
        return  # where Keras makes them before
    model.optimizer.build(model.trainable_variables)
    if model.loss is not None:
        row = keras.tree.map_structure(lambda array: array[:1], batches[0])
        inputs, targets, weights = keras.utils.unpack_x_y_sample_weight(row)
        outputs = model(inputs, training=False)
        model.compute_loss(inputs, targets, outputs, weights, training=False)


def _score_once(model: keras.Model, data, callbacks) -> None:
    """One epoch of a model that has nothing to train: its losses and scores."""
    for callback in callbacks:
        callback.set_model(model)
        callback.on_epoch_begin(0)
    logs = model.evaluate(data, verbose=0, return_dict=True)
    for callback in callbacks:
        callback.on_epoch_end(0, logs)
