"""Cells whose products read inputs only: equations, gradients, the contract of keras.

What the scan itself does is tested in tests/kernels/test_linear_scan.py.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
from drawn_layers import draw, plain, states, total, with_drawn_weights
from gradients import BACKEND, MODES, assert_close, eagerly, layer_gradients
from keras import ops
from marks import HALF_PRECISION, not_on_jax, slow_but
from scanned_equations import reference

from zoo.layers.recurrent.bidirectional import Bidirectional
from zoo.layers.recurrent.min_gru import MinGRU
from zoo.layers.recurrent.min_lstm import MinLSTM
from zoo.layers.recurrent.qrnn import QRNN
from zoo.layers.recurrent.sru import SRU

TIME, WIDTH = 5, 6
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 1, 1, 0]], bool)
LAYERS = {
    "min gru": lambda **o: MinGRU(4, **o),
    "min lstm": lambda **o: MinLSTM(4, **o),
    "sru": lambda **o: SRU(WIDTH, **o),
    "sru of another width": lambda **o: SRU(4, activation="tanh", **o),
    "qrnn": lambda **o: QRNN(4, **o),
    "qrnn of three": lambda **o: QRNN(4, window=3, **o),
    "qrnn of one": lambda **o: QRNN(4, window=1, **o),
}
# The others differ in what is computed before the scan, by the same code on JAX.
ON_JAX = ("min lstm", "sru", "qrnn of three")
every = pytest.mark.parametrize(
    "kind",
    [
        kind if kind in ON_JAX else pytest.param(kind, marks=not_on_jax)
        for kind in LAYERS
    ],
)
main = pytest.mark.parametrize("kind", slow_but(ON_JAX, LAYERS))
ALL = {"return_sequences": True, "return_state": True}


X = draw(0, 3, TIME, WIDTH)


def make(kind, **options):
    return with_drawn_weights(LAYERS[kind](**options), X.shape)


@every
@pytest.mark.parametrize("use_bias", [True, False])
def test_equals_the_printed_equations(kind, use_bias):
    layer = make(kind, use_bias=use_bias, **ALL)
    start = states(layer)
    for mask in (np.ones_like(MASK), MASK, MASK[:, ::-1]):
        expected = reference(layer, X, mask, start)
        assert_close(layer(X, mask=mask, initial_state=start), expected, 1e-5)
    one, *last = reference(layer, X[:, :1], MASK[:, :1], start)
    y, ends = layer.cell(X[:, 0], start)
    assert_close([y, *ends], [one[:, 0], *last], 1e-5)


@every
def test_backwards_it_reads_from_the_last_step(kind):
    layer = make(kind, go_backwards=True, **ALL)
    start = states(layer)
    for mask in (None, MASK):
        shown = np.ones_like(MASK) if mask is None else mask
        outputs, *last = reference(layer, X, shown, start, reverse=True)
        expected = [outputs[:, ::-1], *last]
        assert_close(layer(X, mask=mask, initial_state=start), expected, 1e-5)


@every
@pytest.mark.parametrize("backwards", [False, True])
def test_the_last_output_and_zeros_at_masked_steps(kind, backwards):
    options = {"go_backwards": backwards}
    whole = make(kind, return_sequences=True, **options)
    last, zeros = make(kind, **options), make(kind, zero_output_for_mask=True, **ALL)
    outputs = ops.convert_to_numpy(whole(X, mask=MASK))
    assert_close(last(X, mask=MASK), outputs[:, -1], 1e-6)
    assert_close(last(X), whole(X)[:, -1], 1e-6)
    zeros.go_backwards = backwards
    mask = MASK[:, ::-1] if backwards else MASK
    expected = outputs * mask[:, :, None]
    assert_close(zeros(X, mask=MASK)[0], expected, 1e-6)


def gradients_of(layer, mask, training, mode="eager"):
    def run(x, *start):
        return layer(x, initial_state=list(start), mask=mask, training=training)

    run.trainable_variables = layer.trainable_variables
    run.non_trainable_variables = layer.non_trainable_variables
    return layer_gradients(run, [X, *states(layer)], total, mode)


@main
@pytest.mark.parametrize("backwards", [False, True])
def test_gradients_equal_autodiff_of_the_plain_cell(kind, backwards):
    # On JAX, keras takes the first state for the output of a masked step.
    zeros = {"zero_output_for_mask": BACKEND == "jax"}
    layer = make(kind, go_backwards=backwards, **zeros, **ALL)
    for mask in (None, MASK[:, ::-1] if backwards else MASK):
        expected = gradients_of(plain(layer, X.shape), mask, False)
        assert_close(gradients_of(layer, mask, True), expected, 1e-5)


@every
def test_few_rows_have_one_product_with_the_same_gradients(kind):
    """One row of five steps, in a form of its own, with others of no text."""
    layer = make(kind, **ALL)
    few = layer_gradients(layer, [X[:1]], total, training=True)
    wide, mask = np.repeat(X[:1], 3, 0), np.repeat([[True], [False]], [1, 2], 0)
    mask = np.repeat(mask, TIME, 1)

    def first(outputs):
        return total([y[:1] for y in outputs])

    many = layer_gradients(layer, [wide], first, mask=mask, training=True)
    assert_close(few, [many[0], [many[1][0][:1]], many[2]], 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", slow_but([], LAYERS, ON_JAX))
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "eager"])
def test_gradients_are_the_same_however_it_runs(kind, mode):
    layer = make(kind, **ALL)
    expected = gradients_of(layer, MASK, True)
    assert_close(gradients_of(layer, MASK, True, mode), expected, 1e-5)


@main
@pytest.mark.parametrize("shape", [(3, 1), (1, TIME), (1, 1)])
def test_one_step_and_one_row(kind, shape):
    layer = make(kind, return_sequences=True)
    x = X[: shape[0], : shape[1]]
    expected = layer_gradients(plain(layer, X.shape), [x], total)
    assert_close(layer_gradients(layer, [x], total, training=True), expected, 1e-5)


@every
def test_padding_and_batch_mates_change_nothing(kind):
    layer = make(kind, return_sequences=True)
    garbage = np.full((3, 2, WIDTH), np.nan, "float32")
    wide, mask = np.concatenate([X, garbage], 1), np.pad(MASK, [(0, 0), (0, 2)])

    def loss(y):
        return ops.sum(y[:, :TIME] ** 2)

    narrow = layer_gradients(layer, [X], loss, mask=MASK, training=True)
    padded = layer_gradients(layer, [wide], loss, mask=mask, training=True)
    assert_close(padded[0], narrow[0], 1e-6)
    assert_close(padded[1][0][:, :TIME], narrow[1][0], 1e-6)
    assert_close(padded[2], narrow[2], 1e-6)
    together = layer(X, mask=MASK)
    assert_close(layer(X[1:2], mask=MASK[1:2]), together[1:2], 1e-6)


@every
def test_a_text_can_be_read_in_pieces(kind):
    layer, kept = make(kind, **ALL), make(kind, stateful=True, return_sequences=True)
    outputs, *ends = layer(X)
    for cut in (1, 2, 4):
        first, *middle = layer(X[:, :cut])
        second, *last = layer(X[:, cut:], initial_state=middle)
        assert_close(ops.concatenate([first, second], 1), outputs, 1e-5)
        assert_close(last, ends, 1e-5)
    parts = [kept(X[:, :2]), kept(X[:, 2:])]
    assert_close(ops.concatenate(parts, 1), outputs, 1e-5)
    kept.reset_state()
    assert_close(kept(X[:, :2]), outputs[:, :2], 1e-5)


@main
def test_bidirectional_reads_each_row_from_its_own_end(kind):
    both = Bidirectional(LAYERS[kind](zero_output_for_mask=True, **ALL))
    both.build(X.shape)
    outputs, *ends = both(X, mask=MASK)
    count = len(both.forward_layer.cell.state_size)
    size = both.forward_layer.cell.units
    start = [np.zeros_like(s) for s in states(both.forward_layer)]
    for place, layer in enumerate((both.forward_layer, both.backward_layer)):
        y, *last = reference(layer, X, MASK, start, reverse=bool(place))
        part = outputs[..., place * size : (place + 1) * size]
        assert_close(part, y * MASK[:, :, None], 1e-5)
        assert_close(ends[place * count : (place + 1) * count], last, 1e-5)


@every
def test_config_round_trip(kind, tmp_path):
    options = {
        "return_sequences": True,
        "dropout": 0.1,
        "dropout_per": "step",
        "kernel_regularizer": "l2",
        "seed": 7,
    }
    layer = LAYERS[kind](**options)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.units == layer.units and again.kernel_regularizer is not None
    assert again.seed == 7 and again.dropout == 0.1
    with eagerly(False):
        inputs = keras.Input((None, WIDTH))
        model = keras.Model(inputs, Bidirectional(layer)(inputs))
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_close(loaded(X), model(X), 0)


@pytest.mark.tensorflow
@pytest.mark.parametrize("kind", slow_but(["qrnn"], LAYERS, ON_JAX))
def test_a_saved_model_answers_alike_at_any_length(kind, tmp_path):
    import tensorflow as tf

    inputs = keras.Input((None, WIDTH))
    model = keras.Model(inputs, make(kind)(inputs))
    model.export(tmp_path / "saved", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "saved")
    for rows, time in ((1, 1), (3, TIME)):
        x = X[:rows, :time]
        assert_close(loaded.serve(x), model(x), 1e-6)


@main
@pytest.mark.parametrize("per", ["sequence", "step"])
def test_inputs_are_dropped_in_training(kind, per):
    layer = make(kind, dropout=0.999999, dropout_per=per, return_sequences=True)
    everything, zeros = np.ones_like(MASK), [0 * s for s in states(layer)]
    nothing = reference(layer, 0 * X, everything, zeros)
    assert_close(layer(X, training=True), nothing[0], 1e-5)
    assert np.abs(ops.convert_to_numpy(layer(X)) - nothing[0]).max() > 1e-2


@main
@pytest.mark.parametrize("policy", HALF_PRECISION)
def test_mixed_precision(kind, policy):
    full = make(kind, return_sequences=True)
    half = make(kind, return_sequences=True, stateful=True, dtype=policy)
    outputs = half(X, mask=MASK)
    assert keras.backend.standardize_dtype(outputs.dtype) == policy[len("mixed_") :]
    assert_close(ops.cast(outputs, "float32"), full(X, mask=MASK), 0.1)
    kinds = {keras.backend.standardize_dtype(v.dtype) for v in half.states}
    assert kinds == {"float32"}
    small = make(kind, return_sequences=True, dtype=policy)
    gradients = layer_gradients(
        small, [X], lambda y: total(ops.cast(y, "float32")), training=True
    )
    assert all(np.isfinite(g).all() for g in keras.tree.flatten(gradients[1:]))


@pytest.mark.parametrize("policy", HALF_PRECISION)
def test_half_precision_keeps_the_state_in_full(policy):
    """Steps that each change the state by less than half precision can tell."""
    ones = np.ones((1, 60, 1), "float32")

    def end(dtype):
        layer = MinGRU(1, use_bias=False, dtype=dtype)
        layer.build(ones.shape)
        layer.set_weights([np.array([[-8.0, 0.0]])])  # a share of σ(-8) a step
        y = layer(ones, initial_state=[np.ones((1, 1), "float32")])
        return float(ops.convert_to_numpy(ops.cast(y, "float32"))[0, 0])

    assert end("float32") < 0.985
    assert end(policy) == pytest.approx(end("float32"), abs=0.004)


def test_large_gates_stay_finite():
    layer = make("min lstm", return_sequences=True)
    layer.cell.kernel.assign(200 * layer.cell.kernel)
    found = layer_gradients(layer, [X], total, training=True)
    assert all(np.isfinite(each).all() for each in keras.tree.flatten(found))


@pytest.mark.parametrize("layer", [MinGRU, MinLSTM, SRU, QRNN])
def test_bad_arguments_are_named_with_what_was_received(layer):
    for bad in ({"units": 0}, {"units": 4.5}, {"units": 4, "recurrent_dropout": 0.1}):
        name = [*bad][-1]
        with pytest.raises(ValueError, match=rf"`{name}` must .*Received: {name}="):
            layer(**bad)
    with pytest.raises(ValueError, match="`recompute` must be omitted"):
        layer(4, recompute=True)
    for name in ("projection", "recurrent_initializer", "peepholes"):
        with pytest.raises((TypeError, ValueError), match=name):
            layer(4, **{name: 1})


def test_a_window_has_at_least_one_input():
    with pytest.raises(ValueError, match="`window` must .*Received: window=0"):
        QRNN(4, window=0)
