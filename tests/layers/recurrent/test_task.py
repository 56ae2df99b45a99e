"""CoupledLSTM and TaskSpecificLSTM against NumPy loops of the paper's equations."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from gradients import MODES, assert_close, eagerly, layer_gradients
from keras import ops

from zoo.layers.recurrent.coupled import CoupledLSTM
from zoo.layers.recurrent.lstm import LSTM
from zoo.layers.recurrent.task_specific import TaskSpecificLSTM

MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]], bool)


def rng():
    return np.random.default_rng(0)


def arrays(*variables):
    """Copies that may be written to."""
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def fill(layer, seed=1):
    """Gives every weight, biases and peepholes too, a value that matters."""
    draw = np.random.default_rng(seed)
    for variable in layer.weights:
        if "seed" not in variable.path:
            variable.assign(draw.normal(0, 0.5, variable.shape).astype("float32"))


def weights_of(layer):
    names = ("kernel", "recurrent_kernel", "bias", "peephole_kernel")
    found = {name: getattr(layer, name) for name in names}
    n = layer.units
    zeros = {"bias": (layer.tasks, 5 * n), "peephole_kernel": (layer.tasks, 3, n)}
    return {
        name: np.zeros(zeros[name]) if value is None else arrays(value)[0]
        for name, value in found.items()
    }


def step(i, f, o, candidate, c, peepholes):
    """The plain peephole LSTM's step of section 1.1."""
    new = sigmoid(f + peepholes[1] * c) * c
    new = new + sigmoid(i + peepholes[0] * c) * np.tanh(candidate)
    return sigmoid(o + peepholes[2] * new) * np.tanh(new), new


def coupled_reference(layer, x, mask):
    w = weights_of(layer)
    W, U = w["kernel"], w["recurrent_kernel"]  # i f c o g; i f o g
    U_c = ops.convert_to_numpy(layer.coupling_kernel).astype("float64")
    n = layer.units
    b = w["bias"].reshape(2, 5, n)
    outputs = np.zeros((*x.shape[:2], 2, n))
    for row in range(len(x)):
        h, c = np.zeros((2, n)), np.zeros((2, n))
        for t in range(x.shape[1]):
            if mask[row, t]:
                x_t, old_h, old_c = x[row, t], h.copy(), c.copy()
                for m in (0, 1):
                    i = x_t @ W[m, 0] + old_h[m] @ U[m, 0] + b[m, 0]
                    f = x_t @ W[m, 1] + old_h[m] @ U[m, 1] + b[m, 1]
                    o = x_t @ W[m, 3] + old_h[m] @ U[m, 2] + b[m, 3]
                    candidate = x_t @ W[m, 2] + b[m, 2]
                    for s in (0, 1):
                        g = sigmoid(x_t @ W[m, 4] + b[m, 4] + old_h[s] @ U[s, 3])
                        candidate = candidate + g * (old_h[s] @ U_c[s, m])
                    h[m], c[m] = step(
                        i, f, o, candidate, old_c[m], w["peephole_kernel"][m]
                    )
            outputs[row, t] = h
    return outputs


def shared_reference(layer, x, shared, mask):
    w = weights_of(layer)
    W, U = w["kernel"], w["recurrent_kernel"]  # i f c o g both
    S = ops.convert_to_numpy(layer.shared_kernel).astype("float64")  # candidate, g
    n = layer.units
    b = w["bias"].reshape(-1, 5, n)
    outputs = np.zeros((*x.shape[:2], layer.tasks, n))
    for row in range(len(x)):
        for m in range(layer.tasks):
            h, c = np.zeros(n), np.zeros(n)
            for t in range(x.shape[1]):
                if mask[row, t]:
                    x_t, s_t = x[row, t], shared[row, t]
                    own = [x_t @ W[m, k] + b[m, k] for k in range(5)]
                    g = sigmoid(own[4] + h @ U[m, 4])
                    g_s = sigmoid(own[4] + s_t @ S[m, 1])
                    candidate = own[2] + g * (h @ U[m, 2]) + g_s * (s_t @ S[m, 0])
                    i, f, o = (own[k] + h @ U[m, k] for k in (0, 1, 3))
                    h, c = step(i, f, o, candidate, c, w["peephole_kernel"][m])
                outputs[row, t, m] = h
    return outputs


