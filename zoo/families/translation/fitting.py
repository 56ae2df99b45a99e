"""Teacher forcing: each target token is predicted from those before it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.families.translation.batches import PairBatches
from zoo.families.translation.settings import TranslationSettings
from zoo.training.checkpoint import Checkpoint, averaged
from zoo.training.distributed.sharing import predict_on_batch
from zoo.training.fit import compiled, make_optimizer, span_momentum
from zoo.training.loop import fit
from zoo.training.schedules import WarmUp
from zoo.training.sequence_loss import SequenceCrossentropy, sequence_loss

if TYPE_CHECKING:
    from zoo.families.translation.pipeline import EncodedPairs

_VALID_TOKENS = 4096  # per batch without gradients


def train_translator(
    model: keras.Model,
    train: EncodedPairs,
    valid: EncodedPairs | None,
    settings: TranslationSettings,
    *,
    folder: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> list[dict]:
    """Trains a translation model in place and keeps its best weights.

    Args:
        model: a translation model of the zoo.
        train: the training pairs.
        valid: the validation pairs, or `None` to train all epochs and keep the last.
        settings: the training settings.
        folder: for checkpoints; a run that was killed continues from its last epoch.
        callbacks: further Keras callbacks.
        verbose: whether to show progress.

    Returns:
        One dict of logs per epoch: `loss` with label smoothing, `val_perplexity`
        without, and `seconds`.
    """
    batches = PairBatches(
        train.sources,
        train.targets,
        batch_tokens=settings.batch_tokens,
        shuffle=True,
        seed=settings.seed,
        buckets=settings.buckets,
    )
    # A second model of the same layers, so that the first is saved without optimizer.
    trained = keras.Model(model.input, model.output, name=f"{model.name}_trainer")
    trained.compile(
        optimizer=_optimizer(settings, steps=len(batches)),
        loss=SequenceCrossentropy(settings.label_smoothing),
        jit_compile=compiled(False),  # XLA compiles each shape; see `buckets`
    )
    checkpoint = Checkpoint(
        lambda logs: (-logs["val_perplexity"],) if valid is not None else None,
        patience=settings.patience,
        folder=folder,
    )
    watching = [] if valid is None else [Validation(model, valid, settings.buckets)]
    return fit(
        trained,
        batches,
        checkpoint,
        epochs=settings.epochs,
        watching=watching,
        callbacks=callbacks,
        verbose=verbose,
    )


class Validation(keras.callbacks.Callback):
    """Adds the perplexity of the averaged weights to the logs of each epoch.

    Args:
        translator: the model in training.
        valid: the validation pairs.
        buckets: as in `perplexity`.
    """

    def __init__(
        self, translator: keras.Model, valid: EncodedPairs, buckets: int | None = None
    ) -> None:
        super().__init__()
        self.scorer, self.valid, self.buckets = scorer(translator), valid, buckets

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        with averaged(self.model):
            logs["val_perplexity"] = perplexity(self.scorer, self.valid, self.buckets)


def scorer(model: keras.Model) -> keras.Model:
    """Returns a model of the same layers that gives the loss of each token.

    Args:
        model: a translation model of the zoo.

    Returns:
        A functional `keras.Model`: a dict of `source`, `target` and `labels`, int ids
        `[batch, time]`, to float32 `[batch, target time]` in nats, 0 at padding.
    """
    labels = keras.Input((None,), dtype="int32", name="labels")
    loss = sequence_loss(
        model.output,
        labels,
        keras.ops.not_equal(labels, 0),
        average_across_timesteps=False,
        average_across_batch=False,
    )
    return keras.Model({**model.input, "labels": labels}, loss)


def perplexity(
    score: keras.Model, pairs: EncodedPairs, buckets: int | None = None
) -> float:
    """Returns `exp` of the mean negative log-likelihood of target tokens and ends.

    Each token is predicted from the true ones before it (teacher forcing).

    Args:
        score: the result of `scorer`.
        pairs: at least one pair.
        buckets: padded lengths of the batches; see `PairBatches`.
    """
    batches = PairBatches(
        pairs.sources, pairs.targets, batch_tokens=_VALID_TOKENS, buckets=buckets
    )
    total = tokens = 0.0
    for index in range(len(batches)):
        inputs, labels, weights = batches[index]
        losses = predict_on_batch(score, {**inputs, "labels": labels})
        total += float(np.sum(losses, dtype="float64"))
        tokens += float(weights.sum())
    with np.errstate(over="ignore"):  # infinite for a model that has diverged
        return float(np.exp(total / tokens))


def _optimizer(settings: TranslationSettings, steps: int):
    rate = settings.learning_rate
    if settings.warmup:
        rate = WarmUp(rate, settings.warmup, settings.hold)
    average = span_momentum(settings.average, steps)
    return make_optimizer(settings.optimizer, rate, settings.clip, average)
