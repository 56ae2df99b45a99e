"""F-LSTM and G-LSTM: equations as printed, sizes, special cases."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from drawn_layers import draw, with_drawn_weights
from gradients import assert_close
from keras import ops

from zoo.layers.recurrent.factorized import FactorizedLSTM, FactorizedLSTMCell
from zoo.layers.recurrent.group import GroupLSTM, GroupLSTMCell
from zoo.layers.recurrent.lstm import LSTM, LSTMCell

MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
INPUT, UNITS, PROJECTION = 6, 8, 4


X = draw(0, 3, 4, INPUT)


def make(layer):
    return with_drawn_weights(layer, X.shape)


def array(weight):
    return ops.convert_to_numpy(weight).astype("float64")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def run(pre_activations, cell, x, mask):
    """The loop around a cell's pre-activations: state, forget bias, projection."""
    P = array(cell.projection_kernel) if cell.projection else np.eye(cell.units)
    outputs = np.zeros((*x.shape[:2], P.shape[1]))
    for row in range(len(x)):
        h, c = np.zeros(P.shape[1]), np.zeros(cell.units)
        for t in range(x.shape[1]):
            if mask[row, t]:
                i, f, j, o = pre_activations(x[row, t], h)
                c = sigmoid(f + 1.0) * c + sigmoid(i) * np.tanh(j)
                h = (sigmoid(o) * np.tanh(c)) @ P
            outputs[row, t] = h
    return outputs


@pytest.mark.parametrize("projection", [None, PROJECTION])
def test_factorized_equals_the_printed_equations(projection):
    layer = make(FactorizedLSTM(UNITS, 2, projection, return_sequences=True))
    cell = layer.cell
    W1 = np.concatenate([array(cell.kernel), array(cell.recurrent_kernel)])
    W2, b = array(cell.gate_kernel), array(cell.bias)

    def pre_activations(x, h):
        return np.split(np.concatenate([x, h]) @ W1 @ W2 + b, 4)

    expected = run(pre_activations, cell, X, MASK)
    assert_close(layer(X, mask=MASK), expected, 1e-5)
    assert_close(keras.layers.RNN(cell)(X), layer(X)[:, -1], 1e-5)


@pytest.mark.parametrize("projection", [None, PROJECTION])
def test_grouped_equals_the_printed_equations(projection):
    layer = make(GroupLSTM(UNITS, 2, projection, return_sequences=True))
    cell = layer.cell
    W = np.concatenate([array(cell.kernel), array(cell.recurrent_kernel)], axis=1)
    biases = np.split(array(cell.bias), 4)

    def pre_activations(x, h):
        R = [
            np.split(np.concatenate(slices) @ W[g], 4)
            for g, slices in enumerate(zip(np.split(x, 2), np.split(h, 2)))
        ]
        return [
            np.concatenate([R[g][gate] for g in (0, 1)]) + biases[gate]
            for gate in range(4)
        ]

    expected = run(pre_activations, cell, X, MASK)
    assert_close(layer(X, mask=MASK), expected, 1e-5)
    assert_close(keras.layers.RNN(cell)(X), layer(X)[:, -1], 1e-5)


def projected(kernel, recurrent, like):
    """The LSTMP of full matrices and of the biases and projection of another layer."""
    layer = LSTM(UNITS, PROJECTION, forget_bias=1.0, return_sequences=True)
    layer.build(X.shape)
    layer.cell.kernel.assign(kernel)
    layer.cell.recurrent_kernel.assign(recurrent)
    layer.cell.bias.assign(like.cell.bias)
    layer.cell.projection_kernel.assign(like.cell.projection_kernel)
    return layer(X, mask=MASK)


def test_full_rank_is_the_projected_lstm():
    full = INPUT + PROJECTION
    with pytest.warns(UserWarning, match=r"`rank` saves nothing.*Received: rank=10"):
        layer = make(FactorizedLSTM(UNITS, full, PROJECTION, return_sequences=True))
    W = draw(50, full, 4 * UNITS)
    W1, _ = np.linalg.qr(draw(51, full, full))
    layer.cell.kernel.assign(W1[:INPUT])
    layer.cell.recurrent_kernel.assign(W1[INPUT:])
    layer.cell.gate_kernel.assign(W1.T @ W)
    expected = projected(W[:INPUT], W[INPUT:], layer)
    assert_close(layer(X, mask=MASK), expected, 1e-5)


def test_one_group_is_the_projected_lstm():
    layer = make(GroupLSTM(UNITS, 1, PROJECTION, return_sequences=True))
    expected = projected(layer.cell.kernel[0], layer.cell.recurrent_kernel[0], layer)
    assert_close(layer(X, mask=MASK), expected, 1e-5)


