"""Batches: which texts an epoch holds, in which order, in which shapes."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import keras
import numpy as np
import pytest

from zoo.training.batching import TokenBatches, choose_buckets, sampling_shares
from zoo.training.fit import predict

BUCKETS = [4, 8, 16]


def make(rows=37, *, owners=(), longest=16, seed=0, **options):
    """Texts whose first id is their number plus one, with one label each.

    `owners`: for each row the tasks whose labels it carries; all have "a" by default.
    """
    generator = np.random.default_rng(seed)
    owners = owners or ["a"] * rows
    lengths = generator.integers(1, longest + 1, len(owners))
    tokens = [
        np.concatenate([[row + 1], np.ones(length - 1)]).astype("int32")
        for row, length in enumerate(lengths)
    ]
    names = sorted({task for tasks in owners for task in tasks})
    weights = {
        task: np.array([task in tasks for tasks in owners], "float32") for task in names
    }
    targets = {task: np.arange(len(owners), dtype="int32") for task in names}
    options = {"batch_size": 5, "buckets": BUCKETS, **options}
    return TokenBatches(tokens, targets, weights, **options)


def rows_of(batches):
    """The rows of an epoch, in order, read off the batches themselves."""
    rows = []
    for index in range(len(batches)):
        tokens, targets, weights = batches[index]
        real = tokens[:, 0] > 0
        for task, target in targets.items():
            assert np.array_equal(target[real], tokens[real, 0] - 1)
            assert not weights[task][~real].any()
        rows += (tokens[real, 0] - 1).tolist()
    return rows


@pytest.mark.parametrize("shuffle", [False, True])
def test_an_epoch_holds_every_text_once(shuffle):
    batches = make(shuffle=shuffle)
    for epoch in range(3):
        batches.start_at(epoch)
        assert sorted(rows_of(batches)) == list(range(37))


def test_shapes_are_few_and_static():
    batches = make(shuffle=True)
    shapes = Counter()
    for index in range(len(batches)):
        tokens, targets, weights = batches[index]
        assert tokens.dtype == "int32" and weights["a"].dtype == "float32"
        assert len(targets["a"]) == len(weights["a"]) == len(tokens) == 5
        shapes[tokens.shape[1]] += 1
        longest = (tokens > 0).sum(1).max()
        assert longest <= tokens.shape[1]
        assert tokens.shape[1] == min(length for length in BUCKETS if length >= longest)
    assert set(shapes) <= set(BUCKETS)
    # No bucket has more than one batch that is not full.
    assert sum(shapes.values()) < 37 / 5 + len(BUCKETS)


def test_rows_that_fill_a_batch_weigh_nothing():
    batches = make(3, longest=4)
    [(tokens, targets, weights)] = [batches[i] for i in range(len(batches))]
    assert tokens.shape == (5, 4) and not tokens[3:].any()
    assert weights["a"].tolist() == [1, 1, 1, 0, 0]
    assert set(targets["a"][3:]) <= {0, 1, 2}  # ids that the loss can look up


def test_order_depends_on_seed_and_epoch_alone():
    batches = make(shuffle=True, seed=0)
    orders = []
    for epoch in range(3):
        batches.start_at(epoch)
        orders.append(rows_of(batches))
    assert orders[0] != orders[1] != orders[2]
    again = make(shuffle=True)
    np.random.seed(1)  # another state of the global generator
    again.start_at(2)  # without having gone through 0 and 1
    assert rows_of(again) == orders[2]
    tokens = again.tokens
    other = TokenBatches(
        tokens,
        again.targets,
        again.weights,
        batch_size=5,
        buckets=BUCKETS,
        shuffle=True,
        seed=1,
    )
    other.start_at(2)
    assert rows_of(other) != orders[2]


@pytest.mark.parametrize(
    "sampling, shares",
    [("proportional", (0.8, 0.2)), ("uniform", (0.5, 0.5)), (2, (2 / 3, 1 / 3))],
)
def test_tasks_are_sampled_by_their_shares(sampling, shares):
    owners = ["a"] * 240 + ["b"] * 60
    batches = make(owners=owners, shuffle=True, sampling=sampling)
    expected = {"a": 300 * shares[0], "b": 300 * shares[1]}
    seen = Counter()
    for epoch in range(4):
        batches.start_at(epoch)
        rows = rows_of(batches)
        found = Counter(owners[row] for row in rows)
        for task in "ab":
            # Rounded in each bucket.
            assert abs(found[task] - expected[task]) <= len(BUCKETS)
        seen.update(rows)
        repeats = Counter(row for row in rows if owners[row] == "b").values()
        assert max(repeats) - min(repeats) <= 1
    if sampling != "proportional":
        assert len(seen) > 240  # other texts of "a" in other epochs


def test_every_epoch_has_as_many_batches():
    """Keras gives all epochs the number of steps of the first."""
    owners = ["a"] * 200 + ["b"] * 31 + ["c"] * 3 + ["ab"] * 17
    batches = make(owners=owners, shuffle=True, sampling="uniform")
    numbers = set()
    for epoch in range(8):
        batches.start_at(epoch)
        numbers.add(len(batches))
    assert len(numbers) == 1


def test_texts_of_several_tasks_are_a_group():
    owners = ["a"] * 60 + ["b"] * 30 + ["ab"] * 10 + [""] * 5
    batches = make(owners=owners, shuffle=True, sampling="uniform")
    found = Counter(owners[row] for row in rows_of(batches))
    assert found[""] == 0  # nothing to learn from
    for group in ("a", "b", "ab"):
        assert abs(found[group] - 100 / 3) <= len(BUCKETS)
    # Evaluation reads them all the same.
    assert sorted(rows_of(make(owners=owners))) == list(range(105))


def test_shares():
    sizes = np.array([900.0, 90, 10])
    assert sampling_shares(sizes, "proportional").tolist() == [0.9, 0.09, 0.01]
    np.testing.assert_allclose(sampling_shares(sizes, "uniform"), 1 / 3)
    expected = sizes ** (1 / 5) / (sizes ** (1 / 5)).sum()
    np.testing.assert_allclose(sampling_shares(sizes, 5), expected)
    for wrong in ("often", 0.5, float("nan")):
        with pytest.raises(
            ValueError, match="`sampling` must be .*Received: sampling="
        ):
            sampling_shares(sizes, wrong)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="`tokens` must hold at least one text"):
        TokenBatches([], {}, {}, batch_size=2, buckets=[8])
    with pytest.raises(ValueError, match="`buckets` must reach.*longest text 9 tokens"):
        TokenBatches([np.ones(9, "int32")], {}, {}, batch_size=2, buckets=[8])


def padded(lengths, buckets):
    """Tokens with padding, were these the padded lengths."""
    return sum(min(b for b in buckets if b >= n) for n in lengths)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("call", [0, 100])
def test_buckets_waste_the_least(seed, call):
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 80, generator.integers(1, 40))
    lengths = lengths[: max(1, len(lengths))]
    for count in (1, 2, 3, 4):
        found = choose_buckets([np.ones(n) for n in lengths], count, call=call)
        assert len(found) <= count and found == sorted(found)
        assert all(length % 8 == 0 for length in found) and found[-1] >= max(lengths)
        ends = sorted({-(-int(n) // 8) * 8 for n in lengths})
        best = min(
            padded(lengths, (*chosen, ends[-1])) + call * (number + 1)
            for number in range(count)
            for chosen in combinations(ends[:-1], number)
        )
        assert padded(lengths, found) + call * len(found) == best


def test_buckets_of_empty_texts():
    assert choose_buckets([np.ones(0)], 3) == [8]


@pytest.mark.tensorflow
def test_texts_that_are_only_read_have_no_rows_of_padding():
    made = make(rows=37)
    read = TokenBatches(made.tokens, {}, {}, batch_size=5, buckets=BUCKETS)
    assert [len(tokens) for (tokens,) in map(read.__getitem__, range(len(read)))] == [
        len(rows) for rows, _ in read.batches
    ]
    assert {len(made[index][0]) for index in range(len(made))} == {5}


def test_predictions_come_in_the_order_of_the_texts():
    tokens = keras.Input((None,), dtype="int32")
    first = keras.ops.cast(tokens[:, :1], "float32")
    model = keras.Model(tokens, {"a": first, "b": -first})
    owners = ["a", "b", "", "ab"] * 9
    batches = make(owners=owners)
    found = predict(model, batches)
    assert found["a"][:, 0].tolist() == list(range(1, 37))
    assert found["b"][:, 0].tolist() == [-n for n in range(1, 37)]


class Reader(keras.callbacks.Callback):
    """Reads what a training step is fed, by the model's own sums."""

    def __init__(self):
        super().__init__()
        self.sums = []

    def on_epoch_end(self, epoch, logs=None):
        self.sums.append(logs["loss"])


