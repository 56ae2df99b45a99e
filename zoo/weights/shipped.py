"""Reads the shipped word vectors: one file per set, arrays without pickle."""

from __future__ import annotations

import functools
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from zoo._lazy import numpy as np
from zoo.text.vocabulary import SPECIALS

# Values per vector of each set.
WIDTHS = {"english": 256, "glove-en": 100}
NAMES = tuple(WIDTHS)
# What `AUTO` takes for an embedding, and for a linear part. There wide vectors cost
# nothing: once it is fitted, each word has one number for each label.
DEFAULT, LINEAR = "glove-en", "english"
# Values of a setting: no shipped vectors, or those that suit the training texts.
NONE, AUTO = "none", "auto"
FILE = "vectors.npz"
_FOLDER = Path(__file__).parent
# Errors of NumPy for files that are missing, truncated, changed, or of another kind.
_DAMAGES = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    MemoryError,  # a header may declare any size
    zlib.error,
    zipfile.BadZipFile,
)


def read_vectors(
    name: str,
    vocabulary: Sequence[str],
    *,
    seed: int = 0,
    scale: float = 0.25,
) -> tuple[np.ndarray, float]:
    """Reads the vectors of a vocabulary's words from shipped ones.

    The result equals that of `zoo.data.vectors.read_vectors` on a file with the same
    vectors: words are compared exactly, and those of both sets are in lower case.

    Args:
        name: one of `NAMES`.
        vocabulary: the words by id, such as `TextPipeline.vocabulary`; the first four
            are special.
        seed: seed of the vectors of words that the set lacks.
        scale: these are drawn from U[-scale, scale], as are the special ones. The
            vector of padding is zero.

    Returns:
        A float32 matrix `[len(vocabulary), width]`, and the share of the words that are
        in the set.

    Raises:
        ValueError: for an unknown name, or a file that is missing or damaged.

    Example:
        >>> words = ["[PAD]", "[UNK]", "[BEGIN]", "[END]", "cat", "qwxyz"]
        >>> matrix, coverage = read_vectors("glove-en", words)
        >>> matrix.shape, coverage
        ((6, 100), 0.5)
    """
    # Here, so that the names of shipped vectors are available without NumPy.
    from zoo.data.vectors import NUM_SPECIALS, random_vectors

    rows, values, row_scale = _load(name)
    places = [rows.get(word, -1) for word in vocabulary]
    places[:NUM_SPECIALS] = [-1] * len(places[:NUM_SPECIALS])
    ids = np.flatnonzero(np.array(places, "int64") >= 0)
    found = np.array(places, "int64")[ids]
    shape = len(vocabulary), values.shape[1]
    matrix = random_vectors(shape, seed=seed, scale=scale)
    matrix[ids] = values[found].astype("float32") * row_scale[found, None]
    return matrix, len(ids) / max(len(vocabulary) - NUM_SPECIALS, 1)


def known_words(name: str) -> tuple[str, ...]:
    """Returns the words that have a vector in a set, the most frequent first.

    Raises:
        ValueError: as `read_vectors`.

    Example:
        >>> "the" in known_words("glove-en"), len(known_words("glove-en"))
        (True, 40000)
    """
    return tuple(_load(name)[0])


def vocabulary(name: str) -> list[str]:
    """Returns the vocabulary of a set: the special tokens, then its words.

    `zoo.TextPipeline` reads texts with it, and `zoo.get(..., weights=name)` builds a
    model for it.

    Raises:
        ValueError: as `read_vectors`.

    Example:
        >>> words = vocabulary("glove-en")
        >>> words[:5], len(words)
        (['[PAD]', '[UNK]', '[BEGIN]', '[END]', 'the'], 40004)
    """
    return [*SPECIALS, *known_words(name)]


def _load(name: str) -> tuple[dict[str, int], np.ndarray, np.ndarray]:
    if name not in NAMES:
        raise ValueError(
            "`name` must be a set of word vectors shipped with the package. "
            f"Accepted: {', '.join(NAMES)}. Received: {name!r}."
        )
    return load_file(_FOLDER / name / FILE, WIDTHS[name])


@functools.lru_cache(maxsize=2)
def load_file(path: Path, width: int) -> tuple[dict[str, int], np.ndarray, np.ndarray]:
    """Returns the content of a file of vectors, which callers must not change.

    Returns:
        The row of each word, int8 values `[words, width]`, and the float32 scale
        `[words]` of each row.

    Raises:
        ValueError: for a file that is missing, damaged, or of another kind.
    """
    try:
        with np.load(path, allow_pickle=False) as file:  # each array has a checksum
            text, values, scale = (file[key] for key in ("words", "values", "scale"))
        words = text.tobytes().decode("utf-8").split("\n")
        rows = {word: row for row, word in enumerate(words)}
        if (
            values.dtype != "int8"
            or values.shape != (len(words), width)
            or scale.shape != (len(words),)
            or len(rows) != len(words)
        ):
            raise ValueError(
                f"{len(words)} words, {len(rows)} different ones, "
                f"{values.dtype} values {list(values.shape)}, {len(scale)} scales"
            )
    except _DAMAGES as error:
        raise _damaged(path, width, error) from None
    return rows, values, scale.astype("float32")


def _damaged(path: Path, width: int, error: Exception) -> ValueError:
    return ValueError(
        f"{path} cannot be read; install the package again. Accepted: words, int8 "
        f"values [words, {width}] and scales [words], as zoo.weights.writing writes "
        f"them. Received: {type(error).__name__}: {error}."
    )
