"""Packs a saved model into a few megabytes, and unpacks it. Loads no TensorFlow.

A saved model is the folder that `zoo.TextModel.save` writes. Its package holds the same
files, but its weights are rounded: the rows of large tables to int8 with a scale each,
other large arrays to float16. Of a table that began as the shipped vectors of the
model's words only the rows that differ from them are stored. The state of the optimizer
is left out.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo._lazy import numpy as np
from zoo.data.download import hashes_of
from zoo.weights.shipped import WIDTHS, read_vectors
from zoo.weights.writing import rounded

MODEL, METADATA, PIPELINE = "model.keras", "metadata.json", "pipeline"
WEIGHTS, CONFIG, ORIGIN = "weights.npz", "config.json", "keras.json"
# Members of a `.keras` file, which is a zip.
_WEIGHTS, _CONFIG, _ORIGIN = "model.weights.h5", "config.json", "metadata.json"
_OPTIMIZER = "optimizer/"
_VALUES, _SCALE, _SHIPPED, _ROWS = ":values", ":scale", ":shipped", ":rows"
_WORDS = (f"{PIPELINE}/vocab.txt", f"{PIPELINE}/words.txt")  # the latter of taggers
# Tables of at least so many rows and columns are stored as int8; smaller arrays than
# that many values as they are.
LEAST_ROWS, LEAST_COLUMNS, LEAST_VALUES = 4096, 16, 4096
_MOST_ROWS = 0.9  # share of rows that may differ from shipped ones


def pack(model: Path, package: Path) -> None:
    """Writes the package of a saved model.

    Args:
        model: folder of the saved model.
        package: folder to write, which must not exist.
    """
    package.mkdir(parents=True)
    with zipfile.ZipFile(model / MODEL) as archive:
        (package / CONFIG).write_bytes(archive.read(_CONFIG))
        (package / ORIGIN).write_bytes(archive.read(_ORIGIN))
        arrays = dict(_arrays(archive.read(_WEIGHTS)))
    packed: dict[str, Any] = {}
    words = _words_of(model)
    for path, array in arrays.items():
        packed.update(_without_shipped(path, rounded_array(path, array), words))
    np.savez_compressed(package / WEIGHTS, **packed)
    shutil.copytree(model / PIPELINE, package / PIPELINE)
    metadata = json.loads((model / METADATA).read_text("utf-8"))
    metadata.pop("sha256", None)  # of files that the package does not hold
    text = json.dumps(metadata, indent=1, ensure_ascii=False)
    (package / METADATA).write_text(text + "\n", "utf-8")


def unpack(package: Path, model: Path) -> None:
    """Writes the saved model of a package, with float32 weights.

    Args:
        package: folder that `pack` wrote.
        model: folder to write, which must not exist.
    """
    model.mkdir(parents=True)
    with np.load(package / WEIGHTS, allow_pickle=False) as file:
        packed = {name: file[name] for name in file.files}
    weights = _h5(packed, _words_of(package))
    with zipfile.ZipFile(model / MODEL, "w") as archive:
        archive.writestr(_ORIGIN, (package / ORIGIN).read_bytes())
        archive.writestr(_CONFIG, (package / CONFIG).read_bytes())
        archive.writestr(_WEIGHTS, weights)
    shutil.copytree(package / PIPELINE, model / PIPELINE)
    metadata = json.loads((package / METADATA).read_text("utf-8"))
    metadata["sha256"] = hashes_of(model)
    text = json.dumps(metadata, indent=2, ensure_ascii=False)
    (model / METADATA).write_text(text, "utf-8")


def rounded_array(path: str, array: np.ndarray) -> dict[str, np.ndarray]:
    """Returns how an array is stored, by name.

    A row `r` of a large table is stored as `round(r / s)` with `s = max|r| / 127`.

    Args:
        path: its name.
        array: its values.

    Example:
        >>> stored = rounded_array("table", np.ones((5000, 20), "float32"))
        >>> {name: str(values.dtype) for name, values in stored.items()}
        {'table:values': 'int8', 'table:scale': 'float16'}
        >>> rounded_array("bias", np.ones(3, "float32"))["bias"].dtype
        dtype('float32')
    """
    if array.dtype.kind != "f" or array.size < LEAST_VALUES:
        return {path: array}
    if array.ndim == 2 and array.shape[0] >= LEAST_ROWS:
        if array.shape[1] >= LEAST_COLUMNS:
            values, scale = rounded(array, axis=1)
            return {path + _VALUES: values, path + _SCALE: scale}
    with np.errstate(over="ignore"):
        half = array.astype("float16")
    return {path: half if np.isfinite(half).all() else array}


def _without_shipped(path: str, stored: dict, words: Sequence[str]) -> dict:
    """Leaves out the rows of a stored table that equal those of shipped vectors.

    Rows that no training text changed are exactly those of the shipped file, which has
    the same rounding.
    """
    if path + _VALUES not in stored:
        return stored
    values, scale = stored[path + _VALUES], stored[path + _SCALE]
    for name, width in WIDTHS.items():
        if values.shape != (len(words), width):
            continue
        differs = (_table(values, scale) != _shipped_table(name, words)).any(axis=1)
        rows = np.flatnonzero(differs).astype("int32")
        if len(rows) <= _MOST_ROWS * len(values):
            return {
                path + _SHIPPED: np.array(name),
                path + _ROWS: rows,
                path + _VALUES: values[rows],
                path + _SCALE: scale[rows],
            }
    return stored


def _table(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return values.astype("float32") * scale.astype("float32")


def _shipped_table(name: str, words: Sequence[str]) -> np.ndarray:
    """Returns the vectors of a model's words, zero for those that the set lacks."""
    return read_vectors(name, words, scale=0.0)[0]


def _words_of(folder: Path) -> list[str]:
    """Returns a model's vocabulary of words; none for a model that reads no words."""
    for place in _WORDS:
        if (folder / place).is_file():
            return (folder / place).read_text("utf-8").split("\n")[:-1]
    return []


def restored_arrays(
    packed: dict[str, np.ndarray], words: Sequence[str] = ()
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the arrays of a package by name, floating-point ones in float32.

    Args:
        packed: what is stored.
        words: the model's vocabulary, for tables that began as shipped vectors.
    """
    for name, array in packed.items():
        if name.endswith((_SCALE, _ROWS, _SHIPPED)):
            continue
        if name.endswith(_VALUES):
            name = name.removesuffix(_VALUES)
            array = _table(array, packed[name + _SCALE])
            if name + _SHIPPED in packed:
                table = _shipped_table(str(packed[name + _SHIPPED]), words)
                table[packed[name + _ROWS]] = array
                array = table
        yield name, array.astype("float32") if array.dtype.kind == "f" else array


def _arrays(weights: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the datasets of an HDF5 file by path, without the optimizer's."""
    import h5py

    found: dict[str, np.ndarray] = {}

    def keep(path: str, item) -> None:
        if isinstance(item, h5py.Dataset) and not path.startswith(_OPTIMIZER):
            found[path] = np.asarray(item)

    with h5py.File(io.BytesIO(weights), "r") as file:
        file.visititems(keep)
    yield from found.items()


def _h5(packed: dict[str, np.ndarray], words: Sequence[str]) -> bytes:
    import h5py

    written = io.BytesIO()
    with h5py.File(written, "w") as file:
        for path, array in restored_arrays(packed, words):
            file.create_dataset(path, data=array)
    return written.getvalue()
