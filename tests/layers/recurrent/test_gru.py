"""The GRU: the equations, and weights, outputs and gradients of `keras.layers.GRU`.

What holds for all recurrent layers is tested in test_lstm.py, for the GRU too.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
from drawn_layers import draw, with_drawn_weights
from gradients import BACKEND, assert_close, layer_gradients
from keras import ops
from marks import HALF_PRECISION

from zoo.layers.recurrent.bidirectional import Bidirectional
from zoo.layers.recurrent.gru import GRU, GRUCell

TIME, WIDTH, UNITS = 5, 6, 4
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]], bool)
# The form of a small state; that of a large one is all that there is on JAX.
FORMS = {"joint": 10**6, "apart": 0} if BACKEND == "tensorflow" else {"apart": 0}


@pytest.fixture(params=FORMS)
def form(request, monkeypatch):
    monkeypatch.setattr("zoo.layers.recurrent.layer._SMALL_STATE", FORMS[request.param])


X, START = draw(0, 3, TIME, WIDTH), draw(30, 3, UNITS)


def make(layer):
    return with_drawn_weights(layer, X.shape)


def keras_gru(like, **options):
    """`keras.layers.GRU` with the weights of one of ours."""
    layer = keras.layers.GRU(UNITS, reset_after=True, use_cudnn=False, **options)
    layer.build(X.shape)
    layer.set_weights(like.get_weights())
    return layer


def reference(layer, x, mask, h, drop=1.0):
    """The equations of `GRUCell`, row by row and step by step, in float64."""
    cell, n = layer.cell, layer.cell.units
    W, U = (
        ops.convert_to_numpy(w).astype("float64")
        for w in (cell.kernel, cell.recurrent_kernel)
    )
    b = np.zeros((2, 3 * n))
    if cell.use_bias:
        b = ops.convert_to_numpy(cell.bias).astype("float64")
    h, outputs = h.astype("float64"), np.zeros((*x.shape[:2], n))
    for row in range(len(x)):
        for t in range(x.shape[1]):
            if mask[row, t]:
                z, r, own = np.split(x[row, t] @ W + b[0], 3)
                z_h, r_h, sent = np.split((drop * h[row]) @ U + b[1], 3)
                z, r = (1 / (1 + np.exp(-a)) for a in (z + z_h, r + r_h))
                h[row] = z * h[row] + (1 - z) * np.tanh(own + r * sent)
            outputs[row, t] = h[row]
    return outputs, h


@pytest.mark.parametrize("use_bias", [True, False])
def test_equals_the_printed_equations(use_bias, form):
    options = {"return_sequences": True, "return_state": True, "use_bias": use_bias}
    layer = make(GRU(UNITS, **options))
    expected = reference(layer, X, MASK, START)
    assert_close(layer(X, mask=MASK, initial_state=[START]), expected, 1e-5)
    one = reference(layer, X[:, :1], MASK[:, :1], START)
    y, [h] = layer.cell(X[:, 0], [START])
    assert_close([y, h], [one[0][:, 0], one[1]], 1e-5)


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_takes_the_weights_and_the_place_of_keras_gru(sequences, backwards, form):
    options = {
        "return_sequences": sequences,
        "return_state": True,
        "go_backwards": backwards,
        "zero_output_for_mask": sequences,
    }
    ours = make(GRU(UNITS, **options))
    theirs = keras_gru(ours, **options)
    for mask in (None, MASK):
        for start in (None, [START]):
            call = {"mask": mask, "initial_state": start}
            assert_close(ours(X, **call), theirs(X, **call), 1e-5)


def test_starts_like_keras_gru():
    ours, theirs = GRU(UNITS), keras.layers.GRU(UNITS)
    ours.build(X.shape), theirs.build(X.shape)
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert not ops.convert_to_numpy(ours.cell.bias).any()
    recurrent = ops.convert_to_numpy(ours.cell.recurrent_kernel)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(UNITS), atol=1e-5)
    assert GRUCell(UNITS).parameter_count(WIDTH) == theirs.count_params()


@pytest.mark.parametrize("recompute", [False, True])
def test_gradients_equal_those_of_keras_gru(recompute, form):
    options = {"return_sequences": True, "return_state": True}
    ours = make(GRU(UNITS, recompute=recompute, **options))

    def gradients(layer):
        def run(x, h, training=False):
            return layer(x, initial_state=[h], mask=MASK, training=training)

        run.trainable_variables = layer.trainable_variables
        run.non_trainable_variables = layer.non_trainable_variables
        return layer_gradients(run, [X, START], total, training=layer is ours)

    assert_close(gradients(ours), gradients(keras_gru(ours, **options)), 1e-5)


def total(outputs):
    """A scalar that every output has a part in."""
    parts = keras.tree.flatten(outputs)
    return sum(ops.sum(y * draw(40 + k, *y.shape)) for k, y in enumerate(parts))


def test_stateful_goes_on_as_keras_gru_does():
    options = {"stateful": True, "return_sequences": True}
    ours = make(GRU(UNITS, **options))
    theirs = keras.layers.GRU(UNITS, use_cudnn=False, **options)
    theirs.build(X.shape)
    for mine, weight in zip(ours.cell.weights, theirs.cell.weights):
        weight.assign(mine)
    for part in (X[:, :2], X[:, 2:]):
        assert_close(ours(part), theirs(part), 1e-5)
    assert len(ours.states) == 1
    assert_close(ours.states, theirs.states, 1e-5)


@pytest.mark.parametrize("policy", HALF_PRECISION)
def test_half_precision_keeps_the_state_in_full(policy):
    """Steps that each change the state by less than half precision can tell."""
    ones = np.ones((1, 60, 1), "float32")

    def end(dtype):
        layer = GRU(1, dtype=dtype)
        layer.build(ones.shape)
        kernel = np.array([[7.0, 0.0, 1.0]])  # the update gate nearly holds the state
        layer.set_weights([kernel, np.zeros((1, 3)), np.zeros((2, 3))])
        y = layer(ones, initial_state=[np.ones((1, 1), "float32")])
        return float(ops.convert_to_numpy(ops.cast(y, "float32"))[0, 0])

    assert end("float32") < 0.99
    assert end(policy) == pytest.approx(end("float32"), abs=0.004)


def test_both_directions_are_those_of_keras():
    ours = make(Bidirectional(GRU(UNITS, return_sequences=True)))
    layer = keras.layers.GRU(UNITS, use_cudnn=False, return_sequences=True)
    theirs = keras.layers.Bidirectional(layer)
    theirs.build(X.shape)
    theirs.set_weights(ours.get_weights())
    start = [START, draw(31, 3, UNITS)]
    assert_close(ours(X, initial_state=start), theirs(X, initial_state=start), 1e-5)


@pytest.mark.parametrize("per", ["sequence", "step"])
def test_recurrent_dropout_leaves_the_path_around_the_gates(per, form):
    """At rates near 1 the gates see nothing of the state, which they still hold."""
    options = {"recurrent_dropout": 0.999999, "dropout_per": per}
    layer = make(GRU(UNITS, return_sequences=True, **options))
    everything, zeros = np.ones_like(MASK), np.zeros_like(START)
    expected, _ = reference(layer, X, everything, zeros, drop=0.0)
    assert_close(layer(X, training=True), expected, 1e-5)
    assert np.abs(ops.convert_to_numpy(layer(X)) - expected).max() > 1e-2


@pytest.mark.parametrize("bad", [{"units": 0}, {"units": 4.5}])
def test_bad_sizes_are_named_with_what_was_received(bad):
    with pytest.raises(ValueError, match=r"`units` must .*Received: units="):
        GRU(**bad)


def test_options_of_other_cells_are_refused():
    for name in ("projection", "forget_bias", "peepholes", "layer_norm"):
        with pytest.raises((TypeError, ValueError), match=name):
            GRU(4, **{name: 1})
