"""Writes word vectors as the package ships them: int8, with a scale per word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo._lazy import numpy as np
from zoo.weights.shipped import FILE


def rounded(vectors: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Quantises to int8, with a float16 scale per row (`axis=1`) or column (0).

    The scale is rounded first, so that the values match the stored one.
    """
    scale = np.abs(vectors).max(axis=axis, keepdims=True) / 127
    scale = np.maximum(scale, 1e-6).astype("float16")
    values = np.round(vectors / scale.astype("float32"))
    return np.clip(values, -127, 127).astype("int8"), scale


def error_of(vectors: np.ndarray, values: np.ndarray, scale: np.ndarray) -> float:
    """Returns the root mean square rounding error, relative to that of the vectors."""
    again = values.astype("float32") * scale.astype("float32")
    return float(np.sqrt(np.mean((again - vectors) ** 2) / np.mean(vectors**2)))


def write(words: Sequence[str], vectors: np.ndarray, folder: Path) -> dict[str, float]:
    """Writes the file of vectors; returns the errors with scales per row and column.

    Args:
        words: the most frequent first.
        vectors: float32 `[words, width]`.
        folder: where `vectors.npz` is written.
    """
    values, scale = rounded(vectors, axis=1)
    folder.mkdir(parents=True, exist_ok=True)
    text = np.frombuffer("\n".join(words).encode("utf-8"), "uint8")
    # Uncompressed, so that the bytes do not depend on the version of zlib.
    np.savez(folder / FILE, words=text, values=values, scale=scale[:, 0])
    return {
        "row": error_of(vectors, values, scale),
        "column": error_of(vectors, *rounded(vectors, axis=0)),
    }
