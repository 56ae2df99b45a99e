"""Writes files whole or not at all, and says what a full disk left undone.

Pure Python; everything that the zoo writes goes through here.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_REASONS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Describes what stops a file or folder from being written.

    Keras, h5py, TensorFlow and pyarrow report a full disk each by an error of their
    own, some of them by a plain `RuntimeError`.

    Args:
        path: the file or folder.

    Raises:
        OSError: instead of such an error; others pass.
    """
    try:
        yield
    except Exception as error:
        reason = reason_of(error)
        if isinstance(error, Unwritten) or not reason:
            raise
        raise Unwritten(
            f"{path} must be written whole. Accepted: a place that can be written, "
            f"with room for it. Received: {reason}; nothing of it was kept, and what "
            "was there before is as it was."
        ) from error


class Unwritten(OSError):
    """A file or folder could not be written whole."""


def reason_of(error: Exception) -> str:
    """Returns why something could not be written, or "" for errors of another kind.

    Example:
        >>> reason_of(RuntimeError("h5py: errno = 28, No space left on device"))
        'No space left on device'
        >>> reason_of(ValueError("shapes differ"))
        ''
    """
    if isinstance(error, OSError) and error.errno in _REASONS:
        return error.strerror or os.strerror(error.errno)
    for code in _REASONS:
        if os.strerror(code) in str(error):
            return os.strerror(code)
    return ""


@contextmanager
def replaced(path: str | Path) -> Iterator[Path]:
    """Gives the path of a file to write, which then takes the place of `path` at once.

    Args:
        path: what appears whole; its folder is created.

    Yields:
        A path in the same folder and with the same ending. If writing it fails, it is
        removed and `path` stays as it was.

    Raises:
        OSError: if it cannot be written; see `writing`.

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> with replaced(folder / "a.txt") as partial:
        ...     _ = partial.write_text("whole")
        >>> [file.name for file in folder.iterdir()]
        ['a.txt']
    """
    path = Path(path)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Writes a text file, in UTF-8, whole or not at all; see `replaced`."""
    with replaced(path) as partial:
        partial.write_bytes(text.encode("utf-8"))


def append_text(path: str | Path, text: str) -> None:
    """Adds to a text file, whole or not at all."""
    path = Path(path)
    write_text(path, (path.read_text("utf-8") if path.exists() else "") + text)


@contextmanager
def replaced_folder(folder: str | Path) -> Iterator[Path]:
    """Gives an empty folder to fill, which then takes the place of `folder`.

    Args:
        folder: what appears whole; the folder around it is created.

    Yields:
        A folder beside it. If filling it fails, it is removed and `folder` stays as it
        was.

    Raises:
        OSError: if it cannot be written; see `writing`.
    """
    folder = Path(folder)
    with writing(folder):
        with partial_folder(folder) as partial:
            yield partial
            replace_folder(folder, partial)


@contextmanager
def partial_folder(folder: Path) -> Iterator[Path]:
    """Makes an empty folder beside `folder`, and removes what is left of it."""
    missing = [parent for parent in folder.parents if not parent.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        partial.chmod(0o755)  # mkdtemp's 0700 would lock out other users
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        for parent in missing:  # from the innermost; one that is not empty stays
            try:
                parent.rmdir()
            except OSError:
                break


def replace_folder(folder: Path, new: Path) -> None:
    """Renames `new` to `folder`, and removes the old content last."""
    old = new.with_name(f"{new.name}-old")
    if folder.exists():
        os.rename(folder, old)
    try:
        os.rename(new, folder)
    except OSError:
        if old.exists():
            os.rename(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
