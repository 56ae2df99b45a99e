"""What tensorflow-addons computed, from golden.npz, and how closely to compare."""

from __future__ import annotations

import functools
from pathlib import Path

import keras
import numpy as np
from keras import ops

HERE = Path(__file__).resolve().parent


@functools.cache
def golden(section: str) -> dict[str, np.ndarray]:
    """Arrays of one section of golden.npz, by name."""
    with np.load(HERE / "golden.npz", allow_pickle=False) as arrays:
        start = section + "/"
        return {
            name.removeprefix(start): arrays[name]
            for name in arrays.files
            if name.startswith(start)
        }


def close(actual, expected, tolerance: float = 1e-5) -> None:
    actual = keras.tree.map_structure(ops.convert_to_numpy, actual)
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def mask_of(lengths, time: int) -> np.ndarray:
    return np.arange(time) < lengths[:, None]
