"""TextConvolution against Kim's equations, one window at a time."""

from __future__ import annotations

import numpy as np
import pytest
from gradients import value_and_gradients
from keras import ops
from marks import HALF_PRECISION

from zoo.kernels.packed import packed
from zoo.layers import TextConvolution

LENGTHS = (6, 1, 2, 4)


def batch(time=6, width=3, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(len(LENGTHS), time, width)).astype("float32")
    return x, np.arange(time) < np.array(LENGTHS)[:, None]


def build(window, x, mask, filters=5, bias=0.3):
    layer = TextConvolution(filters, window)
    layer(x, mask=mask)
    generator = np.random.default_rng(1)
    kernel = generator.normal(size=layer.kernel.shape)
    layer.set_weights([kernel, np.full(filters, bias)])
    return layer


def reference(layer, text):
    """Slides one window after another over one unpadded text `[time, width]`."""
    kernel, bias = (ops.convert_to_numpy(w) for w in layer.weights)
    edge = np.zeros((layer.window - 1, text.shape[1]))
    rows = np.concatenate([edge, text, edge])
    maps = [
        np.maximum((rows[i : i + layer.window, :, None] * kernel).sum((0, 1)) + bias, 0)
        for i in range(len(text) + layer.window - 1)
    ]
    return np.max(maps, axis=0)


@pytest.mark.parametrize("window", [1, 2, 3, 5, 9])
def test_equals_the_equations_for_texts_longer_and_shorter_than_the_window(window):
    x, mask = batch()
    layer = build(window, x, mask)
    expected = [reference(layer, row[:n]) for row, n in zip(x, LENGTHS, strict=True)]
    result = ops.convert_to_numpy(layer(x, mask=mask))
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bias", [5.0, -0.5])
def test_padding_changes_nothing_even_with_a_large_bias(bias):
    # A window of padding alone would give ReLU(bias), above what the words reach.
    x, mask = batch()
    layer = build(3, x * 0.01, mask, bias=bias)
    longer = np.pad(x, [[0, 0], [0, 40], [0, 0]], constant_values=7.0)
    short = ops.convert_to_numpy(layer(x, mask=mask))
    long = ops.convert_to_numpy(layer(longer, mask=np.pad(mask, [[0, 0], [0, 40]])))
    np.testing.assert_allclose(short, long, rtol=1e-6, atol=1e-6)


def test_nan_at_padding_reaches_neither_result_nor_gradient():
    x, mask = batch()
    layer = build(3, x, mask)
    spoilt = np.where(mask[..., None], x, np.float32(np.nan))
    result = ops.convert_to_numpy(layer(spoilt, mask=mask))
    np.testing.assert_array_equal(result, ops.convert_to_numpy(layer(x, mask=mask)))
    _, gradient = value_and_gradients(lambda x: ops.sum(layer(x, mask=mask)), spoilt)
    assert np.isfinite(gradient).all() and not gradient[~mask].any()


def test_a_row_without_tokens_gives_zeros():
    x, mask = batch()
    layer = build(3, x, mask, bias=2.0)
    result = ops.convert_to_numpy(layer(x, mask=np.zeros_like(mask)))
    assert not result.any()


def test_the_convolution_of_two_channels_added_is_that_of_their_sum():
    # What `text_cnn(variant="multichannel")` rests on, with Kim's one filter for both.
    x, mask = batch()
    other, _ = batch(seed=3)
    layer = build(3, x, mask)
    kernel, bias = (ops.convert_to_numpy(w) for w in layer.weights)
    for row, (first, second, n) in enumerate(zip(x, other, LENGTHS, strict=True)):
        channels = [np.pad(c[:n], [[2, 2], [0, 0]]) for c in (first, second)]
        maps = [
            np.maximum(
                sum((c[i : i + 3, :, None] * kernel).sum((0, 1)) for c in channels)
                + bias,
                0,
            )
            for i in range(n + 2)
        ]
        result = ops.convert_to_numpy(layer(x + other, mask=mask))[row]
        np.testing.assert_allclose(result, np.max(maps, axis=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", HALF_PRECISION)
def test_half_precision(dtype):
    x, mask = batch()
    layer = TextConvolution(4, 3, dtype=dtype)
    result = ops.convert_to_numpy(ops.cast(layer(x, mask=mask), "float32"))
    assert np.isfinite(result).all()
    assert {w.dtype for w in layer.weights} == {"float32"}


def test_parameters_config_and_errors():
    x, mask = batch()
    layer = TextConvolution(5, 4, kernel_initializer="glorot_uniform")
    layer(x, mask=mask)
    assert layer.count_params() == 4 * 3 * 5 + 5
    assert TextConvolution.from_config(layer.get_config()).window == 4
    with pytest.raises(ValueError, match="`window` must be positive.*window=0"):
        TextConvolution(5, 0)
    with pytest.raises(ValueError, match="`filters` must be positive.*filters=-1"):
        TextConvolution(-1, 3)


@pytest.mark.tensorflow
@pytest.mark.parametrize("window", [1, 2, 5])
def test_a_graph_that_computes_tokens_alone(window):
    generator = np.random.default_rng(0)
    layer = TextConvolution(7, window)
    layer.build((None, None, 6))
    layer.bias.assign(generator.normal(size=7))
    for rows, time in ((1, 1), (40, 30)):
        x = generator.normal(size=(rows, time, 6)).astype("float32")
        lengths = generator.integers(0, time + 1, (rows, 1))
        for mask in (
            np.arange(time) < lengths,
            generator.random((rows, time)) < 0.2,
            np.zeros((rows, time), bool),
        ):
            hidden = np.where(mask[..., None], x, np.nan).astype("float32")
            with packed() as packings:
                found = layer(hidden, mask=mask)
                assert len(packings) == 1
                layer(x, mask=mask, training=True)
                assert len(packings) == 1, "training has gradients"
            np.testing.assert_allclose(found, layer(x, mask=mask), atol=1e-5)
