"""Loss over sequences against its equation in NumPy, on both backends."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from gradients import MODES, value_and_gradients
from keras import ops

from zoo.training.sequence_loss import SequenceCrossentropy, sequence_loss

LENGTHS = (5, 1, 0, 3)
AVERAGES = [(True, True), (True, False), (False, True), (False, False)]
smoothings = pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])


def example(seed=0, vocab=6):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(4, 5, vocab)).astype("float32") * 3
    targets = random.integers(0, vocab, (4, 5)).astype("int32")
    weights = random.uniform(0.5, 2, (4, 5)).astype("float32")
    return logits, targets, weights * (np.arange(5) < np.array(LENGTHS)[:, None])


def reference(logits, targets, weights, smoothing, over_time, over_batch):
    """Token by token, in float64."""
    losses = np.zeros(targets.shape)
    for place in np.ndindex(*targets.shape):
        z = logits[place].astype("float64")
        log_p = z - np.log(np.exp(z).sum())
        q = np.full(len(z), smoothing / len(z))
        q[targets[place]] += 1 - smoothing
        losses[place] = -(q @ log_p) * weights[place]
    axes = tuple(a for a, over in ((0, over_batch), (1, over_time)) if over)
    if not axes:
        return losses
    size = weights.sum(axis=axes)
    return np.where(size > 0, losses.sum(axis=axes) / np.where(size > 0, size, 1), 0.0)


def run(*arguments, **keywords):
    return ops.convert_to_numpy(sequence_loss(*arguments, **keywords))


@smoothings
@pytest.mark.parametrize("over_time,over_batch", AVERAGES)
def test_each_average(smoothing, over_time, over_batch):
    arrays = example()
    found = run(
        *arrays,
        label_smoothing=smoothing,
        average_across_timesteps=over_time,
        average_across_batch=over_batch,
    )
    expected = reference(*arrays, smoothing, over_time, over_batch)
    assert found.shape == expected.shape and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@smoothings
@pytest.mark.parametrize("mode", MODES)
def test_gradient(smoothing, mode):
    """Of the mean over tokens by the logits: w (softmax - q) / Σ w."""
    logits, targets, weights = example()
    value, gradient = value_and_gradients(
        lambda z: sequence_loss(z, targets, weights, label_smoothing=smoothing),
        logits,
        mode,
    )
    expected = reference(logits, targets, weights, smoothing, True, True)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    p = np.exp(logits.astype("float64"))
    p /= p.sum(-1, keepdims=True)
    q = (1 - smoothing) * np.eye(6)[targets] + smoothing / 6
    expected = weights[..., None] * (p - q) / weights.sum()
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


@smoothings
@pytest.mark.parametrize("mode", MODES)
def test_what_stands_at_weight_0_is_never_read(smoothing, mode):
    logits, targets, weights = example()
    mask = weights > 0
    spoilt = np.where(mask[..., None], logits, np.float32(np.nan))
    outside = np.where(mask, targets, -1).astype("int32")

    def loss(z):
        return sequence_loss(z, outside, mask, label_smoothing=smoothing)

    value, gradient = value_and_gradients(loss, spoilt, mode)
    expected = run(logits, targets, mask, label_smoothing=smoothing)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    assert np.isfinite(gradient).all() and not gradient[~mask].any()


@smoothings
def test_padding_changes_nothing(smoothing):
    arrays = example()
    longer = [np.pad(a, [(0, 3), (0, 4), (0, 0)][: a.ndim]) for a in arrays]
    found = run(*longer, label_smoothing=smoothing)
    expected = run(*arrays, label_smoothing=smoothing)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_no_weights_are_weights_of_1():
    logits, targets, weights = example()
    expected = run(logits, targets, np.ones_like(weights))
    np.testing.assert_array_equal(run(logits, targets), expected)


def test_a_batch_without_tokens_gives_0():
    logits, targets, weights = example()
    value, gradient = value_and_gradients(
        lambda z: sequence_loss(z, targets, weights * 0, label_smoothing=0.1), logits
    )
    assert value == 0 and not gradient.any()


@smoothings
def test_great_logits_keep_their_differences(smoothing):
    logits, targets, weights = example()
    great = np.round(logits) + 2.0**20
    found = run(great, targets, weights, label_smoothing=smoothing)
    expected = reference(np.round(logits), targets, weights, smoothing, True, True)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    far = run(1e30 * np.round(logits), targets, weights, label_smoothing=smoothing)
    assert np.isfinite(far)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_logits_are_summed_in_float32(dtype):
    logits, targets, weights = example(vocab=500)
    half = ops.cast(logits, dtype)
    found = run(half, targets, weights, label_smoothing=0.1)
    assert found.dtype == np.float32
    logits = ops.convert_to_numpy(ops.cast(half, "float32"))
    expected = reference(logits, targets, weights, 0.1, True, True)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@smoothings
def test_the_loss_for_compile(smoothing):
    logits, targets, weights = example()
    loss = SequenceCrossentropy(smoothing)
    found = ops.convert_to_numpy(loss(targets, logits, sample_weight=weights))
    expected = reference(logits, targets, weights, smoothing, True, True)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()


def test_fit_and_a_loaded_model_evaluate_the_mean_over_tokens(tmp_path):
    """Rows of unlike lengths in one batch: by tokens, not by rows."""
    keras.utils.set_random_seed(0)
    _, targets, weights = example()
    model = keras.Sequential([keras.Input((5,)), keras.layers.Embedding(6, 6)])
    model.compile("sgd", SequenceCrossentropy(0.1))
    model.fit(targets, targets, sample_weight=weights, batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    logits = again.predict(targets, verbose=0)
    expected = reference(logits, targets, weights, 0.1, True, True)
    found = again.evaluate(targets, targets, 4, 0, sample_weight=weights)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "wrong,message",
    [
        ({"logits": np.zeros((2, 3))}, "`logits` must have.*vocab\\].*\\(2, 3\\)"),
        ({"targets": np.zeros((2, 3, 4))}, "`targets` must have.*time\\].*\\(2, 3, 4"),
        ({"weights": np.zeros(2)}, "`weights` must have.*time\\].*\\(2,\\)"),
        ({"label_smoothing": 1.0}, "`label_smoothing` must be.*label_smoothing=1.0"),
        ({"label_smoothing": -0.1}, "`label_smoothing` must be.*=-0.1"),
    ],
)
def test_errors(wrong, message):
    good = {"logits": np.zeros((2, 3, 4)), "targets": np.zeros((2, 3), "int32")}
    with pytest.raises(ValueError, match=message):
        sequence_loss(**{**good, **wrong})
    if "label_smoothing" in wrong:
        with pytest.raises(ValueError, match=message):
            SequenceCrossentropy(**wrong)