def test_groups_are_a_block_structured_projected_lstm():
    layer = make(GroupLSTM(UNITS, 2, PROJECTION, return_sequences=True))

    def blocks(kernel):
        """Off-group zeros; the gates of the groups moved next to each other."""
        k, rows, columns = kernel.shape
        full = np.zeros((k, rows, 4, k, columns // 4))
        for g in range(k):
            full[g, :, :, g] = kernel[g].reshape(rows, 4, -1)
        return full.reshape(k * rows, k * columns)

    kernels = (
        blocks(array(layer.cell.kernel)),
        blocks(array(layer.cell.recurrent_kernel)),
    )
    assert_close(layer(X, mask=MASK), projected(*kernels, layer), 1e-5)


def test_groups_mix_through_the_projection_alone():
    """Without it, what enters one group never reaches another; shuffle deals it out."""
    moved = X.copy()
    moved[..., : INPUT // 2] += 1

    def touched(layer):
        difference = np.abs(ops.convert_to_numpy(layer(moved) - layer(X)))
        return difference.max(axis=0) > 0

    apart = touched(make(GroupLSTM(UNITS, 2)))
    np.testing.assert_array_equal(apart, np.arange(UNITS) < UNITS // 2)
    dealt = touched(make(GroupLSTM(UNITS, 2, shuffle=True)))
    np.testing.assert_array_equal(dealt, np.arange(UNITS) % 2 == 0)
    assert touched(make(GroupLSTM(UNITS, 2, PROJECTION))).all()


def test_shuffle_moves_outputs_and_leaves_states():
    options = {"return_sequences": True, "return_state": True}
    plain = make(GroupLSTM(UNITS, 2, **options))
    shuffled = make(GroupLSTM(UNITS, 2, shuffle=True, **options))
    y, *states = plain(X)
    y_shuffled, *same = shuffled(X)
    assert_close(same, states, 0)
    order = np.arange(UNITS).reshape(2, -1).T.ravel()
    assert_close(y_shuffled, ops.convert_to_numpy(y)[..., order], 0)


@pytest.mark.parametrize(
    "cell, total",
    [
        (LSTMCell(8192, 1024), 151_060_480),
        (FactorizedLSTMCell(8192, 512, 1024), 52_494_336),
        (FactorizedLSTMCell(8192, 256, 1024), 34_668_544),
        (GroupLSTMCell(8192, 2, 1024), 83_951_616),
        (GroupLSTMCell(8192, 4, 1024), 50_397_184),
        (GroupLSTMCell(8192, 8, 1024), 33_619_968),
        (GroupLSTMCell(8192, 16, 1024), 25_231_360),
    ],
)
def test_parameters_of_the_papers_two_layers(cell, total):
    assert 2 * cell.parameter_count(1024) == total
    assert not cell.weights


@pytest.mark.parametrize("units", [512, 1024, 2048])
def test_parameters_without_bias(units):
    cell = LSTMCell(units, 512, use_bias=False)
    assert cell.parameter_count(512) == 4608 * units


@pytest.mark.parametrize(
    "cell",
    [
        LSTMCell(UNITS, PROJECTION, peepholes=True, layer_norm=True),
        FactorizedLSTMCell(UNITS, 2, use_bias=False),
        GroupLSTMCell(UNITS, 2, PROJECTION, layer_norm=True),
    ],
)
def test_the_count_is_that_of_the_weights_made(cell):
    cell.build((None, INPUT))
    assert cell.parameter_count(INPUT) == cell.count_params()


def test_every_group_is_initialised_by_itself_and_at_its_own_scale():
    cell = GroupLSTMCell(256, 4, recurrent_initializer="orthogonal")
    cell.build((None, 128))
    kernel, recurrent = array(cell.kernel), array(cell.recurrent_kernel)
    limit = np.sqrt(6 / (32 + 256))
    assert 0.95 * limit < np.abs(kernel).max() <= limit
    assert len({block.tobytes() for block in kernel}) == 4
    for block in recurrent:
        np.testing.assert_allclose(block @ block.T, np.eye(64), atol=1e-5)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: FactorizedLSTM(8, rank=0),
        lambda: FactorizedLSTM(8, rank=2.0),
        lambda: GroupLSTM(8, groups=0),
        lambda: GroupLSTM(8, groups=3),
        lambda: GroupLSTM(8, groups=4, projection=6),
        lambda: GroupLSTM(8, groups=4).build((None, None, 6)),
    ],
)
def test_bad_sizes_are_named_with_what_was_received(bad):
    with pytest.raises(ValueError, match=r"`\w+` must .*Received: \w+="):
        bad()


def test_a_rank_that_saves_does_not_warn(recwarn):
    make(FactorizedLSTM(UNITS, 2, PROJECTION))
    assert not [w for w in recwarn if "rank" in str(w.message)]
