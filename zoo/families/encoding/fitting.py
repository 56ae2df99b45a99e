"""One training of an encoder on the vectors of a teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from zoo.families.encoding.heads import Head, with_heads
from zoo.families.encoding.labels import Labels
from zoo.families.encoding.loss import TeacherLoss
from zoo.families.encoding.metrics import closeness
from zoo.families.encoding.settings import EncodingSettings
from zoo.families.encoding.token_vectors import TokenVectors
from zoo.families.encoding.word_heads import NEIGHBOURS, VECTORS
from zoo.models.encoders import OUTPUT
from zoo.training import loop
from zoo.training.batching import CALL, TokenBatches, choose_buckets
from zoo.training.checkpoint import Checkpoint, averaged
from zoo.training.fit import compiled, make_optimizer, predict


class TextsOnly(TokenBatches):
    """Batches without rows of padding: the loss compares each row with each other one.

    Args:
        arguments, options: those of `TokenBatches`.
        vectors: the teacher's of the tokens, or `None`.
        neighbours: whether the words beside each word are predicted.

    Call returns: tokens `[rows, bucket]`; a dict of the teacher's vectors
    `[rows, width]`, the labels, and what is learned at each word; a dict of weights
    `[rows]`, or `[rows, places]` of words.
    """

    def __init__(
        self,
        *arguments,
        vectors: TokenVectors | None = None,
        neighbours: bool = False,
        **options,
    ) -> None:
        super().__init__(*arguments, **options)
        self.vectors, self.neighbours = vectors, neighbours

    def __getitem__(self, index: int):
        rows, length = self.batches[index]
        tokens, targets, weights = keras.tree.map_structure(
            lambda values: values[: len(rows)], super().__getitem__(index)
        )
        if self.vectors is not None:
            found = self.vectors.padded(rows, length)
            targets[VECTORS], weights[VECTORS] = found
        if self.neighbours:
            pairs = np.tile((tokens[:, 1:] > 0).astype("float32"), 2)
            targets[NEIGHBOURS] = weights[NEIGHBOURS] = pairs  # the loss has no target
        return tokens, targets, weights


class Closeness(keras.callbacks.Callback):
    """Adds `val_cosine`, `val_spearman` and `val_pearson` to the logs of an epoch.

    Args:
        encoder: without the outputs that only training has.
        tokens: int ids of each validation text.
        vectors: the teacher's, `[texts, width]`.
        batch_size: texts of a batch.
    """

    def __init__(
        self,
        encoder: keras.Model,
        tokens: Sequence,
        vectors: np.ndarray,
        batch_size: int,
    ) -> None:
        super().__init__()
        self.encoder, self.batch_size = encoder, batch_size
        self.tokens, self.vectors = tokens, vectors

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        with averaged(self.model):  # on JAX, `self.model` updates the weights
            found = encode(self.encoder, self.tokens, self.batch_size)
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
    size, buckets = min(batch_size, len(tokens)), choose_buckets(tokens, call=CALL)
    batches = TokenBatches(tokens, {}, {}, batch_size=size, buckets=buckets)
    return predict(model, batches)[OUTPUT]


def batches_of(
    tokens: Sequence,
    vectors: np.ndarray,
    labels: Labels,
    settings: EncodingSettings,
    token_vectors: TokenVectors | None = None,
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
        vectors=token_vectors,
        neighbours=settings.neighbour_weight > 0,
    )


def fit_encoder(
    model: keras.Model,
    batches: TextsOnly,
    valid: tuple[Sequence, np.ndarray],
    heads: Mapping[str, Head],
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
        heads: what it learns beside the sentence vector.
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
    trained = with_heads(model, heads)
    trained.compile(
        make_optimizer(settings.optimizer, rate, 1.0, None),
        loss={
            OUTPUT: TeacherLoss(settings.similarities),
            **{name: head.loss for name, head in heads.items()},
        },
        loss_weights={
            OUTPUT: 1.0,
            **{name: head.factor for name, head in heads.items()},
        },
        jit_compile=compiled(settings.jit_compile),
    )
    checkpoint = Checkpoint(_score, patience=settings.patience, folder=folder)
    watching = []
    if len(valid[0]):
        watching.append(Closeness(model, *valid, batch_size=settings.batch_size))
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
