"""Files that let a run continue: written atomically, read with a remedy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from zoo.text.objects import read_object
from zoo.text.writing import write_text


def write_json(path: Path, value) -> None:
    """Writes a file whole or not at all; see `zoo.text.writing.replaced`."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False))


def read_json(path: Path, remedy: str) -> dict:
    """Reads a file that `write_json` wrote.

    Raises:
        ValueError: for a damaged file; see `intact`.
    """
    with intact(path, remedy):
        return read_object(path)


@contextmanager
def intact(path: Path, remedy: str) -> Iterator[None]:
    """Names a damaged file, and the remedy, when reading it fails.

    Args:
        path: path of the file.
        remedy: a sentence.

    Raises:
        ValueError: instead of the original error.

    Example:
        >>> with intact(Path("runs/a/state.json"), "Remove runs/a."):
        ...     json.loads("{")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: runs/a/state.json must be intact. Received: a damaged file \
(JSONDecodeError: Expecting ...). Remove runs/a.
    """
    try:
        yield
    except Exception as error:  # h5py and Keras raise many kinds
        lines = str(error).splitlines() or [""]
        raise ValueError(
            f"{path} must be intact. Received: a damaged file "
            f"({type(error).__name__}: {lines[0][:200]}). {remedy}"
        ) from error


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_names(hashes: Mapping) -> dict[str, str]:
    """Returns the sha256 of files by name, of names that stay in their folder.

    Raises:
        TypeError, ValueError: for something else.

    Example:
        >>> check_names({"../model.keras": "00"})
        Traceback (most recent call last):
        ValueError: its 'sha256' names '../model.keras'
    """
    for name, digest in dict(hashes).items():
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or not isinstance(digest, str):
            raise ValueError(f"its 'sha256' names {name!r}")
    return dict(hashes)


def check_file(path: Path, digest: str) -> None:
    """Raises a `ValueError` unless a file exists with this sha256."""
    found = sha256_of(path) if path.is_file() else "no file"
    if found != digest:
        raise ValueError(
            f"{path} must have the sha256 {digest} of the file that was saved. "
            f"Received: {found}; the file is missing, truncated or changed. Copy the "
            "folder again from an intact copy, or create it again."
        )
