"""The language model that initialises shared layers: what it predicts and changes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.families.classification.pretraining import SHARED, _language_model, pretrain

VOCAB = 12
TASKS = {"a": 2, "b": 3}


def build(name="bilstm_mt", **keywords):
    keras.utils.set_random_seed(3)
    return zoo.get(name, VOCAB, TASKS, embedding_dim=6, units=5, **keywords)


def corpus(rows=48, seed=0):
    """Counting upwards from 4 to 11 and around: the next and the previous are sure."""
    generator = np.random.default_rng(seed)
    return [
        ((np.arange(length) + start) % 8 + 4).astype("int32")
        for start, length in zip(
            generator.integers(0, 8, rows), generator.integers(2, 9, rows), strict=True
        )
    ]


def padded(texts, time):
    tokens = np.zeros((len(texts), time), "int32")
    for row, ids in enumerate(texts):
        tokens[row, : len(ids)] = ids
    return tokens


def nll(softmax, states, targets):
    """Of the full softmax, from its definition; one number a step."""
    kernel, bias = (w.astype("float64") for w in softmax.get_weights())
    logits = states.astype("float64") @ kernel.T + bias
    chosen = logits[np.arange(len(targets)), targets]
    return np.log(np.exp(logits).sum(-1)) - chosen


def test_forward_predicts_the_next_and_backward_the_previous_token():
    model = build()
    language_model = _language_model(model, dropout=0.5, samples=7, seed=0)
    for name in ("forward", "backward"):
        layer = language_model.get_layer(f"{name}_softmax")
        shape = layer.bias.shape
        layer.bias.assign(np.random.default_rng(1).normal(size=shape))
    texts = corpus(5)
    embed = model.get_layer("embedding")
    total, count = 0.0, 0
    for ids in texts:  # one at a time, without padding
        x = embed(ids[None])
        mask = np.ones((1, len(ids)), bool)
        forward, backward = (
            ops.convert_to_numpy(model.get_layer(name)(x, mask=mask))[0]
            for name in SHARED[1:]
        )
        softmax = language_model.get_layer
        total += nll(softmax("forward_softmax"), forward[:-1], ids[1:]).sum()
        total += nll(softmax("backward_softmax"), backward[1:], ids[:-1]).sum()
        count += len(ids) - 1
    for time in (8, 16):  # padding does not matter
        found = language_model(padded(texts, time), training=False)
        np.testing.assert_allclose(float(found), total / count, rtol=1e-5)


def test_no_state_has_seen_what_it_predicts():
    model = build()
    texts = padded(corpus(4), 8)[:, :8]
    texts[texts == 0] = 4
    mask = np.ones(texts.shape, bool)

    def states(name, tokens):
        x = model.get_layer("embedding")(tokens)
        return ops.convert_to_numpy(model.get_layer(name)(x, mask=mask))

    for position in range(8):
        other = texts.copy()
        other[:, position] = 1
        unseen = {
            "shared_forward": slice(0, position),
            "shared_backward": slice(position + 1, 8),
        }
        for name, steps in unseen.items():
            before, after = states(name, texts), states(name, other)
            assert np.array_equal(before[:, steps], after[:, steps])
            assert not np.array_equal(before[:, position], after[:, position])


@pytest.mark.slow
def test_shared_layers_learn_and_private_ones_stay():
    model = build("mt_shared")
    before = {v.path: ops.convert_to_numpy(v) for v in model.variables}
    shared = {v.path for part in SHARED for v in model.get_layer(part).weights}
    losses = pretrain(
        model,
        corpus(),
        epochs=12,
        batch_size=8,
        samples=10,
        learning_rate=0.03,
        dropout=0.0,
        jit_compile=False,
    )
    assert len(losses) == 12 and losses[-1] < 0.5 * losses[0]
    for variable in model.variables:
        if "seed_generator" in variable.path:
            continue
        same = np.array_equal(before[variable.path], ops.convert_to_numpy(variable))
        assert same == (variable.path not in shared), variable.path


@pytest.mark.slow
def test_a_seed_decides_every_bit_and_texts_of_one_token_none():
    one = [np.array([5], "int32")]

    def run(seed, texts):
        model = build()
        losses = pretrain(
            model, texts, batch_size=8, samples=10, seed=seed, jit_compile=False
        )
        return losses, model.get_layer("shared_forward").get_weights()[0]

    losses, weights = run(1, corpus(16))
    again, same = run(1, one + corpus(16))  # a text of one token is left out
    assert losses == again and np.array_equal(weights, same)
    with pytest.raises(ValueError, match="two tokens.*Received: 1 text"):
        run(1, one)


@pytest.mark.slow
def test_interrupted_pretraining_goes_on_to_the_last_bit(tmp_path):
    class Killed(Exception):
        pass

    def kill(epoch, logs):
        if epoch == 1:
            raise Killed

    def run(folder, *callbacks):
        model = build()
        losses = pretrain(
            model,
            corpus(),
            epochs=4,
            batch_size=8,
            samples=10,
            folder=folder,
            callbacks=callbacks,
        )
        return losses, [model.get_layer(part).get_weights() for part in SHARED]

    whole, expected = run(None)
    with pytest.raises(Killed):
        run(tmp_path, keras.callbacks.LambdaCallback(on_epoch_end=kill))
    seen = []
    count = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(epoch)
    )
    losses, found = run(tmp_path, count)
    assert seen == [2, 3] and losses == whole
    for one, other in zip(expected, found, strict=True):
        assert all(map(np.array_equal, one, other))
    assert run(tmp_path, count)[0] == whole and seen == [2, 3]


def test_models_without_shared_layers_are_refused():
    model = zoo.get("text_cnn", VOCAB, TASKS, embedding_dim=4, maps=2)
    message = (
        "layers named embedding, shared_forward.*'text_cnn' without shared_forward"
    )
    with pytest.raises(ValueError, match=message):
        pretrain(model, corpus(4))
