"""Loads the Keras model of a folder that may come from a stranger: it runs no code."""

from __future__ import annotations

import math
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

import zoo.layers  # noqa: F401  (registers the layers that a saved model names)

# Bytes of content for each byte of a file, beyond those that any may have.
MOST_EXPANSION, FREE = 20, 2**28
_WIDTHS = {"float16": 2, "bfloat16": 2, "float64": 8, "int64": 8, "int8": 1, "bool": 1}
_ADD_WEIGHT, _ONE_AT_A_TIME = keras.layers.Layer.add_weight, threading.Lock()
_ACCEPTED = (
    "a `.keras` file with layers of Keras and of the zoo, and classes that modules in "
    "ZOO_PLUGINS register"
)


def load_keras(path: Path) -> keras.Model:
    """Returns the model of a `.keras` file, not compiled.

    Classes are looked up by name among those that are registered, and `Lambda` layers
    are refused: a file names no code that would run. Before memory is taken, the size
    that the archive declares is compared with that of the file, and the weights of the
    layers with the content of the archive; Keras compares those of each array.

    Args:
        path: the file.

    Raises:
        ValueError: for another file.
    """
    try:
        with _weights_of_at_most(_content(path)):
            return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras, h5py and zipfile raise many kinds
        lines = str(error).strip().splitlines() or [""]
        raise ValueError(
            f"{path} must hold a Keras model. Accepted: {_ACCEPTED}. Received: a file "
            f"that cannot be loaded ({type(error).__name__}: {lines[0][:200]})."
        ) from error


def _content(path: Path) -> int:
    """Returns the bytes that an archive declares.

    Raises:
        ValueError: for more than those of a model, which is hardly compressible.
    """
    with zipfile.ZipFile(path) as archive:
        declared = sum(member.file_size for member in archive.infolist())
    size = path.stat().st_size
    if declared > max(FREE, MOST_EXPANSION * size):
        raise ValueError(f"{size:,} bytes declare a content of {declared:,} bytes")
    return declared


@contextmanager
def _weights_of_at_most(most: int) -> Iterator[None]:
    """Stops this thread before a layer takes more memory for weights than `most` bytes.

    A configuration of a few letters can name a table of any size.
    """
    taken, thread = 0, threading.get_ident()

    def counted(self, *arguments, **options):
        nonlocal taken
        if threading.get_ident() == thread:
            shape = options.get("shape") or (*arguments, ())[0]
            kind = options.get("dtype") or self.variable_dtype
            width = _WIDTHS.get(keras.backend.standardize_dtype(kind), 4)
            taken += math.prod(shape) * width
            if taken > most:
                what = f"the weights up to {self.name!r} take {taken:,} bytes"
                raise ValueError(f"{what}, and the file holds {most:,}")
        return _ADD_WEIGHT(self, *arguments, **options)

    with _ONE_AT_A_TIME:
        keras.layers.Layer.add_weight = counted
        try:
            yield
        finally:
            keras.layers.Layer.add_weight = _ADD_WEIGHT
