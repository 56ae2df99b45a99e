"""A run that was killed goes on as if nothing had happened, to the last bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from zoo.training.checkpoint import claim, fingerprint

# Dropout, Adam, sampled tasks, early stopping: all that has a state.
CHILD = """
import json, sys, time
import keras, numpy as np
import zoo
from zoo.training.batching import TokenBatches
from zoo.tasks import as_tasks
from zoo.training.fit import compile_model, fit, seed_everything

folder, out, slow = sys.argv[1:]
seed_everything(7)
tasks = as_tasks({"a": 2, "b c": ["x", "y", "z"]})
generator = np.random.default_rng(0)
tokens = [generator.integers(4, 20, n).astype("int32") for n in range(1, 41)]
targets = {n: generator.integers(0, t.outputs, 40) for n, t in tasks.items()}
weights = {n: generator.integers(0, 2, 40) for n in tasks}
weights["a"][:2] = weights["b c"][:2] = 1
parts = [
    TokenBatches(tokens, targets, weights, batch_size=8, buckets=[16, 40],
                 shuffle=shuffle, sampling="uniform", seed=3)
    for shuffle in (True, False)
]
model = zoo.get("text_cnn", 20, tasks, embedding_dim=4, maps=3, windows=[2])
trained = compile_model(model, tasks, learning_rate=0.02, jit_compile=False)
wait = keras.callbacks.LambdaCallback(
    on_epoch_end=lambda epoch, logs: time.sleep(60 if epoch == 1 else 0)
)
history = fit(trained, *parts, tasks, epochs=30, patience=3, folder=folder,
              callbacks=[wait] if slow == "slow" else [], verbose=True)
for logs in history:
    logs.pop("seconds")
np.savez(out, *model.get_weights(), history=json.dumps(history))
"""


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, arguments)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process):
    _, said = process.communicate(timeout=500)
    assert process.returncode == 0, said
    return said


@pytest.mark.slow
def test_a_killed_run_ends_like_one_that_was_not(tmp_path):
    whole = start(tmp_path / "whole", tmp_path / "whole.npz", "fast")
    folder = tmp_path / "killed"
    killed = start(folder, tmp_path / "never.npz", "slow")
    state = folder / "state.json"
    deadline = time.monotonic() + 500
    while not (state.exists() and json.loads(state.read_text())["epoch"] == 1):
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    # As a kill between two writes would leave it: the state still names epoch 1.
    for name in ("last-2", "partial-best-2"):
        (folder / f"{name}.weights.h5").write_bytes(b"half a file")
    (folder / "state.json.partial").write_text('{"epo')
    said = end(start(folder, tmp_path / "resumed.npz", "fast"))
    assert "continuing after epoch 2" in said and "epoch 2/30" not in said
    assert "epoch 3/30" in said
    assert "epoch 1/30" in end(whole)
    one, other = (np.load(tmp_path / f"{n}.npz") for n in ("whole", "resumed"))
    history = json.loads(str(one["history"]))
    assert json.loads(str(other["history"])) == history
    assert 3 < len(history) < 30  # it stopped early, by what it knew from before
    assert one.files == other.files and len(one.files) > 5
    for name in one.files[:-1]:
        assert np.array_equal(one[name], other[name]), name
    names = sorted(path.name for path in folder.iterdir())
    best = max(range(len(history)), key=lambda epoch: history[epoch]["score"])
    assert names == [
        f"best-{best}.weights.h5",
        f"last-{len(history) - 1}.weights.h5",
        "state.json",
    ]
    # Once it is finished, it only reads its best weights.
    assert "epoch" not in end(start(folder, tmp_path / "again.npz", "fast"))
    again = np.load(tmp_path / "again.npz")
    assert all(np.array_equal(again[name], other[name]) for name in other.files)


def files_of(folder: Path):
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in files)


def test_a_folder_belongs_to_one_run(tmp_path):
    folder = tmp_path / "a" / "checkpoints"
    claim(folder, {"name": "text_cnn", "epochs": 3})
    (folder / "pretraining").mkdir()
    for name in (
        "state.json",
        "last-1.weights.h5",
        "pretraining/state.json",
        "pretraining/last-1.weights.h5",
        "mine.txt",
    ):
        (folder / name).write_text(name)
    before = files_of(folder)
    claim(folder, {"epochs": 3, "name": "text_cnn"})
    assert files_of(folder) == before
    claim(folder, {"name": "text_cnn", "epochs": 4})
    assert files_of(folder) == ["identity.json", "mine.txt"]
    (folder / "state.json").write_text("left by a version that wrote no identity")
    (folder / "identity.json").unlink()
    claim(folder, {"name": "text_cnn", "epochs": 4})
    assert files_of(folder) == ["identity.json", "mine.txt"]


def test_a_run_of_fewer_epochs_goes_on_as_one_of_more(tmp_path):
    def identity(epochs, **others):
        return {"name": "lstm", "settings": {"epochs": epochs, "seed": 0, **others}}

    claim(tmp_path, identity(2))
    (tmp_path / "state.json").write_text("of two epochs")
    claim(tmp_path, identity(5))
    assert files_of(tmp_path) == ["identity.json", "state.json"]
    claim(tmp_path, identity(5))
    assert files_of(tmp_path) == ["identity.json", "state.json"]
    claim(tmp_path, identity(4))  # the weights may be of the fifth epoch
    assert files_of(tmp_path) == ["identity.json"]
    (tmp_path / "state.json").write_text("of four epochs")
    claim(tmp_path, identity(9, seed=1))
    assert files_of(tmp_path) == ["identity.json"]


def test_a_run_that_wrote_no_settings_is_another_run(tmp_path):
    identity = {"name": "text_cnn", "settings": {"epochs": 3}}
    (tmp_path / "identity.json").write_text('{"name": "text_cnn", "settings": null}')
    weights = tmp_path / "epoch.weights.h5"
    weights.touch()
    claim(tmp_path, identity)
    assert not weights.exists()
    assert json.loads((tmp_path / "identity.json").read_text()) == identity


@pytest.mark.parametrize(
    "other",
    [
        [np.array([1, 2]), {"a": np.array([1.0, 0.0])}, ("x",)],
        [np.array([1, 2, 0]), {"a": np.array([1.0, 0.5])}, ("x",)],
        [np.array([[1, 2]]), {"a": np.array([1.0, 0.5])}, ("x",)],
        [np.array([1, 2]), {"a": np.array([1.0, 0.5])}, ("y",)],
        [np.array([1, 2], "int32"), {"a": np.array([1.0, 0.5])}, ("x",)],
    ],
)
def test_fingerprints_differ_with_the_data(other):
    data = [np.array([1, 2]), {"a": np.array([1.0, 0.5])}, ("x",)]
    again = [np.array([1, 2]), {"a": np.array([1.0, 0.5])}, ("x",)]
    assert fingerprint(data) == fingerprint(again) != fingerprint(other)
