"""What a teacher gives on disk: computed once, in chunks, and mapped into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from zoo.data.download import cache_folder
from zoo.families.encoding.teacher import Teacher
from zoo.text.writing import replaced
from zoo.training.checkpoint import fingerprint

CHUNK = 4096  # texts; a pass that was killed repeats at most so many
_ALL = "vectors.npy"

Say = Callable[[str], object]


def teacher_vectors(
    teacher: Teacher,
    texts: Sequence[str],
    *,
    folder: str | Path | None = None,
    say: Say | None = None,
    chunk: int = CHUNK,
) -> np.ndarray:
    """Returns the teacher's vectors of some texts, from the cache if they are there.

    The vectors lie in a folder named after the sha256 of the teacher, its tokenizer and
    the texts; see `kept`.

    Args:
        teacher: the teacher.
        texts: at least one.
        folder: of the cache; by default `teachers` in `ZOO_CACHE`.
        say: receives a line after each chunk, when there are several.
        chunk: texts of a chunk.

    Returns:
        float16 `[texts, width]`, mapped into memory and read-only.

    Raises:
        ValueError: for vectors that are not finite; see `Teacher`.
        OSError: if the folder cannot be written.
    """
    identity = [*teacher.digests, teacher.max_length, chunk, list(texts)]
    starts = range(0, len(texts), chunk)

    def read(number: int) -> np.ndarray:
        start = starts[number]
        return teacher(texts[start : start + chunk], first=start)

    return kept(
        place_of(identity, folder),
        [min(chunk, len(texts) - start) for start in starts],
        teacher.width,
        read,
        lambda number: tell(say, "texts", starts[number] + chunk, len(texts), chunk),
    )


def place_of(identity: list, folder: str | Path | None = None) -> Path:
    """Returns the folder of the cache for what depends on these values."""
    return Path(folder or cache_folder() / "teachers") / fingerprint(identity)[:32]


def tell(say: Say | None, what: str, done: int, total: int, chunk: int) -> None:
    """Says how far a pass of several chunks has come."""
    if say and total > chunk:
        say(f"Teacher: {min(done, total):,} of {total:,} {what}")


def kept(
    place: Path,
    sizes: Sequence[int],
    width: int,
    compute: Callable[[int], np.ndarray],
    done: Callable[[int], object] = lambda number: None,
) -> np.ndarray:
    """Returns the rows of all chunks, computed now or earlier.

    Each chunk is a file that appears complete or not at all, so a pass that was killed
    continues after its last complete chunk; at the end they become one file.

    Args:
        place: folder of these rows, and of nothing else.
        sizes: rows of each chunk.
        width: width of a row.
        compute: returns the rows of a chunk by its number, float16 `[rows, width]`.
        done: is called with the number of each chunk that was computed.

    Returns:
        float16 `[rows, width]`, mapped into memory and read-only.

    Raises:
        OSError: if the folder cannot be written.
    """
    shape = sum(sizes), width
    found = _read(place / _ALL, shape)
    if found is not None:
        return found
    files = [place / f"chunk-{number:06d}.npy" for number in range(len(sizes))]
    try:
        for number, (file, size) in enumerate(zip(files, sizes, strict=True)):
            if _read(file, (size, width)) is None:
                _write(file, compute(number))
                done(number)
        _join(place / _ALL, files, shape)
        for file in [*files, *place.glob(".partial-*")]:
            file.unlink(missing_ok=True)
    except FileNotFoundError:  # another process finished first, and removed the parts
        if _read(place / _ALL, shape) is None:
            raise
    return np.load(place / _ALL, mmap_mode="r", allow_pickle=False)


def _read(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """Maps a file; `None` if it is missing or damaged, so that it is made again."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape and found.dtype == np.float16 else None


def _write(path: Path, vectors: np.ndarray) -> None:
    with replaced(path) as partial:
        np.save(partial, vectors)


def _join(path: Path, files: Sequence[Path], shape: tuple[int, int]) -> None:
    """Writes the rows of all files, unmapped: a full disk kills who writes to a map."""
    described = {"descr": "<f2", "fortran_order": False, "shape": shape}
    with replaced(path) as partial, partial.open("wb") as joined:
        np.lib.format.write_array_header_1_0(joined, described)
        for file in files:
            part = np.load(file, mmap_mode="r", allow_pickle=False)
            joined.write(np.ascontiguousarray(part, "<f2").data)
