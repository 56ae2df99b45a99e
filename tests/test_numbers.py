"""How numbers are written: no digit too few, and the same in Python and in a graph."""

from __future__ import annotations

import json

import numpy as np
import pytest

from zoo.tasks import written

EXAMPLES = [
    (0.0, "0"),
    (-0.0, "-0"),
    (4.0, "4"),
    (-2.5, "-2.5"),
    (0.1, "0.1"),
    (1 / 3, "0.3333333333333333"),
    (1e-7, "1e-07"),
    (4.9e-7, "4.9e-07"),
    (44928820.0, "44928820"),
    (1700530839.25, "1700530839.25"),
    (1e9 + 2**-23, "1000000000.0000001"),
    (123456789012345680.0, "1.2345678901234568e+17"),
    (1e20, "1e+20"),
    (float(np.float32(0.1)), "0.10000000149011612"),
    (float("inf"), "inf"),
    (float("-inf"), "-inf"),
    (float("nan"), "nan"),
]


def many():
    generator = np.random.default_rng(0)
    values = generator.normal(size=2000) * 10.0 ** generator.integers(-300, 300, 2000)
    small = generator.normal(size=500).astype("float32").astype("float64")
    return [*(value for value, _ in EXAMPLES), *values, *small]


def test_examples():
    for value, text in EXAMPLES:
        assert written(value) == text


def test_no_digit_is_lost_and_none_is_needless():
    for value in many():
        text = written(float(value))
        assert float(text) == value or np.isnan(value)
        if np.isfinite(value):
            assert json.loads(text) == value
            assert len(text) <= len(repr(float(value))) + 1  # "1e-07" is no "1e-7"


@pytest.mark.tensorflow
def test_a_graph_writes_the_same_bytes():
    tf = pytest.importorskip("tensorflow")
    pytest.importorskip("tensorflow_text")
    from zoo.serving.answers import written as in_graph

    found = tf.function(in_graph)(tf.constant(many(), tf.float64)).numpy()
    assert [text.decode() for text in found] == [written(float(v)) for v in many()]
