"""`zoo train --distribute`: the whole command in processes, against one process."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from saved import ROOT

TINY = ["weights=none", "embedding_dim=8", "least_steps=1", "buckets=1"]


def train(model: str, table: Path, out: Path, *options: str) -> dict:
    """Runs the command, and returns the results of its run."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": str(ROOT),
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    command = [sys.executable, "-m", "zoo.cli", "train", model, "--data", table]
    command += ["--out", out, "--no-export", "--epochs", "2", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count(f"Report: {out}") == 1  # by the first process alone
    assert not (out / "checkpoints").exists()
    return json.loads((out / "results.json").read_text())


def epochs_of(results: dict) -> list[float]:
    """The perplexity of each epoch, or the loss, of the validation part."""
    if "curve" in results:
        return [perplexity for _, perplexity in results["curve"]]
    return [logs["val_loss"] for logs in results["history"]]


@pytest.fixture
def table(tmp_path):
    draw, rows = random.Random(0), ["text,label"]
    for number in range(160):
        words = draw.choices(["up", "down", "left", "right"], k=5)
        rows.append(f"{' '.join(words)} {number},{words[0]}")
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("lstm_lm", ["units=8", "embedding_dim=8"]),
        pytest.param(
            "text_cnn", ["maps=4", "windows=[2]", *TINY], marks=pytest.mark.release
        ),
    ],
)
def test_two_processes_train_as_one(model, settings, table, tmp_path):
    pytest.importorskip("jax")
    found = [
        train(model, table, tmp_path / name, *options, "--set", *settings)
        for name, options in (
            ("two", ["--distribute", "data", "--processes", "2"]),
            ("one", []),
        )
    ]
    two, one = map(epochs_of, found)
    assert two == pytest.approx(one, rel=1e-4) and len(two) == 2
