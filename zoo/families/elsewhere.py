"""The export of a model that was trained on another backend than TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras

from zoo.serving import ExportError

_EXPORT = """
import json, os, sys
run, to, texts = sys.argv[1:]
from zoo.api.start import load_tensorflow
load_tensorflow()
import zoo
with open(texts, encoding="utf-8") as file:
    texts = json.load(file)
print(zoo.export(run, to, examples=texts))
"""


def on_tensorflow() -> bool:
    """Returns whether Keras runs on TensorFlow, in whose graphs exports are."""
    return keras.backend.backend() == "tensorflow"


def export_on_tensorflow(run: Path, to: Path, texts: Sequence) -> Path:
    """Exports a saved run in a process of its own, whose backend is TensorFlow.

    A SavedModel holds TensorFlow's graphs, which Keras on JAX cannot trace.

    Args:
        run: folder of the run.
        to: folder of the versions.
        texts: examples for the warmup and the check.

    Returns:
        The folder of the new version.

    Raises:
        ExportError: with the message of the process, if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        path = Path(folder, "texts.json")
        path.write_text(json.dumps(list(texts)), "utf-8")
        done = subprocess.run(
            [sys.executable, "-c", _EXPORT, str(run), str(to), str(path)],
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ExportError(
            "The export must succeed on TensorFlow. Accepted: `zoo export` of the run, "
            f"which is complete in {run}. Received: {last}"
        )
    return Path(done.stdout.splitlines()[-1])
