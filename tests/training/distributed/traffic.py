"""How many bytes a process sends in a step, as a program of several processes.

    python traffic.py '{"processes": 2, "mode": "model", "layers": [1, 2], ...}'

It prints, for models of so many layers of experts, the number of weights and of outputs
of each layer, and the bytes that the process wrote in each step.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np

from zoo import layers
from zoo.cli.processes import as_one_process
from zoo.training import loop
from zoo.training.checkpoint import Checkpoint
from zoo.training.fit import seed_everything

WORDS, ROWS, TIME, WIDTH, STEPS = 200, 8, 5, 128, 6


def written() -> int:
    """The bytes that this process has written, to sockets too; see `man 5 proc`."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


class Batches(keras.utils.PyDataset):
    """Random ids, whose targets are the ids before them."""

    def __len__(self) -> int:
        return STEPS

    def __getitem__(self, index: int):
        generator = np.random.default_rng(index)
        ids = generator.integers(1, WORDS, (ROWS, TIME + 1)).astype("int32")
        return ids[:, :-1], ids[:, 1:], np.ones((ROWS, TIME), "float32")


class Written(keras.callbacks.Callback):
    """What is written in each step."""

    def __init__(self) -> None:
        super().__init__()
        self.after: list[int] = []

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        self.after.append(written())


def train(count: int) -> dict:
    """Trains a model with so many layers of experts for one epoch."""
    seed_everything(0)
    tokens = keras.Input((TIME,), dtype="int32")
    x = keras.layers.Embedding(WORDS, WIDTH)(tokens)
    for seed in range(count):
        x = layers.SparseMoE(4, 2, hidden=WIDTH, seed=seed)(x)
    model = keras.Model(tokens, layers.SampledSoftmax(WORDS, samples=0)(x))
    model.compile(
        optimizer="sgd",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=True,
    )
    seen = Written()
    checkpoint = Checkpoint(lambda logs: (-logs["loss"],), patience=9, folder=None)
    loop.fit(model, Batches(), checkpoint, epochs=1, callbacks=[seen], verbose=False)
    return {
        "weights": model.count_params(),
        "outputs": ROWS * TIME * WIDTH,
        "sent": np.diff(seen.after).tolist(),
    }


def main(options: dict) -> None:
    counts = options.pop("layers")
    own = SimpleNamespace(replicas=1, distribute=options["mode"], **options)
    with as_one_process(own):
        for count in counts:
            print(json.dumps(train(count)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
