"""One training of an encoder on the vectors of a teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from zoo.families.encoding.labels import Labels, with_heads
from zoo.families.encoding.loss import TeacherLoss
from zoo.families.encoding.metrics import closeness
from zoo.families.encoding.settings import EncodingSettings
from zoo.models.encoders import OUTPUT
from zoo.training import loop
from zoo.training.batching import TokenBatches, choose_buckets
from zoo.training.checkpoint import Checkpoint
from zoo.training.fit import compiled, make_optimizer, predict
from zoo.training.losses import task_loss


class TextsOnly(TokenBatches):
    """Batches without rows of padding: the loss compares each row with each other one.

    Call returns: tokens `[rows, bucket]`; a dict of the teacher's vectors
    `[rows, width]` and the labels; a dict of weights `[rows]`.
    """

    def __getitem__(self, index: int):
        rows, _ = self.batches[index]
        return keras.tree.map_structure(
            lambda values: values[: len(rows)], super().__getitem__(index)
        )


class Closeness(keras.callbacks.Callback):
    """Adds `val_cosine`, `val_spearman` and `val_pearson` to the logs of an epoch.

    Args:
        model: the encoder.
        tokens: int ids of each validation text.
        vectors: the teacher's, `[texts, width]`.
        batch_size: texts of a batch.
    """

    def __init__(self, tokens: Sequence, vectors: np.ndarray, batch_size: int) -> None:
        super().__init__()
        self.tokens, self.vectors, self.batch_size = tokens, vectors, batch_size

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        found = encode(self.model, self.tokens, self.batch_size)
        scores = closeness(found, self.vectors)
        logs.update({f"val_{name}": value for name, value in scores.items()})


def encode(model: keras.Model, tokens: Sequence, batch_size: int = 64) -> np.ndarray:
    """Returns the vectors of texts, float32 `[texts, width]`.

    Args:
        model: a sentence encoder.
        tokens: int ids `[tokens]` of each text.
        batch_size: texts of a batch.
    """
    if not len(tokens):
        return np.zeros((0, model.output[OUTPUT].shape[-1]), "float32")
    size, buckets = min(batch_size, len(tokens)), choose_buckets(tokens)
    batches = TokenBatches(tokens, {}, {}, batch_size=size, buckets=buckets)
    return predict(model, batches)[OUTPUT]


def batches_of(
    tokens: Sequence, vectors: np.ndarray, labels: Labels, settings: EncodingSettings
) -> TextsOnly:
    """Returns the batches of a training, in another order each epoch."""
    return TextsOnly(
        tokens,
        {OUTPUT: vectors, **labels.targets},
        {OUTPUT: np.ones(len(tokens)), **labels.weights},
        batch_size=settings.batch_size,
        buckets=choose_buckets(tokens, settings.buckets),
        shuffle=True,
        seed=settings.seed,
    )


def fit_encoder(
    model: keras.Model,
    batches: TextsOnly,
    valid: tuple[Sequence, np.ndarray],
    labels: Labels,
    settings: EncodingSettings,
    *,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> list[dict]:
    """Trains an encoder in place, and keeps the weights with the highest cosine.

    Args:
        model: a sentence encoder.
        batches: of the training part.
        valid: the ids of each validation text, and the teacher's vectors.
        labels: of the training texts.
        settings: the training settings.
        folder: for checkpoints; a run that was killed continues from there.
        callbacks: further Keras callbacks.
        verbose: whether to show progress.

    Returns:
        One dict of logs per epoch, with `val_cosine`, `score` and `seconds`.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.Embedding):
            layer.embeddings.by_rows = True  # a batch has few of the words: `RowAdam`
    steps = settings.epochs * len(batches)
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    trained = with_heads(model, labels) if labels.tasks else model
    trained.compile(
        make_optimizer(settings.optimizer, rate, 1.0, None),
        loss={
            OUTPUT: TeacherLoss(settings.similarities),
            **{name: task_loss(task) for name, task in labels.tasks.items()},
        },
        loss_weights={OUTPUT: 1.0, **labels.factors(settings.label_weight)},
        jit_compile=compiled(settings.jit_compile),
    )
    checkpoint = Checkpoint(_score, patience=settings.patience, folder=folder)
    watching = []
    if len(valid[0]):
        watching.append(Closeness(*valid, batch_size=settings.batch_size))
    return loop.fit(
        trained,
        batches,
        checkpoint,
        epochs=settings.epochs,
        watching=watching,
        callbacks=callbacks,
        verbose=verbose,
    )


def _score(logs: Mapping[str, float]) -> tuple[float] | None:
    return (logs["val_cosine"],) if "val_cosine" in logs else None
