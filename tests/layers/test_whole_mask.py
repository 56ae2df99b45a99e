"""Layers of one row without padding: fewer operations, the same result."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo import layers
from zoo.kernels.single import single, whole

tf = pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

STATES = np.random.default_rng(0).normal(size=(1, 5, 6)).astype("float32")
IDS = np.array([[5, 7, 5, 7, 9]], "int32")
OF_STATES = [
    layers.MaskedMaxPooling(),
    layers.MaskedMeanPooling(),
    layers.LastState(),
    layers.AttentionPooling(4),
    layers.TextConvolution(4, window=3),
]
OF_IDS = [
    layers.NGramBag(3, buckets=64, n=n, combiner=combiner, **options)
    for n in ((1,), (1, 2), (2, 4))
    for combiner in ("sqrtn", "mean")
    for options in ({}, {"binary": True}, {"binary": True, "weighted": True})
] + [
    layers.TokenBag(2, 16),
    layers.TokenBag(2, 16, combiner="mean"),
]


def operations(layer, x, mask) -> int:
    call = tf.function(lambda x, mask: layer(x, mask=whole(mask)), autograph=False)
    return len(call.get_concrete_function(x, mask).graph.get_operations())


def draw_weights(layer) -> None:
    rng = np.random.default_rng(1)
    for variable in layer.variables:
        value = rng.normal(size=variable.shape)
        positive = variable.name in ("lengths", "ngram_weights")
        variable.assign(np.abs(value) + 0.1 if positive else value)


@pytest.mark.parametrize("steps", [5, 1])
@pytest.mark.parametrize(
    ("layer", "x"),
    [(layer, STATES) for layer in OF_STATES] + [(layer, IDS) for layer in OF_IDS],
)
def test_the_result_is_that_of_any_rows(layer, x, steps):
    x, mask = x[:, :steps], tf.ones((1, steps), "bool")
    layer(x, mask=mask)
    draw_weights(layer)
    expected = keras.ops.convert_to_numpy(layer(x, mask=mask))
    assert expected.any() or steps < 2  # no n-grams of two and four words in one
    many = operations(layer, x, mask)
    with single(5):
        found = layer(x, mask=whole(mask))
        few = operations(layer, x, mask)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    binary = isinstance(layer, layers.NGramBag) and layer.binary
    if binary or not isinstance(layer, layers.NGramBag):
        assert few < many
