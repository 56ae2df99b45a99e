"""Rows on disk: each epoch reads every row once, in an order that a restart repeats."""

import numpy as np
import pytest

from zoo.training.batching import TokenBatches
from zoo.training.shards import ShardedBatches, Shards

ROWS = 60


@pytest.fixture
def shards(tmp_path):
    shards = Shards(tmp_path, 3, seed=0)
    for start in range(0, ROWS, 20):
        numbers = np.arange(start, start + 20)
        tokens = [np.full(1 + n % 5, n + 1, "int32") for n in numbers]
        pairs = np.stack([numbers, -numbers], axis=1).astype("float32")
        shards.add(tokens, {"pair": pairs, "number": numbers})
    return shards


def batches_of(shards):
    def load(number):
        shard = shards.read(number)
        weights = {"a": np.ones(len(shard.tokens))}
        targets = {"a": shard.columns["number"]}
        options = {"batch_size": 4, "buckets": [8], "shuffle": True, "seed": 1}
        return TokenBatches(shard.tokens, targets, weights, **options)

    return ShardedBatches([0, 1, 2], load, seed=1)


def numbers_of(batches):
    """The rows of an epoch in order, read from tokens and from targets."""
    found = []
    for index in range(len(batches)):
        tokens, targets, weights = batches[index]
        there = weights["a"] > 0
        np.testing.assert_array_equal(tokens[there, 0] - 1, targets["a"][there])
        found += targets["a"][there].tolist()
    return found


def test_rows_and_columns_come_back_together(shards):
    seen = []
    for number in range(len(shards)):
        shard = shards.read(number)
        numbers = shard.columns["number"]
        assert 0 < len(numbers) == shards.sizes[number] < ROWS
        for ids, n, pair in zip(
            shard.tokens, numbers, shard.columns["pair"], strict=True
        ):
            np.testing.assert_array_equal(ids, np.full(1 + n % 5, n + 1))
            assert pair.tolist() == [n, -n]
        seen += numbers.tolist()
    assert sorted(seen) == list(range(ROWS))
    assert shards.longest == 5


def test_every_epoch_reads_each_row_once_in_another_order(shards):
    batches = batches_of(shards)
    epochs = []
    for epoch in range(3):
        batches.start_at(epoch)
        epochs.append(numbers_of(batches))
    assert all(sorted(found) == list(range(ROWS)) for found in epochs)
    assert len({tuple(found) for found in epochs}) == 3


def test_the_order_of_shards_changes_too(shards):
    place = {
        int(row): number
        for number in range(len(shards))
        for row in shards.read(number).columns["number"]
    }
    batches, orders = batches_of(shards), set()
    for epoch in range(8):
        batches.start_at(epoch)
        orders.add(tuple(dict.fromkeys(place[row] for row in numbers_of(batches))))
    assert all(sorted(order) == [0, 1, 2] for order in orders) and len(orders) > 1


def test_a_restart_repeats_the_epoch(shards):
    batches = batches_of(shards)
    numbers_of(batches)
    batches.start_at(1)
    again = batches_of(shards)
    again.start_at(1)
    assert numbers_of(again) == numbers_of(batches)


def test_shards_of_an_earlier_start_are_removed(shards, tmp_path):
    before = shards.fingerprint
    again = Shards(tmp_path, 1, seed=0)
    again.add([np.array([7])], {"number": np.array([3])})
    assert again.read(0).columns["number"].tolist() == [3]
    assert len(list(tmp_path.iterdir())) == 1
    assert again.fingerprint != before


def test_a_shard_without_rows_can_be_read(tmp_path):
    shards = Shards(tmp_path, 50, seed=0)
    shards.add([np.array([7])], {"number": np.array([3])})
    [filled] = np.flatnonzero(shards.sizes)
    assert shards.read(int(filled)).tokens[0].tolist() == [7]
    assert shards.read(0 if filled else 1).tokens == []
