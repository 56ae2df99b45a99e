"""Layers whose weights are fitted before training, and windows of long texts."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers import JoinWindows, PaddingMask, Stacking, TokenBag, Windows


def random(*shape, low=-1.0, seed=0):
    return np.random.default_rng(seed).uniform(low, 1.0, shape).astype("float32")


TOKENS = np.array([[3, 5, 5, 0], [2, 0, 0, 0], [0, 0, 0, 0], [6, 1, 4, 2]], "int32")


@pytest.mark.parametrize("combiner", ["norm", "mean"])
def test_a_token_bag_follows_its_equation(combiner):
    bag = TokenBag(3, 7, combiner=combiner)
    table, lengths, bias = random(7, 3), random(7, low=0.0), random(3)
    lengths[1] = 0.0  # a token without features
    bag.build((None, None))
    bag.set_features(table, lengths, bias)
    found = ops.convert_to_numpy(bag(TOKENS, mask=TOKENS > 0))
    parts = ops.convert_to_numpy(bag.by_token(TOKENS, mask=TOKENS > 0))
    for row, answer, added in zip(TOKENS, found, parts, strict=True):
        ids = row[row > 0]
        size = lengths[ids].sum()
        if combiner == "norm":
            size = np.sqrt((lengths[ids] ** 2).sum())
        expected = bias + (table[ids].sum(axis=0) / size if len(ids) else 0)
        np.testing.assert_allclose(answer, expected, rtol=1e-5)
        padding = np.zeros((len(row) - len(ids), 3))
        each = np.concatenate([table[ids] / size, padding]) if len(ids) else padding
        np.testing.assert_allclose(added, each, rtol=1e-5)


def test_a_text_of_tokens_without_features_is_the_bias():
    bag = TokenBag(2, 7)
    bag.build((None, None))
    bag.set_features(np.zeros((7, 2)), np.zeros(7), np.array([1.0, 2.0]))
    found = ops.convert_to_numpy(bag(TOKENS, mask=TOKENS > 0))
    np.testing.assert_array_equal(found, np.tile([1.0, 2.0], (4, 1)))


def test_a_token_bag_is_not_trained():
    bag = TokenBag(2, 7)
    bag.build((None, None))
    assert not bag.trainable_weights and len(bag.weights) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": 0}, "`outputs` and `vocab_size` must be positive.*outputs=0"),
        ({"vocab_size": 0}, "must be positive.*vocab_size=0"),
        ({"combiner": "sum"}, "`combiner` must be one of norm, mean.*'sum'"),
    ],
)
def test_token_bag_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        TokenBag(**{"outputs": 1, "vocab_size": 5, **options})


def test_stacking_trains_the_first_alone():
    stack, (first, second) = Stacking(), (random(2, 3), random(2, 3, seed=1))
    np.testing.assert_array_equal(stack(first, second), first)  # shares of 1 and 0
    stack.set_shares(0.25, 2.0)
    found = ops.convert_to_numpy(stack(first, second))
    np.testing.assert_allclose(found, 0.25 * first + 2.0 * second, rtol=1e-6)
    np.testing.assert_array_equal(stack(first, second, training=True), first)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("time", [1, 4, 5])
def test_windows_begin_at_multiples_of_their_size(size, time):
    x = random(2, time, 3)
    found = ops.convert_to_numpy(Windows(size)(x))
    steps = min(size, time)
    rows = []
    for text in x:
        for start in range(0, time, steps):
            window = np.zeros((steps, 3), "float32")
            window[: len(text[start : start + steps])] = text[start : start + steps]
            rows.append(window)
    np.testing.assert_array_equal(found, rows)
    again = JoinWindows()(found, x[:, :, 0])
    np.testing.assert_array_equal(again, x)


def test_windows_of_masks_and_of_batches_of_any_length():
    tokens = keras.Input((None,), dtype="int32")
    mask = PaddingMask()(tokens)
    model = keras.Model(tokens, Windows(2)(mask))
    found = model.predict_on_batch(TOKENS[:2])
    expected = [[True, True], [True, False], [True, False], [False, False]]
    np.testing.assert_array_equal(found, expected)
    assert model.predict_on_batch(np.zeros((0, 3), "int32")).shape == (0, 2)


def test_window_size():
    with pytest.raises(ValueError, match="`size` must be positive.*size=0"):
        Windows(0)
