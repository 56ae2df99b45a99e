"""The sampled softmax against its equation, with the candidates that it drew."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from gradients import layer_gradients
from keras import ops

from zoo.layers.softmax import SampledSoftmax

VOCAB, DIM, BATCH, TIME = 30, 4, 3, 5


def make(samples=12, vocab=VOCAB, seed=1):
    layer = SampledSoftmax(vocab, samples=samples, seed=seed)
    generator = np.random.default_rng(0)
    hidden = generator.normal(size=(BATCH, TIME, DIM)).astype("float32")
    targets = generator.integers(0, vocab, (BATCH, TIME)).astype("int32")
    layer.build(hidden.shape)
    layer.set_weights(
        [generator.normal(size=(vocab, DIM)), generator.normal(size=(vocab,))]
    )
    return layer, hidden, targets


def drawn_by(layer):
    """The candidates of the layer's next call."""
    state = layer.generator.state
    before = ops.convert_to_numpy(state)
    candidates = ops.convert_to_numpy(layer._candidates())
    state.assign(before)
    return candidates


def share(ids, vocab=VOCAB):
    return np.log((ids + 2) / (ids + 1)) / np.log(vocab + 1)


def sampled_loss(layer, hidden, targets, candidates):
    """-log of the target's share of {target} + candidates, one step after another."""
    kernel, bias = (w.astype("float64") for w in layer.get_weights())
    losses = np.zeros(targets.shape)
    for where in np.ndindex(targets.shape):
        ids = [targets[where], *candidates]
        logits = [
            hidden[where] @ kernel[i] + bias[i] - np.log(layer.samples * share(i))
            for i in ids
        ]
        losses[where] = np.log(np.exp(logits).sum()) - logits[0]
    return losses


def full_loss(layer, hidden, targets):
    kernel, bias = (w.astype("float64") for w in layer.get_weights())
    logits = hidden @ kernel.T + bias
    chosen = np.take_along_axis(logits, targets[..., None], -1)[..., 0]
    return np.log(np.exp(logits).sum(-1)) - chosen


def test_sampled_loss_is_that_of_the_equation():
    layer, hidden, targets = make()
    for _ in range(2):  # other candidates in each call
        candidates = drawn_by(layer)
        found = ops.convert_to_numpy(layer(hidden, targets, training=True))
        expected = sampled_loss(layer, hidden, targets, candidates)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_candidates_follow_the_zipf_distribution():
    layer, *_ = make(samples=40_000, vocab=10)
    counts = np.bincount(drawn_by(layer), minlength=10)
    expected = share(np.arange(10), 10)
    assert expected.sum() == pytest.approx(1)
    deviation = np.sqrt(expected * (1 - expected) / 40_000)
    assert (np.abs(counts / 40_000 - expected) < 5 * deviation).all()


@pytest.mark.parametrize("training, samples", [(False, 12), (True, 0)])
def test_full_softmax(training, samples):
    layer, hidden, targets = make(samples=samples)
    found = ops.convert_to_numpy(layer(hidden, targets, training=training))
    np.testing.assert_allclose(found, full_loss(layer, hidden, targets), rtol=1e-4)


def test_many_samples_come_near_the_full_softmax():
    """The loss, but for a constant, and its gradient, also for frequent targets."""
    losses, distances = {}, {}
    for samples in (4, 20_000):
        layer, hidden, targets = make(samples=samples)
        targets[0] = 0  # drawn thousands of times
        full, sampled = [
            layer_gradients(
                layer,
                [hidden],
                lambda loss: ops.sum(loss),
                targets=targets,
                training=training,
            )
            for training in (False, True)
        ]
        constant = np.log(samples * share(targets)).sum()
        losses[samples] = sampled[0] - constant - full[0]
        one, other = [
            np.concatenate([np.ravel(x) for x in (*by_inputs, *by_weights)])
            for _, by_inputs, by_weights in (full, sampled)
        ]
        distances[samples] = np.linalg.norm(one - other) / np.linalg.norm(one)
    assert abs(losses[20_000]) < 0.5 < abs(losses[4])  # of 15 steps
    assert distances[20_000] < 0.03 < 0.1 < distances[4]


def test_masked_steps_count_for_nothing():
    layer, hidden, targets = make()
    mask = np.ones((BATCH, TIME), bool)
    mask[1, 2:] = False
    candidates = drawn_by(layer)
    found = ops.convert_to_numpy(layer(hidden, targets, mask=mask, training=True))
    expected = np.where(mask, sampled_loss(layer, hidden, targets, candidates), 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    _, [by_hidden], _ = layer_gradients(
        layer,
        [hidden],
        lambda loss: ops.sum(loss),
        targets=targets,
        mask=mask,
        training=True,
    )
    assert not by_hidden[~mask].any() and by_hidden[mask].any(axis=-1).all()


def test_seed_decides_the_candidates():
    one, same, other = (drawn_by(make(seed=seed)[0]) for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert one.min() >= 0 and one.max() < VOCAB


def test_config():
    layer, hidden, targets = make()
    again = SampledSoftmax.from_config(layer.get_config())
    assert (again.vocab_size, again.samples, again.seed) == (VOCAB, 12, 1)
    symbolic = layer(keras.Input((None, DIM)), keras.Input((None,), dtype="int32"))
    assert symbolic.shape == (None, None)
