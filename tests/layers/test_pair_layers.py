"""Layers of pairs of texts, against loops over rows."""

from __future__ import annotations

import keras
import numpy as np

from zoo.layers import PairFeatures, SplitPairs


def test_pairs_are_taken_apart_row_by_row():
    generator = np.random.default_rng(0)
    rows = []
    for _ in range(20):
        sizes = generator.integers(1, 5, 2)
        first, second = (generator.integers(4, 9, size) for size in sizes)
        rows.append((first, second))
    time = 12
    tokens = np.zeros((len(rows), time), "int32")
    for row, (first, second) in zip(tokens, rows):
        ids = [*first, 3, *second]
        row[: len(ids)] = ids
    both = keras.ops.convert_to_numpy(SplitPairs()(tokens))
    assert both.shape == (2 * len(rows), time)
    for place, pair in enumerate(rows):
        for found, side in zip(both[place :: len(rows)], pair, strict=True):
            assert found[: len(side)].tolist() == side.tolist()
            assert not found[len(side) :].any()


def test_a_row_without_a_mark_has_no_second_text():
    both = SplitPairs()(np.array([[5, 6, 7], [0, 0, 0], [5, 6, 3]]))
    found = keras.ops.convert_to_numpy(both).tolist()
    assert found[:3] == [[5, 6, 7], [0, 0, 0], [5, 6, 0]]
    assert found[3:] == [[0, 0, 0]] * 3


def test_the_features_of_a_pair():
    vectors = np.random.default_rng(1).normal(size=(6, 4)).astype("float32")
    found = keras.ops.convert_to_numpy(PairFeatures()(vectors))
    for row in range(3):
        u, v = vectors[row], vectors[row + 3]
        expected = np.concatenate([u, v, np.abs(u - v), u * v])
        np.testing.assert_allclose(found[row], expected, rtol=1e-6)
