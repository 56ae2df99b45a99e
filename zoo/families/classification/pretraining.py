"""Initialises the shared layers of a model with a language model of unlabelled text.

Liu, Qiu and Huang 2016, section 4.2: the shared layer of their Model-III starts from a
language model. A forward half learns to predict the next token and a backward half the
previous one, each from its own direction of the shared layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from zoo.layers.padding import ConsumesMask, PaddingMask
from zoo.layers.softmax import SampledSoftmax
from zoo.text.inputs import fold_seed
from zoo.training.batching import TokenBatches, choose_buckets
from zoo.training.checkpoint import Checkpoint
from zoo.training.fit import compiled
from zoo.training.loop import fit

SHARED = ("embedding", "shared_forward", "shared_backward")


def pretrain(
    model: keras.Model,
    tokens: Sequence[np.ndarray],
    *,
    epochs: int = 1,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
    dropout: float = 0.1,
    samples: int = 1024,
    seed: int = 0,
    folder: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    jit_compile: bool | str = False,
    verbose: bool = False,
) -> list[float]:
    """Trains the shared layers of `model`, in place, as two language models.

    Args:
        model: with layers named `embedding`, `shared_forward` and `shared_backward`.
        tokens: one int32 array of ids per text; labels are not used.
        epochs: passes over the texts.
        batch_size: texts per step.
        learning_rate: that of Adam; falls to 0 along a cosine.
        dropout: rate on the hidden states.
        samples: candidates of the sampled softmax.
        seed: seed of the order, the candidates and the dropout.
        folder: for checkpoints; a run that was killed continues from its last epoch
            there.
        callbacks: further Keras callbacks.
        jit_compile: whether to compile the step with XLA.
        verbose: whether to show progress.

    Returns:
        The mean loss in nats per token, forward plus backward, of each epoch.

    Raises:
        ValueError: if the model lacks one of the shared layers, or there are no texts.
    """
    names = [layer.name for layer in model.layers]
    missing = [name for name in SHARED if name not in names]
    if missing:
        raise ValueError(
            f"`model` must have layers named {', '.join(SHARED)}. "
            f"Received: {model.name!r} without {', '.join(missing)}."
        )
    received = len(tokens)
    tokens = [ids for ids in tokens if len(ids) > 1]
    if not tokens:
        raise ValueError(
            "`tokens` must hold a text of at least two tokens. "
            f"Received: {received} text(s), none of them so long."
        )
    batches = TokenBatches(
        tokens,
        {},
        {},
        batch_size=batch_size,
        buckets=choose_buckets(tokens),
        shuffle=True,
        seed=seed,
    )
    language_model = _language_model(
        model, dropout=dropout, samples=samples, seed=fold_seed(seed)
    )
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate, decay_steps=epochs * len(batches)
    )
    language_model.compile(
        optimizer=keras.optimizers.Adam(schedule, global_clipnorm=1.0),
        jit_compile=compiled(jit_compile),
    )
    history = fit(
        language_model,
        batches,
        Checkpoint(lambda logs: None, patience=epochs, folder=folder),
        epochs=epochs,
        callbacks=callbacks,
        what="language model, epoch",
        verbose=verbose,
    )
    return [logs["loss"] for logs in history]


def _language_model(model, *, dropout: float, samples: int, seed: int) -> keras.Model:
    """Returns a model from token ids to the two losses, on the layers of `model`."""
    vocab_size = model.get_layer("embedding").input_dim
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = PaddingMask()(tokens)
    embedded = model.get_layer("embedding")(tokens)
    forward = model.get_layer("shared_forward")(embedded, mask=mask)
    backward = model.get_layer("shared_backward")(embedded, mask=mask)
    losses = []
    for index, (name, states, now, then) in enumerate(
        [
            ("forward", forward, slice(None, -1), slice(1, None)),
            ("backward", backward, slice(1, None), slice(None, -1)),
        ]
    ):
        states = keras.layers.Dropout(dropout, seed=seed + index)(states[:, now])
        softmax = SampledSoftmax(
            vocab_size, samples=samples, seed=seed + index, name=f"{name}_softmax"
        )
        # The later of the two tokens must be real; with right padding both are then.
        loss = softmax(states, tokens[:, then], mask=mask[:, 1:])
        losses.append(loss)
    return keras.Model(tokens, MeanTokenLoss()([*losses, mask[:, 1:]]))


class MeanTokenLoss(ConsumesMask):
    """Adds the mean of several losses `[batch, time]` over the real tokens."""

    def call(self, inputs):
        *losses, mask = inputs
        count = ops.maximum(ops.sum(ops.cast(mask, "float32")), 1.0)
        total = sum(ops.sum(loss) for loss in losses) / count
        self.add_loss(total)
        return total
