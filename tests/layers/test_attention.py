"""Attention layers against their equations in NumPy, on both backends."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from gradients import MODES, layer_gradients, value_and_gradients
from keras import ops
from marks import HALF_PRECISION

from zoo.layers.attention import (
    AdditiveAttention,
    MultiplicativeAttention,
    TanhProductAttention,
)

LENGTHS = (5, 1, 3)
LAYERS = {
    "additive": lambda **k: AdditiveAttention(6, **k),
    "normalized": lambda **k: AdditiveAttention(6, normalize=True, **k),
    "multiplicative": lambda **k: MultiplicativeAttention(**k),
    "scaled": lambda **k: MultiplicativeAttention(scale=True, **k),
    "product": lambda **k: TanhProductAttention(6, **k),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def inputs(lengths=LENGTHS, time=5, seed=0):
    random = np.random.default_rng(seed)
    queries = random.normal(size=(len(lengths), 4, 3)).astype("float32")
    memory = random.normal(size=(len(lengths), time, 2)).astype("float32")
    return queries, memory, np.arange(time) < np.array(lengths)[:, None]


def make(name, seed=1, **keywords):
    layer = LAYERS[name](**keywords)
    layer(*inputs())
    random = np.random.default_rng(seed)
    layer.set_weights([random.normal(size=w.shape) for w in layer.weights])
    return layer


def run(layer, *arguments, **keywords):
    return [ops.convert_to_numpy(x) for x in layer(*arguments, **keywords)]


def reference(name, weights, query, memory):
    """Context `[memory units]` and weights `[time]` of one query, in float64."""
    w = {path: np.asarray(value, "float64") for path, value in weights.items()}
    score = []
    for m in memory.astype("float64"):
        if name in ("additive", "normalized"):
            v, b = w["v"], w.get("b", 0.0)
            if name == "normalized":
                v = w["g"] * v / np.linalg.norm(v)
            hidden = np.tanh(query @ w["query_kernel"] + m @ w["memory_kernel"] + b)
            score.append(v @ hidden)
        elif name == "product":
            left = np.tanh(query @ w["query_kernel"])
            right = np.tanh(m @ w["memory_kernel"])
            score.append(sum(w["v"][d] * left[d] * right[d] for d in range(len(left))))
        else:
            score.append(w.get("g", 1.0) * (query @ w["memory_kernel"].T @ m))
    weight = np.exp(np.array(score) - max(score))
    weight /= weight.sum()
    return weight @ memory, weight


def by_name(layer):
    return {w.name: ops.convert_to_numpy(w) for w in layer.weights}


@every_layer
def test_each_query_attends_as_in_the_equations(name):
    layer = make(name)
    queries, memory, mask = inputs()
    context, weights = run(layer, queries, memory, mask)
    assert context.shape == (3, 4, 2) and weights.shape == (3, 4, 5)
    for row, length in enumerate(LENGTHS):
        for target in range(4):
            expected = reference(
                name, by_name(layer), queries[row, target], memory[row, :length]
            )
            found = context[row, target], weights[row, target, :length]
            for one, other in zip(found, expected):
                np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)
            assert not weights[row, target, length:].any()  # exactly 0


def test_one_matmul_is_the_sum_over_all_pairs():
    """Appendix G by broadcasting to `[batch, targets, time, units]`."""
    layer = make("product")
    queries, memory, _ = inputs()
    w = by_name(layer)
    left = np.tanh(queries @ w["query_kernel"])[:, :, None]
    right = np.tanh(memory @ w["memory_kernel"])[:, None]
    expected = (w["v"] * left * right).sum(-1)
    found = layer.score(ops.convert_to_tensor(queries), layer.prepare(memory))
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)


@every_layer
@pytest.mark.parametrize("garbage", [1e30, np.nan, np.inf])
def test_what_stands_at_padding_is_never_read(name, garbage):
    layer = make(name)
    queries, memory, mask = inputs()
    spoilt = np.where(mask[..., None], memory, np.float32(garbage))
    expected = run(layer, queries, memory, mask)
    for keys in (None, layer.prepare(spoilt, mask)):
        for one, other in zip(run(layer, queries, spoilt, mask, keys=keys), expected):
            np.testing.assert_array_equal(one, other)

    def total(values):
        context, weights = layer(*values, mask)
        return ops.sum(context**2) + ops.sum(weights**2)

    _, (of_queries, of_memory) = value_and_gradients(total, [queries, spoilt])
    assert np.isfinite(of_queries).all() and np.isfinite(of_memory).all()
    assert not of_memory[~mask].any() and of_memory[mask].any()


@every_layer
def test_more_padding_changes_nothing(name):
    layer = make(name)
    queries, memory, mask = inputs()
    context, weights = run(layer, queries, memory, mask)
    longer = np.pad(memory, [(0, 0), (0, 7), (0, 0)], constant_values=9.0)
    found = run(layer, queries, longer, np.pad(mask, [(0, 0), (0, 7)]))
    np.testing.assert_allclose(found[0], context, atol=1e-6)
    np.testing.assert_allclose(found[1][..., :5], weights, atol=1e-6)
    assert not found[1][..., 5:].any()
    alone = run(layer, queries[2:], memory[2:, :3])  # without a mask
    np.testing.assert_allclose(alone[0][0], context[2], atol=1e-6)


@every_layer
def test_a_memory_without_tokens_gives_zeros(name):
    layer = make(name)
    queries, memory, mask = inputs()
    mask = mask & np.array([[True], [False], [True]])
    context, weights = run(layer, queries, memory, mask)
    assert not context[1].any() and not weights[1].any()
    np.testing.assert_allclose(weights[[0, 2]].sum(-1), 1.0, atol=1e-6)
    _, of_inputs, of_weights = layer_gradients(
        layer, [queries, memory], lambda y: ops.sum(y[0] ** 2), mask=mask
    )
    for gradient in (*of_inputs, *of_weights):
        assert np.isfinite(gradient).all() and gradient.any()


@every_layer
def test_prepared_keys_serve_step_by_step(name):
    layer = make(name)
    queries, memory, mask = inputs()
    context, weights = run(layer, queries, memory, mask)
    keys = layer.prepare(memory, mask)
    for target in range(4):
        step = run(layer, queries[:, target : target + 1], memory, mask, keys=keys)
        np.testing.assert_allclose(step[0][:, 0], context[:, target], atol=1e-6)
        np.testing.assert_allclose(step[1][:, 0], weights[:, target], atol=1e-6)


@every_layer
@pytest.mark.parametrize("mode", MODES)
def test_gradients_are_the_differences(name, mode):
    """Central differences, along a random direction for each input and weight."""
    layer = make(name)
    queries, memory, mask = inputs()
    random = np.random.default_rng(3)
    factors = random.normal(size=(3, 4, 2)), random.normal(size=(3, 4, 5))
    factors = [f.astype("float32") for f in factors]

    def loss(outputs):
        return sum(ops.sum(y * f) for y, f in zip(outputs, factors))

    def value(arrays):
        """By the reference, in float64."""
        w = dict(zip((v.name for v in layer.weights), arrays[2:]))
        total = 0.0
        for row, length in enumerate(LENGTHS):
            for target in range(4):
                context, weight = reference(
                    name, w, arrays[0][row, target], arrays[1][row, :length]
                )
                total += context @ factors[0][row, target]
                total += weight @ factors[1][row, target, :length]
        return total

    _, of_inputs, of_weights = layer_gradients(
        layer, [queries, memory], loss, mode, mask=mask
    )
    arrays = [queries, memory, *by_name(layer).values()]
    arrays = [np.asarray(a, "float64") for a in arrays]
    for place, gradient in enumerate((*of_inputs, *of_weights)):
        direction = random.normal(size=arrays[place].shape)
        ends = [
            value(
                [
                    a + sign * direction if i == place else a
                    for i, a in enumerate(arrays)
                ]
            )
            for sign in (1e-5, -1e-5)
        ]
        expected = (ends[0] - ends[1]) / 2e-5
        found = (gradient * direction).sum()
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@every_layer
@pytest.mark.parametrize("dtype", HALF_PRECISION)
def test_the_softmax_is_in_float32_under_every_policy(name, dtype):
    layer = make(name, dtype=dtype)
    queries, memory, mask = inputs((3000, 1, 3), time=3000)
    context, weights = layer(queries * 300, memory * 300, mask)
    half = dtype.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(context.dtype) == half
    assert keras.backend.standardize_dtype(weights.dtype) == "float32"
    assert np.isfinite(ops.convert_to_numpy(ops.cast(context, "float32"))).all()
    weights = ops.convert_to_numpy(weights)
    np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-4)
    keys = layer.prepare(memory * 300, mask)
    assert keras.backend.standardize_dtype(keys.dtype) == half
    again = layer(queries * 300, memory * 300, mask, keys=keys)[1]
    np.testing.assert_allclose(ops.convert_to_numpy(again), weights, atol=1e-6)


def test_the_normalized_form_starts_as_tensorflow_addons_does():
    layer = AdditiveAttention(16, normalize=True)
    layer.build((None, None, 3), (None, None, 2))
    weights = by_name(layer)
    np.testing.assert_allclose(weights["g"], 0.25)
    assert not weights["b"].any() and weights["b"].shape == (16,)
    np.testing.assert_allclose(by_name(make("scaled", seed=0))["g"].shape, ())
    # The size of v does not matter.
    layer, arguments = make("normalized"), inputs()
    before = run(layer, *arguments)
    layer.v.assign(layer.v * 7.0)
    for one, other in zip(run(layer, *arguments), before):
        np.testing.assert_allclose(one, other, atol=1e-6)


@every_layer
def test_a_functional_model_is_saved_and_loaded(name, tmp_path):
    queries = keras.Input((None, 3))
    memory = keras.Input((None, 2))
    mask = keras.Input((None,), dtype="bool")
    outputs = LAYERS[name](kernel_initializer="he_normal")(queries, memory, mask=mask)
    assert outputs[0].shape == (None, None, 2) and outputs[1].shape[0] is None
    model = keras.Model([queries, memory, mask], outputs)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for one, other in zip(again(list(inputs())), model(list(inputs()))):
        np.testing.assert_array_equal(*map(ops.convert_to_numpy, (one, other)))
    layer = again.layers[-1]
    assert (
        type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
    )


@pytest.mark.parametrize("layer", [AdditiveAttention, TanhProductAttention])
def test_errors(layer):
    with pytest.raises(ValueError, match="`units` must be an integer.*units=0"):
        layer(0)
    with pytest.raises(ValueError, match="`prepare` needs.*Accepted:.*Received:"):
        layer(4).prepare(np.zeros((1, 2, 3), "float32"))