@pytest.mark.filterwarnings("ignore:The model does not have any trainable")
@pytest.mark.parametrize("sampling", ["proportional", "uniform"])
def test_fit_reads_the_epochs_as_they_are_planned(sampling):
    """Keras's data adapters look ahead and start over; the plan must not notice."""
    owners = ["a"] * 50 + ["b"] * 9
    batches = make(owners=owners, shuffle=True, sampling=sampling)
    tokens = keras.Input((None,), dtype="int32")
    first = keras.layers.Dense(1, trainable=False, kernel_initializer="ones")(
        keras.ops.cast(tokens[:, 0], "float32")[:, None]
    )
    model = keras.Model(tokens, {task: first for task in "ab"})
    model.compile(
        loss={task: lambda true, said: said for task in "ab"}, jit_compile=False
    )
    reader = Reader()
    model.fit(
        batches.feed(),
        initial_epoch=2,
        epochs=6,
        callbacks=[batches.follow(), reader],
        shuffle=False,
        verbose=0,
    )
    expected = []
    for epoch in range(2, 6):
        batches.start_at(epoch)
        steps = []
        for index in range(len(batches)):
            tokens, _, weights = batches[index]
            steps += [tokens[:, 0] @ weights["a"] + tokens[:, 0] @ weights["b"]]
        expected.append(np.mean(steps) / 5)
    np.testing.assert_allclose(reader.sums, expected, rtol=1e-5)