def make(kind, **options):
    x = rng().normal(size=(3, 5, 6)).astype("float32")
    shared = np.random.default_rng(5).normal(size=(3, 5, 8)).astype("float32")
    if kind == "coupled":
        layer, inputs = CoupledLSTM(4, **options), [x]
    else:
        layer, inputs = TaskSpecificLSTM(3, 4, **options), [x, shared]
    layer.build(*(value.shape for value in inputs))
    fill(layer)
    reference = coupled_reference if kind == "coupled" else shared_reference
    return layer, inputs, reference


both = pytest.mark.parametrize("kind", ["coupled", "shared"])


@both
@pytest.mark.parametrize("plain", [True, False], ids=["no-bias", "bias-peepholes"])
def test_equals_the_printed_equations(kind, plain):
    options = {"use_bias": not plain, "peepholes": not plain}
    layer, inputs, reference = make(kind, return_sequences=True, **options)
    expected = reference(layer, *inputs, MASK)
    assert_close(layer(*inputs, mask=MASK), expected, 1e-5)
    assert_close(layer(*inputs), reference(layer, *inputs, np.ones_like(MASK)), 1e-5)
    last, *_ = make(kind, **options)
    assert_close(last(*inputs, mask=MASK), expected[:, -1], 1e-5)


@pytest.mark.slow
@both
@pytest.mark.parametrize("mode", MODES)
def test_gradients_equal_autodiff_of_an_unrolled_loop(kind, mode):
    layer, inputs, _ = make(kind, return_sequences=True, peepholes=True)
    scale = rng().normal(size=(3, 5, layer.tasks, 4)).astype("float32")

    def loss(y):
        return ops.sum(y * scale)

    kwargs = {"mask": MASK, "training": True}
    actual = layer_gradients(layer, inputs, loss, mode, **kwargs)

    def unrolled(inputs, states, weights, peepholes, mask, training):
        h, c, outputs = states, states, []
        for t in range(5):
            x = keras.tree.map_structure(lambda x, t=t: x[t], inputs)
            new = layer.pointwise(layer.affine(x, h, weights), c, peepholes)
            shown = ops.expand_dims(ops.convert_to_tensor(mask[:, t]), -1)
            h, c = keras.tree.map_structure(
                lambda n, o, shown=shown: ops.where(shown, n, o), new, (h, c)
            )
            outputs.append(h)
        return keras.tree.map_structure(lambda *steps: ops.stack(steps), *outputs)

    layer.run = unrolled
    assert_close(actual, layer_gradients(layer, inputs, loss, **kwargs))


def test_coupled_with_open_gates_and_no_foreign_part_is_the_plain_lstm():
    layer, (x,), _ = make("coupled", peepholes=True, return_sequences=True)
    kernel, recurrent, coupling, bias = arrays(
        layer.kernel, layer.recurrent_kernel, layer.coupling_kernel, layer.bias
    )
    kernel[:, 4], recurrent[:, 3], bias[:, 16:] = 0, 0, 40  # g = 1
    coupling[0, 1] = coupling[1, 0] = 0
    for variable, value in zip(layer.weights, (kernel, recurrent, coupling, bias)):
        variable.assign(value)
    actual = ops.convert_to_numpy(layer(x, mask=MASK))
    for m in (0, 1):
        U = [recurrent[m, 0], recurrent[m, 1], coupling[m, m], recurrent[m, 2]]
        plain = plain_lstm(x, kernel[m], U, bias[m], layer.peephole_kernel[m])
        assert_close(actual[:, :, m], plain, 1e-5)


def test_shared_with_open_gates_and_no_shared_part_is_the_plain_lstm():
    layer, (x, shared), _ = make("shared", peepholes=True, return_sequences=True)
    kernel, recurrent, foreign, bias = arrays(
        layer.kernel, layer.recurrent_kernel, layer.shared_kernel, layer.bias
    )
    kernel[:, 4], recurrent[:, 4], bias[:, 16:] = 0, 0, 40
    foreign[:, 0] = 0
    for variable, value in zip(layer.weights, (kernel, recurrent, foreign, bias)):
        variable.assign(value)
    actual = ops.convert_to_numpy(layer(x, shared, mask=MASK))
    for m in range(3):
        plain = plain_lstm(
            x, kernel[m], recurrent[m], bias[m], layer.peephole_kernel[m]
        )
        assert_close(actual[:, :, m], plain, 1e-5)


