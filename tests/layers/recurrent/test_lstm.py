"""The LSTM's equations, and keras's RNN contract on all fast recurrent layers."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from drawn_layers import draw, plain, states, total, with_drawn_weights
from gradients import BACKEND, MODES, assert_close, eagerly, layer_gradients
from keras import ops
from marks import HALF_PRECISION, slow_but

from zoo.layers.recurrent.bidirectional import Bidirectional
from zoo.layers.recurrent.factorized import FactorizedLSTM
from zoo.layers.recurrent.group import GroupLSTM
from zoo.layers.recurrent.gru import GRU
from zoo.layers.recurrent.lstm import LSTM, LSTMCell

TIME, WIDTH = 5, 6
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]], bool)

LAYERS = {
    "lstm": lambda **o: LSTM(4, **o),
    "peepholes": lambda **o: LSTM(4, peepholes=True, use_bias=False, **o),
    "projected": lambda **o: LSTM(4, projection=2, peepholes=True, **o),
    "normalised": lambda **o: LSTM(4, projection=2, layer_norm=True, **o),
    "factorized": lambda **o: FactorizedLSTM(4, rank=2, projection=2, **o),
    "grouped": lambda **o: GroupLSTM(4, groups=2, projection=2, **o),
    "apart": lambda **o: GroupLSTM(4, groups=2, layer_norm=True, **o),
    "gru": lambda **o: GRU(4, **o),
}
# JAX compiles every eager operation: one kind of each cell is enough there.
KINDS = ["projected", "factorized", "grouped", "gru"]
if BACKEND == "tensorflow":
    KINDS = [*LAYERS]
# Slow ones of the cell that is left, and of normalisation.
every = pytest.mark.parametrize(
    "kind",
    slow_but(["projected", "factorized", "grouped"], KINDS, ["gru", "normalised"]),
)


# The form of a small state; that of a large one is all that there is on JAX.
FORMS = {"joint": 10**6, "apart": 0} if BACKEND == "tensorflow" else {"apart": 0}


@pytest.fixture(params=FORMS)
def form(request, monkeypatch):
    monkeypatch.setattr("zoo.layers.recurrent.layer._SMALL_STATE", FORMS[request.param])


X = draw(0, 3, TIME, WIDTH)


def make(kind, **options):
    return with_drawn_weights(LAYERS[kind](**options), X.shape)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference(layer, x, mask, h, c):
    """The equations of sections 1.1 and 2.1, row by row and step by step."""
    cell = layer.cell
    W, U = (
        ops.convert_to_numpy(w).astype("float64")
        for w in (cell.kernel, cell.recurrent_kernel)
    )
    n, outputs = cell.units, np.zeros((*x.shape[:2], cell.output_size))
    b = ops.convert_to_numpy(cell.bias) if cell.use_bias else np.zeros(4 * n)
    V = np.zeros((3, n))
    if cell.peepholes:
        V = ops.convert_to_numpy(cell.peephole_kernel).astype("float64")
    constant = 0 if cell.forget_bias == "trained" else cell.forget_bias
    h, c = h.astype("float64"), c.astype("float64")
    for row in range(len(x)):
        for t in range(x.shape[1]):
            if mask[row, t]:
                a = x[row, t] @ W + h[row] @ U + b
                i, f, g, o = np.split(a, 4)
                old = c[row]
                new = sigmoid(f + constant + V[1] * old) * old
                new = new + sigmoid(i + V[0] * old) * np.tanh(g)
                m = sigmoid(o + V[2] * new) * np.tanh(new)
                if cell.projection:
                    m = m @ ops.convert_to_numpy(cell.projection_kernel)
                h[row], c[row] = m, new
            outputs[row, t] = h[row]
    return outputs, h, c


@pytest.mark.parametrize("forget_bias", ["trained", 1.0])
@pytest.mark.parametrize("kind", ["lstm", "peepholes", "projected"])
def test_equals_the_printed_equations(kind, forget_bias, form):
    layer = make(
        kind, forget_bias=forget_bias, return_sequences=True, return_state=True
    )
    start = states(layer)
    expected = reference(layer, X, MASK, *(s.copy() for s in start))
    assert_close(layer(X, mask=MASK, initial_state=start), expected, 1e-5)
    for step in (0, 2):
        h, c = states(layer)
        one = reference(layer, X[:, step : step + 1], MASK[:, :1], h.copy(), c.copy())
        y, (h, c) = layer.cell(X[:, step], [h, c])
        assert_close([y, h, c], [one[0][:, 0], *one[1:]], 1e-5)


def gradients_of(layer, mask, training, mode="eager"):
    def run(x, *start):
        return layer(x, initial_state=list(start), mask=mask, training=training)

    run.trainable_variables = layer.trainable_variables
    run.non_trainable_variables = layer.non_trainable_variables
    return layer_gradients(run, [X, *states(layer)], total, mode)


@every
@pytest.mark.parametrize("backwards", [False, True])
def test_gradients_equal_autodiff_of_the_plain_cell(kind, backwards, form):
    options = {"return_sequences": True, "return_state": True}
    layer = make(kind, go_backwards=backwards, **options)
    for mask in (None, MASK[:, ::-1] if backwards else MASK):
        expected = gradients_of(plain(layer, X.shape), mask, False)
        assert_close(gradients_of(layer, mask, True), expected, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["projected", "factorized", "grouped", "gru"])
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "eager"])
def test_gradients_are_the_same_however_it_runs(kind, mode, form):
    layer = make(kind, return_sequences=True, return_state=True)
    expected = gradients_of(layer, MASK, True)
    assert_close(gradients_of(layer, MASK, True, mode), expected, 1e-5)


@every
@pytest.mark.parametrize("shape", [(3, 1), (1, TIME), (1, 1)])
def test_one_step_and_one_row(kind, shape, form):
    layer = make(kind, return_sequences=True)
    x = X[: shape[0], : shape[1]]
    expected = layer_gradients(plain(layer, X.shape), [x], total)
    assert_close(layer_gradients(layer, [x], total, training=True), expected, 1e-4)


@every
def test_recompute_changes_memory_only(kind, form):
    kept = make(kind, return_sequences=True)
    again = make(kind, return_sequences=True, recompute=True)
    options = {"mask": MASK, "training": True}
    expected = layer_gradients(kept, [X], total, **options)
    assert_close(layer_gradients(again, [X], total, **options), expected, 1e-5)


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_takes_the_weights_and_the_place_of_keras_lstm(sequences, backwards):
    options = {
        "return_sequences": sequences,
        "return_state": True,
        "go_backwards": backwards,
        "zero_output_for_mask": sequences,
    }
    ours = make("lstm", **options)
    keras_lstm = keras.layers.LSTM(4, use_cudnn=False, **options)
    keras_lstm.build(X.shape)
    keras_lstm.set_weights(ours.get_weights())
    for mask in (None, MASK):
        for start in (None, states(ours)):
            call = {"mask": mask, "initial_state": start}
            assert_close(ours(X, **call), keras_lstm(X, **call), 1e-5)


def test_starts_like_keras_lstm():
    ours, theirs = LSTM(4, seed=1), keras.layers.LSTM(4)
    ours.build((None, None, WIDTH)), theirs.build((None, None, WIDTH))
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ours.cell.bias), np.repeat([0, 1, 0, 0], 4)
    )
    constant = LSTM(4, forget_bias=1.0)
    constant.build((None, None, WIDTH))
    assert not ops.convert_to_numpy(constant.cell.bias).any()


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
    broken = X.copy()
    broken[0] = np.nan
    assert_close(layer(broken, mask=MASK)[1:], together[1:], 1e-6)


@every
def test_stateful_goes_on_where_it_ended(kind):
    layer = make(kind, stateful=True, return_sequences=True)
    whole = LAYERS[kind](return_sequences=True)
    whole.build(X.shape)
    whole.set_weights(layer.get_weights()[: len(whole.get_weights())])
    expected = ops.convert_to_numpy(whole(X))
    first = layer(X[:, :2])
    assert_close(ops.concatenate([first, layer(X[:, 2:])], 1), expected, 1e-5)
    layer.reset_state()
    assert_close(layer(X[:, :2]), expected[:, :2], 1e-5)
    with pytest.raises(ValueError, match="batch size"):
        layer(X[:2])


@every
@pytest.mark.parametrize("wrapper", [Bidirectional, keras.layers.Bidirectional])
def test_bidirectional_reads_each_row_from_its_own_end(kind, wrapper):
    options = {"return_sequences": True, "return_state": True}
    both = wrapper(LAYERS[kind](zero_output_for_mask=True, **options))
    both.build(X.shape)
    outputs, *ends = both(X, mask=MASK)
    single = LAYERS[kind](**options)
    single.build(X.shape)
    size, count = single.cell.output_size, len(single.cell.state_size)
    assert len(ends) == 2 * count
    for row, length in enumerate(MASK.sum(1)):
        x = X[row : row + 1, :length]
        single.set_weights(both.forward_layer.get_weights())
        y, *last = single(x)
        assert_close(outputs[row : row + 1, :length, :size], y, 1e-5)
        assert_close([e[row : row + 1] for e in ends[:count]], last, 1e-5)
        single.set_weights(both.backward_layer.get_weights())
        y, *last = single(x[:, ::-1])
        assert_close(outputs[row : row + 1, :length, size:], y[:, ::-1], 1e-5)
        assert_close([e[row : row + 1] for e in ends[count:]], last, 1e-5)
        assert not ops.convert_to_numpy(outputs)[row, length:].any()


@pytest.mark.parametrize("mode", ["concat", "sum", "ave", "mul", None])
def test_bidirectional_merges_like_keras(mode):
    ours = Bidirectional(LSTM(4), merge_mode=mode)
    theirs = keras.layers.Bidirectional(
        keras.layers.LSTM(4, use_cudnn=False), merge_mode=mode
    )
    ours.build(X.shape), theirs.build(X.shape)
    theirs.set_weights(ours.get_weights())
    start = [draw(s, 3, 4) for s in range(4)]
    assert_close(
        ours(X, mask=MASK, initial_state=start),
        theirs(X, mask=MASK, initial_state=start),
        1e-5,
    )
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(ours)
    )
    again.set_weights(ours.get_weights())
    assert_close(again(X, mask=MASK), ours(X, mask=MASK), 0)


@every
@pytest.mark.parametrize("per", ["sequence", "step"])
def test_dropout_masks(kind, per):
    """Of ones, the inputs kept in a sequence, or in a step, are the same for good."""
    options = {"dropout": 0.5, "dropout_per": per, "seed": 3}
    layer = make(kind, **options)
    seen = []
    layer.cell.hoist = lambda rows, joint=False, hoist=layer.cell.hoist: (
        seen.append(rows),
        hoist(rows, joint),
    )[1]
    layer(np.ones_like(X), training=True)
    x = ops.convert_to_numpy(seen[0]).reshape(TIME, 3, WIDTH)
    assert set(np.unique(x)) == {0.0, 2.0}
    assert (x == x[:1]).all() == (per == "sequence")
    assert_close(layer(X), make(kind)(X), 0)


@pytest.fixture
def eight_rows(monkeypatch):
    """Up to so many take the joint form, on TensorFlow."""
    monkeypatch.setattr("zoo.layers.recurrent.layer._SMALL_STATE", 8 * 4)


@pytest.mark.tensorflow
@every
@pytest.mark.parametrize("training", [False, True])
def test_few_and_many_rows_agree(kind, training, eight_rows):
    layer = make(kind, return_sequences=True)
    x = np.random.default_rng(5).normal(size=(20, TIME, WIDTH)).astype("float32")
    mask = np.arange(TIME) < np.arange(20)[:, None] % (TIME + 1)
    many = layer(x, mask=mask, training=training)
    few = [layer(x[[row]], mask=mask[[row]], training=training) for row in range(20)]
    assert_close(ops.concatenate(few), many, 1e-5)


@pytest.mark.slow
@pytest.mark.tensorflow
@every
def test_gradients_at_inference_with_any_number_of_rows(kind, eight_rows):
    """Saliency maps ask for these: one graph, in which both forms stand."""
    import tensorflow as tf

    layer = make(kind, return_sequences=True)

    @tf.function(input_signature=[tf.TensorSpec((None, TIME, WIDTH))])
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(layer(x) ** 2)
        return tape.gradient(y, x)

    for rows in (2, 20):
        x = tf.random.stateless_normal((rows, TIME, WIDTH), (0, rows))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(layer(x, training=True) ** 2)
        assert_close(gradient(x), tape.gradient(y, x), 1e-4)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "gru"])
@pytest.mark.parametrize("per", ["sequence", "step"])
def test_recurrent_dropout_drops_the_state_alone(kind, per, form):
    """At rates near 1 nothing of the state is left: every step is a first step."""
    options = {"recurrent_dropout": 0.999999, "dropout_per": per}
    layer = make(kind, return_sequences=True, **options)
    cell, c = layer.cell, np.zeros((3, 4), "float32")
    h = np.zeros((3, cell.output_size), "float32")
    expected = []
    for t in range(TIME):
        y, (_, c) = cell(X[:, t], [h, c])
        expected.append(y)
    expected = ops.stack(expected, 1)
    assert_close(layer(X, training=True), expected, 1e-5)
    assert np.abs(ops.convert_to_numpy(layer(X) - expected)).max() > 1e-2


@every
def test_config_round_trip(kind, tmp_path):
    options = {
        "return_sequences": True,
        "dropout": 0.1,
        "recurrent_dropout": 0.2,
        "dropout_per": "step",
        "recompute": True,
        "kernel_regularizer": "l2",
        "seed": 7,
    }
    layer = LAYERS[kind](**options)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    for name, value in options.items():
        if name != "kernel_regularizer":
            assert getattr(again, name) == value
    assert again.units == 4 and again.kernel_regularizer is not None
    with eagerly(False):
        inputs = keras.Input((None, WIDTH))
        model = keras.Model(inputs, Bidirectional(layer)(inputs))
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_close(loaded(X), model(X), 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, jit", [("projected", False), ("factorized", False), ("grouped", True)]
)
def test_fits_and_predicts_any_length(kind, jit):
    options = {"dropout": 0.1, "recurrent_dropout": 0.1}
    inputs, mask = keras.Input((None, WIDTH)), keras.Input((None,), dtype="bool")
    layer = LAYERS[kind](**options)
    model = keras.Model([inputs, mask], layer(inputs, mask=mask))
    model.compile("sgd", "mse", jit_compile=jit)
    before = layer.get_weights()
    with eagerly(False):
        model.fit([X, MASK], np.ones((3, 2)), batch_size=3, verbose=0)
    for name, old, new in zip(layer.weights, before, layer.get_weights()):
        assert np.abs(new - old).max() > 0, name
    short = model.predict([X[:, :1], MASK[:, :1]], verbose=0)
    assert_close(short, layer(X[:, :1]), 1e-5)


@every
@pytest.mark.parametrize("policy", HALF_PRECISION)
def test_mixed_precision(kind, policy):
    full = make(kind, return_sequences=True)
    half = make(kind, return_sequences=True, stateful=True, dtype=policy)
    outputs = half(X, mask=MASK)
    assert keras.backend.standardize_dtype(outputs.dtype) == policy[len("mixed_") :]
    expected = full(X, mask=MASK)
    assert_close(ops.cast(outputs, "float32"), expected, 0.1)
    assert {keras.backend.standardize_dtype(v.dtype) for v in half.states} == {
        "float32"
    }
    small = make(kind, return_sequences=True, dtype=policy)
    gradients = layer_gradients(
        small, [X], lambda y: total(ops.cast(y, "float32")), training=True
    )
    assert all(np.isfinite(g).all() for g in keras.tree.flatten(gradients[1:]))


@pytest.mark.parametrize(
    "bad",
    [
        lambda: LSTM(0),
        lambda: LSTM(4.5),
        lambda: LSTM(4, projection=-1),
        lambda: LSTM(4, forget_bias="ones"),
        lambda: LSTM(4, dropout=1.0),
        lambda: LSTM(4, recurrent_dropout=-0.1),
        lambda: LSTM(4, dropout_per="batch"),
        lambda: Bidirectional(keras.layers.LSTM(4)),
        lambda: Bidirectional(LSTM(4, go_backwards=True)),
        lambda: Bidirectional(LSTM(4), merge_mode="max"),
    ],
)
def test_bad_arguments_are_named_with_what_was_received(bad):
    with pytest.raises(ValueError, match=r"`\w+`.* must .*Received: \w+="):
        bad()


def test_parameters_of_the_baseline_lstm_of_liu_2016():
    assert LSTMCell(50, peepholes=True, use_bias=False).parameter_count(64) == 22950
    assert LSTMCell(50, peepholes=True).parameter_count(64) == 23150
