"""Each process's rows of a batch."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.training.distributed.sharing import Share, shared


def batch(rows: int):
    ids = np.arange(3 * rows, dtype="int32").reshape(rows, 3) + 1
    return {"tokens": ids}, ids[:, 0], np.ones(rows, "float32")


def test_shares_are_the_rows_of_the_batch_in_order():
    inputs, targets, weights = batch(6)
    shares = [Share([(inputs, targets, weights)], 3, index) for index in range(3)]
    assert [len(share) for share in shares] == [1, 1, 1]
    tokens = [share[0][0]["tokens"] for share in shares]
    np.testing.assert_array_equal(np.concatenate(tokens), inputs["tokens"])
    np.testing.assert_array_equal(shares[1][0][1], targets[2:4])


def test_missing_rows_have_no_weight():
    shares = [Share([batch(5)], 2, index)[0] for index in range(2)]
    weights = np.concatenate([share[2] for share in shares])
    assert weights.tolist() == [1, 1, 1, 1, 1, 0]
    tokens = np.concatenate([share[0]["tokens"] for share in shares])
    assert tokens.shape == (6, 3) and not tokens[5].any()


def test_a_process_with_two_replicas_fills_a_batch_for_both():
    [share] = [Share([batch(5)], 1, 0, replicas=2)]
    assert share[0][2].tolist() == [1, 1, 1, 1, 1, 0]


def test_batches_without_weights_must_divide():
    share = Share([batch(5)[:1]], 2, 0)
    with pytest.raises(ValueError, match="`batch_size` must be a multiple.*5 rows"):
        share[0]


def test_an_ordinary_training_takes_all_rows():
    batches = [batch(4)]
    assert shared(batches) is batches
