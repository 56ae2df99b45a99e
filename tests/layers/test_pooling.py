"""Pooling layers against NumPy, text by text without its padding."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from gradients import value_and_gradients
from keras import ops
from marks import HALF_PRECISION

from zoo.layers import (
    AttentionPooling,
    LastState,
    MaskedMaxPooling,
    MaskedMeanPooling,
    PaddingMask,
)

LENGTHS = (5, 1, 3)
LAYERS = (MaskedMaxPooling, MaskedMeanPooling, LastState, AttentionPooling)


def states_and_mask(lengths=LENGTHS, time=5, units=4, seed=0):
    generator = np.random.default_rng(seed)
    states = generator.normal(size=(len(lengths), time, units)).astype("float32")
    return states - 5.0, np.arange(time) < np.array(lengths)[:, None]  # all negative


def run(layer, states, mask):
    return ops.convert_to_numpy(layer(states, mask=mask))


def reference(layer, text):
    """The layer's equation on one unpadded text `[time, units]`."""
    if isinstance(layer, MaskedMaxPooling):
        return text.max(axis=0)
    if isinstance(layer, MaskedMeanPooling):
        return text.mean(axis=0)
    if isinstance(layer, LastState):
        return text[-1]
    kernel, bias, query = (ops.convert_to_numpy(w) for w in layer.weights)
    score = np.tanh(text @ kernel + bias) @ query[:, 0]
    weight = np.exp(score - score.max())
    return (weight / weight.sum()) @ text


def build(layer_class):
    layer = layer_class()
    states, mask = states_and_mask()
    layer(states, mask=mask)
    generator = np.random.default_rng(1)
    layer.set_weights([generator.normal(size=w.shape) for w in layer.weights])
    return layer, states, mask


@pytest.mark.parametrize("layer_class", LAYERS)
def test_each_text_is_pooled_over_its_own_tokens(layer_class):
    layer, states, mask = build(layer_class)
    expected = [reference(layer, s[:n]) for s, n in zip(states, LENGTHS, strict=True)]
    np.testing.assert_allclose(run(layer, states, mask), expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("layer_class", LAYERS)
@pytest.mark.parametrize("garbage", [1e30, np.nan, np.inf, -np.inf])
def test_what_stands_at_padding_is_never_read(layer_class, garbage):
    layer, states, mask = build(layer_class)
    spoilt = np.where(mask[..., None], states, np.float32(garbage))
    np.testing.assert_array_equal(run(layer, spoilt, mask), run(layer, states, mask))

    def total(states):
        return ops.sum(layer(states, mask=mask) ** 2)

    _, gradient = value_and_gradients(total, spoilt)
    assert np.isfinite(gradient).all()
    assert not gradient[~mask].any()
    assert gradient[mask].any()


@pytest.mark.parametrize("layer_class", LAYERS)
def test_a_row_without_tokens_gives_zeros(layer_class):
    layer, states, mask = build(layer_class)
    mask = mask & np.array([[True], [False], [True]])
    result = run(layer, states, mask)
    assert not result[1].any()
    assert result[[0, 2]].any(axis=1).all()
    _, gradient = value_and_gradients(
        lambda states: ops.sum(layer(states, mask=mask) ** 2), states
    )
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("layer_class", LAYERS)
@pytest.mark.parametrize("dtype", HALF_PRECISION)
def test_half_precision_stays_finite_on_long_texts(layer_class, dtype):
    layer = layer_class(dtype=dtype)
    states, mask = states_and_mask((3000, 2), time=3000)
    result = layer(states * 100, mask=mask)
    assert keras.backend.standardize_dtype(result.dtype) == dtype.removeprefix("mixed_")
    result = ops.convert_to_numpy(ops.cast(result, "float32"))
    assert np.isfinite(result).all()
    if layer_class is MaskedMeanPooling:
        expected = [states[0].mean(axis=0) * 100, states[1, :2].mean(axis=0) * 100]
        np.testing.assert_allclose(result, expected, rtol=0.03)


@pytest.mark.parametrize("layer_class", LAYERS)
def test_config_round_trip(layer_class):
    options = {"units": 3} if layer_class is AttentionPooling else {}
    layer = layer_class(name="pool", **options)
    again = layer_class.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_attention_units():
    states, mask = states_and_mask()
    layer = AttentionPooling(units=7)
    assert run(layer, states, mask).shape == (3, 4)
    assert layer.count_params() == 4 * 7 + 7 + 7
    with pytest.raises(ValueError, match="`units` must be positive.*units=0"):
        AttentionPooling(units=0)


def test_attention_says_how_it_weighed():
    layer, states, mask = build(AttentionPooling)
    weights = ops.convert_to_numpy(layer.importance(states, mask))
    kernel, bias, query = (ops.convert_to_numpy(w) for w in layer.weights)
    for row, length in enumerate(LENGTHS):
        score = np.exp(np.tanh(states[row, :length] @ kernel + bias) @ query[:, 0])
        expected = score / score.sum()
        np.testing.assert_allclose(weights[row, :length], expected, rtol=1e-4)
    assert weights.dtype == "float32" and not weights[~mask].any()
    pooled = np.einsum("bt,btu->bu", weights, np.where(mask[..., None], states, 0.0))
    np.testing.assert_allclose(run(layer, states, mask), pooled, rtol=1e-5, atol=1e-5)
    nothing = ops.convert_to_numpy(layer.importance(states, mask & False))
    assert not nothing.any()


def test_mask_marks_tokens_and_the_first_place_of_an_empty_row():
    tokens = np.array([[4, 9, 0, 0], [0, 0, 0, 0], [1, 2, 3, 4]])
    mask = ops.convert_to_numpy(PaddingMask()(tokens))
    assert mask.astype(int).tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]]
    assert PaddingMask(pad=4).get_config()["pad"] == 4
    assert ops.convert_to_numpy(PaddingMask(pad=4)(tokens))[2].tolist() == [
        True,
        True,
        True,
        False,
    ]
