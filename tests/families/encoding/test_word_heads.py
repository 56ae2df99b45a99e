"""What an encoder learns at each word, and what the saved model lacks of it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from tiny_teacher import WIDTH, make_teacher, texts

import zoo
from zoo.families.encoding.fitting import TextsOnly
from zoo.families.encoding.heads import with_heads
from zoo.families.encoding.token_vectors import TokenVectors
from zoo.families.encoding.word_heads import (
    NEIGHBOURS,
    VECTORS,
    OwnLoss,
    SquaredLength,
    neighbour_head,
)

pytestmark = pytest.mark.tensorflow

SIZES = {"embedding_dim": 4, "units": 3, "width": 5}
TOKENS = np.array([[4, 5, 6, 0], [7, 8, 0, 0]], "int32")


def test_neighbours_are_predicted_from_the_side_that_has_not_seen_them():
    keras.utils.set_random_seed(0)
    model = zoo.get("text_encoder", 9, depth=2, **SIZES)
    both = with_heads(model, {NEIGHBOURS: neighbour_head(model, 9, 1.0)})
    softmax = both.get_layer(NEIGHBOURS)
    softmax.kernel.assign(np.random.default_rng(0).normal(size=softmax.kernel.shape))
    losses = both(TOKENS)[NEIGHBOURS].numpy()
    states = keras.Model(model.input, model.get_layer("states_1").input)
    forward, backward = (one.numpy() for one in states(TOKENS))
    kernel = softmax.kernel.numpy()

    def loss(state, token):
        logits = kernel @ state
        return np.log(np.exp(logits).sum()) - logits[token]

    ahead = [loss(forward[0, t], TOKENS[0, t + 1]) for t in range(2)]
    behind = [loss(backward[0, t], TOKENS[0, t - 1]) for t in (1, 2)]
    np.testing.assert_allclose(losses[0, [0, 1, 3, 4]], [*ahead, *behind], rtol=1e-4)
    other = TOKENS.copy()
    other[0, 2] = 8  # what comes after it must not know
    np.testing.assert_allclose(states(other)[0][0, :2], forward[0, :2], atol=1e-6)


def test_batches_weigh_words_and_pairs_of_words():
    vectors = np.ones((5, 2), np.float16)
    vectors[1] = 0.0
    batches = TextsOnly(
        [TOKENS[0, :3], TOKENS[1, :2]],
        {"embedding": np.zeros((2, 5))},
        {"embedding": np.ones(2)},
        batch_size=2,
        buckets=[4],
        vectors=TokenVectors(vectors, np.array([0, 3, 5])),
        neighbours=True,
    )
    tokens, targets, weights = batches[0]
    longer = int(np.argmax((tokens > 0).sum(axis=1)))
    assert targets[VECTORS].shape == (2, 4, 2)
    assert weights[VECTORS][longer].tolist() == [1, 0, 1, 0]
    assert weights[VECTORS][1 - longer].tolist() == [1, 1, 0, 0]
    assert weights[NEIGHBOURS][longer].tolist() == [1, 1, 0, 1, 1, 0]
    assert weights[NEIGHBOURS][1 - longer].tolist() == [1, 0, 0, 1, 0, 0]


def test_losses_are_means_over_words():
    true, own = np.zeros((1, 3, 2)), np.array([[[3.0, 4.0], [1.0, 0.0], [9.0, 9.0]]])
    weights = np.array([[1.0, 1.0, 0.0]])
    assert float(SquaredLength()(true, own, weights)) == pytest.approx(13)
    assert float(OwnLoss()(true[..., 0], own[..., 1], weights)) == pytest.approx(2)


def test_an_encoder_without_states_has_no_words_to_learn():
    splits = zoo.read(texts(), family="encoding", verbose=False)
    family = zoo.families.get_family("encoding")
    for weight in ("token_weight", "neighbour_weight"):
        with pytest.raises(ValueError, match="need states.*Received: static_encoder"):
            family.settings_for("static_encoder", splits, {weight: 1.0})


@pytest.mark.slow
def test_a_run_learns_words_and_leaves_their_heads_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    teacher = str(make_teacher(tmp_path / "teacher"))

    run = zoo.train(
        "text_encoder",
        [f"{text} {text}" if text < "day" else text for text in texts(60)],
        teacher=teacher,
        verbose=False,
        epochs=3,
        min_count=1,
        batch_size=8,
        learning_rate=0.02,
        embedding_dim=6,
        units=8,
        token_weight=1.0,
        neighbour_weight=0.1,
    )
    first, last = run.history[0], run.history[-1]
    assert last[f"{VECTORS}_loss"] < 0.8 * first[f"{VECTORS}_loss"]
    assert last[f"{NEIGHBOURS}_loss"] < first[f"{NEIGHBOURS}_loss"]
    names = {layer.name for layer in run.model.model.layers}
    assert not names & {VECTORS, NEIGHBOURS}
    assert run.model.embed(["so good"]).shape == (1, WIDTH)
