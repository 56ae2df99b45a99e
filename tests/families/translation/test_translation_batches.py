"""Batches of pairs: each pair once, within the tokens, alike after a restart."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.families.translation.batches import ROUND_TO, PairBatches


def random_pairs(count: int = 200, seed: int = 0):
    generator = np.random.default_rng(seed)

    def texts(least, start):
        lengths = generator.integers(least, 40, count)
        return [
            np.array([start, *generator.integers(4, 50, length - 1)], "int32")
            for length in lengths
        ]

    return texts(1, 3), texts(2, 2)


def rows_of(batches) -> list:
    return [row for rows, _ in batches.batches for row in rows]


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_pair_once_within_the_tokens(shuffle):
    sources, targets = random_pairs()
    batches = PairBatches(sources, targets, batch_tokens=160, shuffle=shuffle)
    assert sorted(rows_of(batches)) == list(range(200))
    real = padded = 0
    for index, (rows, _) in enumerate(batches.batches):
        inputs, labels, weights = batches[index]
        for name, texts in (("source", sources), ("target", targets)):
            array = inputs[name]
            assert array.size <= 160 and array.dtype == "int32"
            padded += array.size
            for place, row in enumerate(rows):
                text = texts[row][: -1 if name == "target" else None]
                real += len(text)
                np.testing.assert_array_equal(array[place, : len(text)], text)
                assert not array[place, len(text) :].any()
        for place, row in enumerate(rows):
            length = len(targets[row]) - 1
            np.testing.assert_array_equal(labels[place, :length], targets[row][1:])
            assert weights[place].tolist() == [1.0] * length + [0.0] * (
                labels.shape[1] - length
            )
    assert padded < 1.6 * real  # 2.0 in the order of the file


def test_epochs_differ_but_not_in_number_nor_after_a_restart():
    given = random_pairs()
    options = {"batch_tokens": 160, "shuffle": True, "seed": 5}
    batches = PairBatches(*given, **options)
    orders = []
    for epoch in range(4):
        batches.start_at(epoch)
        orders.append(rows_of(batches))
        assert len(batches) == len(PairBatches(*given, **options))
    assert len({tuple(order) for order in orders}) == 4
    fresh = PairBatches(*given, **options)
    fresh.start_at(3)
    assert rows_of(fresh) == orders[3]
    other = PairBatches(*given, **{**options, "seed": 6})
    assert rows_of(other) != orders[0]


def test_epochs_deal_like_pairs_out_anew():
    sources = [np.array([5] * 8)] * 40
    batches = PairBatches(sources, sources, batch_tokens=64, shuffle=True)
    sets = []
    for epoch in range(2):
        batches.start_at(epoch)
        sets.append({frozenset(rows.tolist()) for rows, _ in batches.batches})
    assert sets[0] != sets[1] and {len(batch) for batch in sets[0]} == {8}


def test_a_long_pair_is_a_batch_by_itself():
    sources = [np.ones(n, "int32") for n in (2, 500, 3)]
    batches = PairBatches(sources, sources, batch_tokens=4 * ROUND_TO)
    assert [rows.tolist() for rows, _ in batches.batches] == [[0, 2], [1]]
    with pytest.raises(ValueError, match="`sources` must hold at least one"):
        PairBatches([], [], batch_tokens=8)


@pytest.mark.parametrize("shuffle", [True, False])
def test_buckets_give_few_shapes_and_lose_nothing(shuffle):
    sources, targets = random_pairs()
    options = {"batch_tokens": 160, "shuffle": shuffle, "buckets": 3}
    batches = PairBatches(sources, targets, **options)
    assert sorted(rows_of(batches)) == list(range(200))
    shapes, tokens = set(), 0
    for index in range(len(batches)):
        inputs, labels, weights = batches[index]
        arrays = [inputs["source"], inputs["target"], labels, weights]
        [shape] = {array.shape for array in arrays}
        shapes.add(shape)
        tokens += int(weights.sum())
        assert shape[0] * shape[1] <= 160
        np.testing.assert_array_equal(weights > 0, labels > 0)
    assert len(shapes) == 3
    assert tokens == sum(len(target) - 1 for target in targets)
