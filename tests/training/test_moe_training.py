"""The mixture of experts in training: what it learns, and what may not change it."""

from __future__ import annotations

import importlib

import keras
import numpy as np
import pytest
from keras import ops
from saved import ROOT

from zoo.layers import SparseMoE

WIDTH = 8


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.slow
@pytest.mark.tensorflow
def test_experts_beat_a_dense_layer_of_equal_operations_on_a_mixture(monkeypatch):
    """The paper's claim on a toy: more experts, as many operations, a lower loss."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    error = importlib.import_module("mixture").error
    one, four, sixteen = (
        error(experts, 16, rows=6000, epochs=20, seed=0) for experts in (1, 4, 16)
    )
    assert sixteen < 0.8 * four < 0.8 * one < 0.8, (one, four, sixteen)


@pytest.mark.parametrize("capacity", [None, 2.5])
def test_a_capacity_for_all_tokens_drops_none(capacity):
    """With a factor of n / k every token fits: as the dense form in every gradient."""
    layers = [
        SparseMoE(5, 2, 4, capacity_factor=capacity, form=form, load_loss=0.0, seed=3)
        for form in ("blocks", "dense")
    ]
    x = numbers(12, WIDTH)
    for layer in layers:
        layer.build(x.shape)
        generator = np.random.default_rng(1)
        for weight in layer.trainable_weights:
            weight.assign(generator.normal(size=weight.shape))
    one, other = (ops.convert_to_numpy(layer(x, training=True)) for layer in layers)
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert float(layers[0].routing_metrics.means["dropped"].result()) == pytest.approx(
        0.0
    )


def test_losses_are_there_once_a_call():
    layer = SparseMoE(5, 2, 4, z_loss=0.1, switch_loss=0.1)
    x = numbers(6, WIDTH)
    for _ in range(2):
        layer(x, training=True)
        assert len(layer.losses) == 4
    layer(x, training=False)
    assert layer.losses == []


def test_bfloat16_routes_as_float32():
    layers = [
        SparseMoE(16, 2, 4, dtype=policy) for policy in ("float32", "mixed_bfloat16")
    ]
    x = np.asarray(ops.cast(ops.cast(numbers(1000, WIDTH), "bfloat16"), "float32"))
    kernel = numbers(WIDTH, 16, seed=1)
    found = []
    for layer in layers:
        layer.build(x.shape)
        layer.gate.kernel.assign(kernel)
        inputs = ops.cast(ops.cast(x, layer.compute_dtype), "float32")
        routing = layer.gate(inputs, ops.ones((1000,), "bool"))
        found.append(np.sort(ops.convert_to_numpy(routing.experts), axis=-1))
    assert (found[0] == found[1]).all(axis=-1).mean() >= 0.99


@pytest.mark.slow
@pytest.mark.tensorflow
def test_1024_experts_are_saved_and_come_back(tmp_path):
    inputs = keras.Input((WIDTH,))
    model = keras.Model(inputs, SparseMoE(1024, 2, 4, name="moe")(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = numbers(50, WIDTH)
    np.testing.assert_array_equal(*(m.predict(x, verbose=0) for m in (model, again)))


@pytest.mark.tensorflow
def test_very_skewed_routing_loses_nothing():
    """All tokens to two experts of many: outputs and gradients of the dense form."""
    import tensorflow as tf

    x = tf.constant(np.abs(numbers(300, WIDTH)))
    found = []
    for form in ("sliced", "blocks", "dense"):
        keras.utils.set_random_seed(0)
        layer = SparseMoE(64, 2, 4, form=form)
        layer.build(x.shape)
        kernel = np.zeros((WIDTH, 64), "float32")
        kernel[:, [5, 40]] = 10.0, 9.0
        layer.gate.kernel.assign(kernel)
        with tf.GradientTape() as tape:
            y = layer(x)
            loss = tf.reduce_sum(y * y)
        gradients = tape.gradient(loss, [w.value for w in layer.kernels])
        found.append([y.numpy(), *(tf.convert_to_tensor(g).numpy() for g in gradients)])
        touched = np.flatnonzero(np.abs(found[-1][1]).sum(axis=(1, 2)))
        assert touched.tolist() == [5, 40]
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-4)
