"""The linear scan: NumPy's loop, and autodiff of the unrolled equations."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from drawn_layers import draw
from gradients import MODES, assert_close, value_and_gradients
from keras import ops
from marks import HALF_PRECISION, slow_but

from zoo.kernels.linear_scan import before, latest, linear_scan

TIME, BATCH, UNITS = 5, 3, 4
# Rows of different lengths, one with a hole, one that begins late.
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 0, 1, 0]], bool).T
directions = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "back"])
masks = pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])


def arrays(time=TIME):
    return {
        "decay": draw(1, time, BATCH, UNITS),
        "inputs": draw(2, time, BATCH, UNITS),
        "initial": draw(3, BATCH, UNITS),
    }


def steps(time, reverse):
    return range(time - 1, -1, -1) if reverse else range(time)


def in_numpy(decay, inputs, initial, mask, reverse):
    """Row by row and step by step, in float64."""
    states = np.zeros(inputs.shape)
    last = initial.astype("float64")
    for row in range(inputs.shape[1]):
        for t in steps(len(inputs), reverse):
            if mask is None or mask[t, row]:
                last[row] = decay[t, row] * last[row] + inputs[t, row]
            states[t, row] = last[row]
    return states, last


def unrolled(given, mask, reverse):
    h, states = given["initial"], {}
    for t in steps(len(given["inputs"]), reverse):
        new = given["decay"][t] * h + given["inputs"][t]
        h = new if mask is None else ops.where(mask[t][:, None], new, h)
        states[t] = h
    return ops.stack([states[t] for t in sorted(states)]), h


def score(outputs):
    """A scalar that every output has a part in."""
    return sum(ops.sum(y * draw(9 + k, *y.shape)) for k, y in enumerate(outputs))


@masks
@directions
@pytest.mark.parametrize("time", [1, 2, TIME])
def test_values_are_those_of_numpy(time, mask, reverse):
    given = arrays(time)
    mask = None if mask is None else mask[:time]
    expected = in_numpy(*given.values(), mask, reverse)
    assert_close(linear_scan(**given, mask=mask, reverse=reverse), expected, 1e-6)


@masks
@directions
@pytest.mark.parametrize("mode", slow_but(["eager", "graph"], MODES))
@pytest.mark.parametrize("time", [1, TIME])
def test_gradients_are_those_of_autodiff(time, mode, mask, reverse):
    mask = None if mask is None else mask[:time]

    def fast(given):
        return score(linear_scan(**given, mask=mask, reverse=reverse))

    def slow(given):
        return score(unrolled(given, mask, reverse))

    given = arrays(time)
    expected = value_and_gradients(slow, given)
    assert_close(value_and_gradients(fast, given, mode), expected, 1e-5)


@directions
def test_the_latest_value_and_its_gradient(reverse):
    given = {"values": draw(1, TIME, BATCH, UNITS), "initial": draw(3, BATCH, UNITS)}

    def slow(given):
        same = {"decay": ops.zeros_like(given["values"]), "inputs": given["values"]}
        return score(unrolled({**given, **same}, MASK, reverse)[:1])

    def fast(given):
        return score([latest(**given, mask=MASK, reverse=reverse)])

    expected = value_and_gradients(slow, given)
    assert_close(value_and_gradients(fast, given), expected, 1e-5)


def test_the_state_before_each_step():
    states, first = draw(1, TIME, BATCH, UNITS), draw(3, BATCH, UNITS)
    found = ops.convert_to_numpy(before(states, first))
    np.testing.assert_array_equal(found, [first, *states[:-1]])
    found = ops.convert_to_numpy(before(states, first, reverse=True))
    np.testing.assert_array_equal(found, [*states[1:], first])


def test_padding_of_any_value_changes_no_gradient():
    given = arrays()
    padded = {name: array.copy() for name, array in given.items()}
    for name in ("decay", "inputs"):
        padded[name][~MASK] = 1e30

    def loss(given):
        return score(linear_scan(**given, mask=MASK))

    expected = value_and_gradients(loss, given)
    assert_close(value_and_gradients(loss, padded), expected, 1e-6)


@pytest.mark.parametrize("policy", HALF_PRECISION)
def test_the_loop_runs_in_the_type_of_the_state(policy):
    """Small additions would be lost in half precision."""
    kind = keras.DTypePolicy(policy).compute_dtype
    ones = ops.ones((60, 1, 1), kind)
    states, last = linear_scan(ones, ones * 2**-12, ops.ones((1, 1), "float32"))
    assert keras.backend.standardize_dtype(states.dtype) == "float32"
    assert float(ops.convert_to_numpy(last)[0, 0]) == 1 + 60 * 2**-12
