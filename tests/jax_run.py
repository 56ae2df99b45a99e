"""Runs test files once more on JAX, in a process without TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

# JAX compiles every step anyway (8); the trainings of 9 and 10, what runs over many
# shapes, second checks of the same gradients, and models in half precision (7), which
# the layers' tests cover, take minutes there. Configurations (1) and how missing labels
# weigh are the same code on every backend.
NOT_HERE = (
    "not test_1_ and not test_7 and not test_8 and not test_9 and not nothing_to_do "
    "and not masked_tokens and not depend_on_the_batch and not balance_losses "
    "and not without_any_label and not padding_changes_no_gradient "
    "and not mixed_float16 and not missing_label"
)
# Small arrays, many shapes: nearly all time goes into compiling, and a third of it into
# optimising what runs once.
QUICK_TO_COMPILE = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}


def run_on_jax(*files: str) -> None:
    """Fails with the end of pytest's output if a test of `files` fails on JAX."""
    if keras.backend.backend() == "jax":
        pytest.skip("this is the JAX run")
    pytest.importorskip("jax")
    folder = Path(__file__).parent
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-m",
            "not tensorflow",
            "-k",
            NOT_HERE,
            "-n",
            "0",
            "-p",
            "no:cacheprovider",
            *(str(folder / file) for file in files),
        ],
        env={**os.environ, **QUICK_TO_COMPILE, "KERAS_BACKEND": "jax"},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
