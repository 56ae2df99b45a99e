"""Runs an exported file on token ids in Python, with the runtime of the device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from zoo.edge import RUNTIMES, litert, onnx
from zoo.serving.folders import described, opener
from zoo.text.objects import DAMAGES, read_object
from zoo.training.kept import check_file, check_names

FORMAT, FORMAT_VERSION = "zoo edge model", 1
METADATA = "metadata.json"
_KINDS = {"runtime": str, "files": dict, "input": dict, "tasks": dict}
MODULES = dict(zip(RUNTIMES, (litert, onnx)))


class EdgeModel:
    """Loads an export of `zoo.edge.export`; needs neither Keras nor TensorFlow to run.

    Several threads may use it at once.

    Args:
        folder: folder of the export.
        int8: whether to use the file with 8-bit weights.

    Call arguments:
        rows: any iterable of the ids of each text, of any length; ids beyond `length`
            are ignored.

    Returns:
        Dict from output, see `metadata["tasks"]`, to float32 scores
        `[texts, outputs]`.

    Raises:
        ValueError: if the folder does not hold such an export or file, or a file is
            damaged.

    Example:
        >>> EdgeModel("edge/bilstm")([[17, 4, 9], [5]])  # doctest: +SKIP
        {'scores': array([[0.02, 0.98], [0.71, 0.29]], dtype=float32)}
    """

    def __init__(self, folder: str | Path, *, int8: bool = False) -> None:
        folder = Path(folder)
        self.metadata = read_metadata(folder)
        module = MODULES[self.metadata["runtime"]]
        name = file_name(module, int8=int8)
        if name not in self.metadata["files"]:
            raise ValueError(
                f"`int8` must name a file of the export {folder}. Accepted: "
                f"{', '.join(self.metadata['files'])}. Received: int8={int8!r}, {name}."
            )
        check_file(folder / name, self.metadata["files"][name]["sha256"])
        self.length = self.metadata["input"]["length"]
        self._run = module.Runner(folder / name, self.length)

    def __call__(self, rows: Iterable[Sequence[int]]) -> dict[str, np.ndarray]:
        cut = [self._ids(row, place) for place, row in enumerate(rows)]
        if not cut:
            return {
                task["output"]: np.zeros((0, len(task["labels"]) or 1), "float32")
                for task in self.metadata["tasks"].values()
            }
        tokens = np.zeros((len(cut), max(map(len, cut))), "int32")
        for place, row in enumerate(cut):
            tokens[place, : len(row)] = row
        return self._run(tokens)

    def _ids(self, row: Sequence[int], place: int) -> np.ndarray:
        ids = np.asarray(row)
        if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
            raise ValueError(
                f"`rows[{place}]` must be the ids of a text, whole numbers. "
                f"Received: {row!r}."
            )
        return ids[: self.length].astype("int32")


def file_name(module, *, int8: bool) -> str:
    """Returns the name of the model file in an export."""
    return f"model{'_int8' if int8 else ''}{module.SUFFIX}"


def read_metadata(folder: Path) -> dict:
    """Reads an export's `metadata.json`.

    Raises:
        ValueError: if it is missing, broken or of another format.
    """
    path = folder / METADATA
    found: tuple | str | None
    try:
        metadata = read_object(path, _KINDS)
        found = metadata["format"], metadata["format_version"]
        if found == (FORMAT, FORMAT_VERSION):
            found = _complete(metadata) or found
    except (FileNotFoundError, NotADirectoryError):
        found = None
    except DAMAGES as error:
        found = repr(error)
    if found != (FORMAT, FORMAT_VERSION):
        own = found and (FORMAT in found or not opener(folder))
        raise ValueError(
            "`folder` must hold an export of `zoo export --edge`, format version "
            f"{FORMAT_VERSION}. Received: "
            + (f"{path} ({found})." if own else described(folder))
        )
    return metadata


def _complete(metadata: dict) -> str:
    """Returns what the metadata lack, or "".

    Raises:
        KeyError, TypeError, ValueError: for values of other types.
    """
    check_names({n: file["sha256"] for n, file in metadata["files"].items()})
    length, runtime = metadata["input"]["length"], metadata["runtime"]
    if runtime not in MODULES or not isinstance(length, int) or length < 1:
        return f"the runtime {runtime!r} and the length {length!r}"
    return ""