def plain_lstm(x, kernel, recurrent, bias, peepholes):
    plain = LSTM(4, peepholes=True, return_sequences=True)
    plain.build(x.shape)
    plain.cell.kernel.assign(np.concatenate(list(kernel[:4]), -1))
    plain.cell.recurrent_kernel.assign(np.concatenate(list(recurrent[:4]), -1))
    plain.cell.bias.assign(bias[:16])
    plain.cell.peephole_kernel.assign(peepholes)
    return plain(x, mask=MASK)


@both
def test_padding_changes_nothing(kind):
    layer, inputs, _ = make(kind, peepholes=True)
    wide = [
        np.concatenate([v, np.full((3, 2, v.shape[-1]), np.nan, "float32")], axis=1)
        for v in inputs
    ]
    mask = np.pad(MASK, [(0, 0), (0, 2)])

    def loss(y):
        return ops.sum(y * y)

    narrow = layer_gradients(layer, inputs, loss, mask=MASK, training=True)
    padded = layer_gradients(layer, wide, loss, mask=mask, training=True)
    assert_close(padded[0], narrow[0], 1e-6)
    assert_close(padded[2], narrow[2], 1e-6)
    assert_close([g[:, :5] for g in padded[1]], narrow[1], 1e-6)


@both
def test_a_row_is_independent_of_its_batch_mates(kind):
    layer, inputs, _ = make(kind)
    together = ops.convert_to_numpy(layer(*inputs, mask=MASK))
    alone = layer(*(v[1:2] for v in inputs), mask=MASK[1:2])
    assert_close(alone, together[1:2], 1e-6)
    inputs[0][0] = np.nan
    assert_close(layer(*inputs, mask=MASK)[1:], together[1:], 1e-6)


@both
def test_config_round_trip(kind):
    options = {"peepholes": True, "use_bias": False, "dropout": 0.1, "seed": 3}
    layer, inputs, _ = make(kind, kernel_regularizer="l2", **options)
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == layer.get_config()
    again.set_weights(layer.get_weights())
    assert_close(again(*inputs), layer(*inputs), 0)


@pytest.mark.slow
@both
@pytest.mark.parametrize("jit", [False, True])
def test_fits_inside_a_model_of_any_length(kind, jit):
    layer, inputs, _ = make(kind, dropout=0.2, recurrent_dropout=0.2, recompute=True)
    symbolic = [keras.Input((None, v.shape[-1])) for v in inputs]
    model = keras.Model(symbolic, layer(*symbolic))
    assert model.output.shape == (None, layer.tasks, 4)
    model.compile("sgd", "mse", jit_compile=jit)
    before = arrays(*layer.trainable_variables)
    with eagerly(False):
        model.fit(inputs, np.zeros((3, layer.tasks, 4)), batch_size=3, verbose=0)
    after = arrays(*layer.trainable_variables)
    assert min(np.abs(a - b).max() for a, b in zip(after, before)) > 0
    short = model.predict([v[:, :1] for v in inputs], verbose=0)
    assert short.shape == (3, layer.tasks, 4)


@both
def test_mixed_precision_is_close_to_full(kind):
    layer, inputs, _ = make(kind, peepholes=True)
    half, *_ = make(kind, peepholes=True, dtype="mixed_bfloat16")
    half.set_weights(layer.get_weights())
    outputs = half(*inputs, mask=MASK)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    assert_close(ops.cast(outputs, "float32"), layer(*inputs, mask=MASK), 0.05)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: CoupledLSTM(4, tasks=3),
        lambda: CoupledLSTM(0),
        lambda: TaskSpecificLSTM(0, 4),
        lambda: TaskSpecificLSTM(2, 4, dropout=1.0),
    ],
)
def test_bad_arguments_are_named_with_what_was_received(bad):
    with pytest.raises(ValueError, match=r"`\w+`.* must .*Received: \w+="):
        bad()
