"""Pre-trained word vectors from a text file, for the words of a vocabulary."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from zoo.data.errors import DataError, problem, shorten

NUM_SPECIALS = 4  # pad, unknown, begin, end: the first entries of every vocabulary


def read_vectors(
    path: str | Path,
    vocabulary: Sequence[str],
    *,
    seed: int = 0,
    scale: float = 0.25,
) -> tuple[np.ndarray, float]:
    """Reads the vectors of a vocabulary's words from a word2vec or GloVe text file.

    Each row of the file holds a word and its values, separated by spaces. The file may
    start with the header of word2vec and fastText (number of words, number of values)
    and may be gzipped. Words are compared exactly, case included; the first row of a
    repeated word counts.

    Args:
        path: the file, UTF-8.
        vocabulary: the words by id, such as `TextPipeline.vocabulary`; the first four
            are special.
        seed: seed of the vectors of words that the file lacks.
        scale: these are drawn from U[-scale, scale], as are the special ones; Kim 2014
            uses 0.25, near the variance of word2vec. The vector of padding is zero.

    Returns:
        A float32 matrix `[len(vocabulary), values]`, for the argument `vectors` of
        `text_cnn`, and the share of the words that are in the file.

    Raises:
        DataError: for a file without vectors, or, with its number, for a line that has
            too few or too many values or one that is not a finite number.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "vectors.txt")
        ...     _ = path.write_text("the 0.1 0.2\\ncat 0.3 0.4\\n")
        ...     words = ["[PAD]", "[UNK]", "[BEGIN]", "[END]", "cat", "dog"]
        ...     matrix, coverage = read_vectors(path, words)
        >>> matrix.shape, matrix[4].astype(float).round(3).tolist(), coverage
        ((6, 2), [0.3, 0.4], 0.5)
    """
    path = Path(path)
    wanted = {word.encode("utf-8"): id for id, word in enumerate(vocabulary)}
    for special in vocabulary[:NUM_SPECIALS]:
        wanted.pop(special.encode("utf-8"), None)
    found: dict[int, np.ndarray] = {}
    width, first = 0, b""
    for number, line in _lines(path):
        first = first or line.strip()
        if number == 1 and _is_header(line):
            width = int(line.split()[1])
            continue
        if not line.strip():
            continue
        width = width or _trailing_numbers(line)
        values = line.count(b" ") + line.count(b"\t")
        word = line.split(None, 1)[0]
        if values == width and word not in wanted:
            continue  # the common case: a word outside the vocabulary
        word, row = _row(path, number, line, width)
        if word in wanted and wanted[word] not in found:
            found[wanted[word]] = row
    if not width:
        raise DataError(
            problem(
                path,
                None,
                None,
                "holds no word vectors",
                "a word and its numbers, separated by spaces, on each line",
                _seen(first),
            )
        )
    matrix = random_vectors((len(vocabulary), width), seed=seed, scale=scale)
    for id, row in found.items():
        matrix[id] = row
    return matrix, len(found) / max(len(vocabulary) - NUM_SPECIALS, 1)


def random_vectors(
    shape: tuple[int, int], *, seed: int = 0, scale: float = 0.25
) -> np.ndarray:
    """Returns random float32 vectors for the entries of a vocabulary.

    Args:
        shape: entries and values.
        seed: seed of the draw.
        scale: all are drawn from U[-scale, scale], except padding, which is zero.
    """
    matrix = np.random.default_rng(seed).uniform(-scale, scale, shape)
    matrix[:1] = 0.0
    return matrix.astype("float32")


def _seen(line: bytes) -> str:
    """Describes a file without vectors by its first line."""
    if not line:
        return "an empty file"
    shown = shorten(line.decode("utf-8", "replace"))
    for mark, name in ((b",", "commas"), (b";", "semicolons")):
        if line.count(mark) >= 2:
            return f"lines such as {shown}, with {name} between the values"
    return f"lines such as {shown}"


def _check_text(path: Path, start: bytes) -> None:
    """Raises for vectors in other kinds of files."""
    kinds = {
        b"PK\x03\x04": "a zip archive; unpack it first",
        b"\x93NUMPY": "a NumPy array, which holds no words",
        b"BZh": "a bzip2 file; unpack it first",
        b"\xfd7zXZ": "an xz file; unpack it first",
        b"PAR1": "a Parquet file",
        b"\x89HDF": "an HDF5 file",
    }
    received = [name for mark, name in kinds.items() if start.startswith(mark)]
    header, _, rest = start.partition(b"\n")
    if not received and _is_header(header) and b"\0" in rest:
        received = ["the binary format of word2vec; save it as text"]
    if received:
        raise DataError(
            problem(
                path,
                None,
                None,
                "holds no word vectors as text",
                "a word2vec or GloVe text file, plain or gzipped",
                received[0],
            )
        )


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields numbered lines from 1, without line ends."""
    with path.open("rb") as file:
        start = file.read(4096)
    compressed, number = start.startswith(b"\x1f\x8b"), 0
    _check_text(path, start)
    with gzip.open(path) if compressed else path.open("rb") as file:
        try:
            for number, line in enumerate(file, start=1):
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                yield number, line.rstrip(b" \t\r\n")
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(
                problem(
                    path,
                    number + 1,
                    None,
                    "cannot be decompressed",
                    "a complete gzip file",
                    f"one that is truncated or damaged ({error})",
                )
            ) from None


def _is_header(line: bytes) -> bool:
    fields = line.split()
    return len(fields) == 2 and all(field.isdigit() for field in fields)


def _is_number(field: bytes) -> bool:
    try:
        return math.isfinite(float(field))
    except ValueError:
        return False


def _trailing_numbers(line: bytes) -> int:
    """Returns the values of the first row: the numbers at its end."""
    count = 0
    for field in reversed(line.split()[1:]):
        if not _is_number(field):
            break
        count += 1
    return count


def _row(path: Path, number: int, line: bytes, width: int) -> tuple[bytes, np.ndarray]:
    """Returns the word, which may hold spaces, and its values."""
    fields = line.split()
    first = len(fields) - width
    bad = [field for field in fields[max(first, 1) :] if not _is_number(field)]
    # "new york 0.1 ..." is a word with a space; "york 0.1 0.2 ..." has values too many.
    too_many = first > 1 and all(_is_number(field) for field in fields[1:first])
    if not width or first < 1 or too_many or bad:
        received = f"{len(fields) - 1} values"
        if bad:
            received = shorten(bad[0].decode("utf-8", "replace"))
        raise DataError(
            problem(
                path,
                number,
                None,
                "is not a row of word vectors",
                f"a word and {width or 'its'} numbers separated by spaces, as text",
                received,
            )
        )
    return b" ".join(fields[:first]), np.array(fields[first:], "float32")
