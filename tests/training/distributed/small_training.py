"""A small training with every kind of split weight, as a program of several processes.

    python small_training.py '{"folder": ..., "epochs": 2, "mode": "model", ...}'

It prints the losses, the places of the weights and the sums of the whole weights.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from types import SimpleNamespace

import keras
import numpy as np

from zoo import layers
from zoo.cli.processes import as_one_process
from zoo.training import loop
from zoo.training.checkpoint import Checkpoint
from zoo.training.distributed.context import distribution
from zoo.training.distributed.placing import no_distribution, whole
from zoo.training.fit import seed_everything

WORDS, ROWS, TIME = 20, 8, 5


class Batches(keras.utils.PyDataset):
    """Four batches of random ids, whose targets are the ids before them."""

    def __init__(self) -> None:
        super().__init__()
        generator = np.random.default_rng(0)
        self.ids = generator.integers(1, WORDS, (4, ROWS, TIME + 1)).astype("int32")

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int):
        ids = self.ids[index]
        return ids[:, :-1], ids[:, 1:], np.ones((ROWS, TIME), "float32")


class Dies(keras.callbacks.Callback):
    """Kills this process as the second epoch begins."""

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def build(grouped: bool = False) -> keras.Model:
    """Embedding, experts and softmax; with a G-LSTM before more experts.

    Four experts are all computed for each token, which XLA compiles the fastest.
    """
    tokens = keras.Input((TIME,), dtype="int32")
    x = keras.layers.Embedding(WORDS, 8, name="embedding")(tokens)
    if grouped:
        x = layers.GroupLSTM(8, 2, return_sequences=True, name="lstm")(x)
    x = layers.SparseMoE(
        6 if grouped else 4,
        2,
        hidden=6,
        importance_loss=0.5,
        load_loss=0.5,
        seed=1,
        name="experts",
    )(x)
    logits = layers.SampledSoftmax(WORDS, samples=0, name="softmax")(x)
    model = keras.Model(tokens, logits)
    model.compile(
        optimizer=keras.optimizers.Adam(0.05),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=True,
    )
    return model


def train(
    folder: str | None, epochs: int, dies: bool = False, grouped: bool = False
) -> dict:
    """The losses, the weights that several devices share, and the whole weights."""
    seed_everything(0)
    model = build(grouped)
    history = loop.fit(
        model,
        Batches(),
        Checkpoint(lambda logs: (-logs["loss"],), patience=9, folder=folder),
        epochs=epochs,
        callbacks=[Dies()] if dies else [],
        verbose=False,
    )
    shared = {
        weight.path: list(weight.value.addressable_data(0).shape)
        for weight in model.weights
        if weight.value.addressable_data(0).shape != weight.shape
    }
    with whole(model):
        weights = {w.path: np.asarray(w._value).tolist() for w in model.weights}
    losses = [logs["loss"] for logs in history]
    return {"losses": losses, "shared": shared, "weights": weights}


def main(options: dict) -> None:
    rank, processes = options.get("rank", 0), options.get("processes", 1)
    dies = options.get("dies") == rank
    modes = options.get("modes")
    if modes:  # on the devices of this process, one after the other
        for mode in modes:
            scope = no_distribution()
            if mode:
                scope = distribution(*mode).scope()
            with scope:
                print(json.dumps(train(None, options["epochs"], grouped=True)))
        return
    options = {"replicas": 1, **options, "distribute": options.get("mode")}
    scope = contextlib.nullcontext()
    if processes > 1:
        scope = as_one_process(SimpleNamespace(**options))
    with scope:
        print(json.dumps(train(options["folder"], options["epochs"], dies)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
