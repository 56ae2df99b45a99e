"""The layer and model tests once more on JAX, in a process without TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

FILES = (
    "test_conformance.py",
    "test_convolution.py",
    "test_lstm.py",
    "test_models.py",
    "test_multitask_lstm.py",
    "test_ngrams.py",
    "test_pooling.py",
    "test_recurrence.py",
    "test_sampled_softmax.py",
)


# JAX compiles every step anyway (8), and the trainings of 9 and 10 take minutes there.
NOT_HERE = "not test_8 and not test_9"


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="this is the JAX run")
def test_layers_and_models_on_jax():
    pytest.importorskip("jax")
    folder = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "not tensorflow", "-k", NOT_HERE,
         "-n", "0", "-p", "no:cacheprovider", *(str(folder / file) for file in FILES)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
