"""Truncated backpropagation through time, with a state carried between steps."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from zoo.families.language.perplexity import scorer, stream_perplexity
from zoo.families.language.settings import LanguageSettings
from zoo.families.language.stream import Windows
from zoo.training.checkpoint import Checkpoint, averaged, claim
from zoo.training.fit import compiled, make_optimizer, span_momentum
from zoo.training.loop import fit
from zoo.training.schedules import WarmUp
from zoo.training.streamed import WIDEST


class StreamTrainer(keras.Model):
    """Trains a language model on the windows of streams, in order.

    The loss is summed over a window and averaged over the streams, as in the sources;
    the bound on the gradient's norm and the step size depend on that.

    Args:
        model: a language model of the zoo.
        rows: number of parallel streams.

    Call arguments: a dict of `tokens` and `targets`, int ids `[rows, window]`.
    Returns: the loss of each token, `[rows, window]`.
    """

    def __init__(self, model: keras.Model, rows: int) -> None:
        super().__init__(name=f"{model.name}_trainer")
        self.scorer = scorer(model)
        self.nll = keras.metrics.Mean(name="nll", dtype=WIDEST)
        self.carried = self.add_weight(
            (rows, model.input["state"].shape[-1]),
            "zeros",
            name="carried",
            trainable=False,
            autocast=False,
        )

    def call(self, inputs, training=False):
        read = {**inputs, "state": self.carried}
        read = {name: ops.convert_to_tensor(value) for name, value in read.items()}
        result = self.scorer(read, training=training)
        self.carried.assign(ops.stop_gradient(result["state"]))
        self.add_loss(ops.mean(ops.sum(result["nll"], axis=1)))
        return result["nll"]

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        # The loss may include more, such as the balance of experts. Flat, so that
        # every token counts alike, also those of a shorter last window.
        self.nll.update_state(ops.reshape(y_pred, (-1,)))
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def forget(self) -> None:
        """Sets the carried state to zero."""
        self.carried.assign(ops.zeros(self.carried.shape))


class Epochs(keras.callbacks.Callback):
    """Resets the state at each epoch, and validates within it and at its end.

    Args:
        trainer: holds the state and the scorer that validates.
        valid: int ids `[tokens]` of the validation stream.
        settings: settings of the training.
        steps: number of steps per epoch.
    """

    def __init__(self, trainer, valid, settings: LanguageSettings, steps: int) -> None:
        super().__init__()
        self.trainer, self.valid, self.settings = trainer, valid, settings
        parts = settings.validations
        self.stops = {steps * part // parts for part in range(1, parts)}

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self.trainer.forget()
        self.begun = time.perf_counter()
        self.midway: list[list[float]] = []
        if self.settings.warmup:
            return  # the optimizer's schedule counts steps
        late = max(0, epoch + 1 - self.settings.decay_after)
        rate = self.settings.learning_rate * self.settings.decay**late
        self.model.optimizer.learning_rate = rate

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        if self.valid is None or batch + 1 not in self.stops:
            return
        found = self._validate()
        self.midway.append([time.perf_counter() - self.begun, found])

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        logs["tokens"] = int(self.trainer.nll.count)
        logs["perplexity"] = math.exp(min(logs["nll"], 700.0))
        if self.valid is not None:
            logs["midway"] = self.midway
            logs["val_perplexity"] = self._validate()

    def _validate(self) -> float:
        with averaged(self.model):  # on JAX, `self.model` updates the weights
            return stream_perplexity(
                self.trainer.scorer, self.valid, batch_size=self.settings.batch_size
            )


class TimeLimit(keras.callbacks.Callback):
    """Ends the training after a time limit, also within an epoch.

    Args:
        minutes: total time, or `None` for no limit.
        checkpoint: records the seconds of the epochs that an earlier run finished.
    """

    def __init__(self, minutes: float | None, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.seconds = math.inf if minutes is None else 60 * minutes
        self.checkpoint = checkpoint

    def on_train_begin(self, logs=None) -> None:
        spent = sum(logs["seconds"] for logs in self.checkpoint.history)
        self.end = time.perf_counter() + self.seconds - spent

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        self._stop_if_over()

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        self._stop_if_over()  # validation may have used the rest of the time

    def _stop_if_over(self) -> None:
        if time.perf_counter() >= self.end:
            self.model.stop_training = True


def train_streams(
    model: keras.Model,
    streams: Mapping[str, np.ndarray],
    settings: LanguageSettings,
    *,
    identity: Mapping,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> list[dict]:
    """Trains a language model in place on streams of ids, and keeps its best weights.

    Args:
        model: a language model of the zoo.
        streams: int ids `[tokens]` of `train` and `valid`.
        settings: the training settings.
        identity: see `zoo.training.checkpoint.claim`.
        folder: for checkpoints.
        callbacks: further Keras callbacks.
        verbose: whether to show progress.

    Returns:
        The logs of `train_language_model`.
    """
    claim(folder, identity)
    valid = streams["valid"]
    return train_language_model(
        model,
        streams["train"],
        valid if len(valid) > 1 else None,
        settings,
        folder=folder,
        callbacks=callbacks,
        verbose=verbose,
    )


def train_language_model(
    model: keras.Model,
    train: np.ndarray,
    valid: np.ndarray | None,
    settings: LanguageSettings,
    *,
    folder: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> list[dict]:
    """Trains a language model in place and keeps its best weights.

    Args:
        model: a language model of the zoo.
        train: int ids `[tokens]`.
        valid: int ids `[tokens]`, or `None` to train all epochs and keep the last.
        settings: the training settings.
        folder: for checkpoints; a run that was killed continues from its last epoch.
        callbacks: further Keras callbacks.
        verbose: whether to show progress.

    Returns:
        One dict of logs per epoch, with `tokens` (of training), `perplexity`,
        `val_perplexity`, `seconds`, and in `midway` pairs of seconds and perplexity of
        the validations within the epoch.
    """
    windows = Windows(train, batch_size=settings.batch_size, window=settings.window)
    trainer = StreamTrainer(model, windows.rows)
    trainer(windows[0][0])
    optimizer = _optimizer(settings, steps=len(windows))
    trainer.compile(optimizer=optimizer, jit_compile=compiled(settings.jit_compile))
    checkpoint = Checkpoint(
        lambda logs: (-logs["val_perplexity"],) if valid is not None else None,
        patience=settings.patience,
        folder=folder,
    )
    return fit(
        trainer,
        windows,
        checkpoint,
        epochs=settings.epochs,
        watching=[Epochs(trainer, valid, settings, len(windows))],
        callbacks=[TimeLimit(settings.minutes, checkpoint), *callbacks],
        verbose=verbose,
    )


def _optimizer(settings: LanguageSettings, steps: int) -> keras.optimizers.Optimizer:
    rate = settings.learning_rate
    options = {}
    if settings.optimizer.lower() == "adagrad":
        options["initial_accumulator_value"] = 1.0
    return make_optimizer(
        settings.optimizer,
        WarmUp(rate, settings.warmup) if settings.warmup else rate,
        settings.clip,
        span_momentum(settings.average, steps),
        **options,
    )
