"""The search over a model, against all sequences that there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf
from translated_toys import ROWS, build, ids

from zoo.decoding import beam_search
from zoo.families.translation.search import Searcher
from zoo.text.vocabulary import BEGIN, END

pytestmark = pytest.mark.tensorflow

SIZE, STEPS = 7, 3  # three pieces and the end
PIECES = range(4, SIZE)


def every_target():
    """All sequences of at most `STEPS` tokens: ended, or cut at `STEPS`."""
    for length in range(STEPS):
        yield from ((*words, END) for words in itertools.product(PIECES, repeat=length))
    yield from itertools.product(PIECES, repeat=STEPS)


def exhaustive(model, source: np.ndarray, alpha: float) -> list[tuple]:
    """`(score, log-probability, ids)` of all targets, the best first."""
    targets = list(every_target())
    inputs = np.zeros((len(targets), STEPS), "int32")
    for row, target in enumerate(targets):
        inputs[row, : len(target)] = [BEGIN, *target[:-1]]
    sources = np.repeat(source[None], len(targets), axis=0)
    logits = model({"source": sources, "target": inputs}, training=False).numpy()
    logits = logits.astype("float64")
    logits[..., [0, 1, 2]] = -np.inf
    logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    found = []
    for row, target in enumerate(targets):
        total = sum(logits[row, step, word] for step, word in enumerate(target))
        found.append((total / ((5 + len(target)) / 6) ** alpha, total, target))
    # Ended hypotheses come first; cut ones take the places that are left.
    return sorted(found, key=lambda one: (one[2][-1] != END, -one[0]))


@pytest.mark.parametrize("row", [ROWS[3], ROWS[4]], ids=["seq2seq", "moe_seq2seq"])
def test_equal_to_an_exhaustive_search(row):
    model = build(row, SIZE, seed=3)
    for variable in model.trainable_variables:  # far from uniform
        variable.assign(variable * 2.5)
    source = np.array([[4, 6, 5, END], [5, END, 0, 0]], "int32")
    beam = len(list(every_target()))
    for alpha in (0.0, 1.0):
        found = Searcher(model)(
            tf.constant(source),
            beam=beam,
            n_best=10,
            max_steps=STEPS,
            length_penalty=alpha,
        )
        for place, length in enumerate((4, 2)):
            expected = exhaustive(model, source[place, :length], alpha)[:10]
            for best, (score, total, target) in enumerate(expected):
                told = found.ids[place, best, : len(target)].numpy()
                assert tuple(told) == target
                sums = found.log_probabilities[place, best].numpy()
                assert sums == pytest.approx(total, rel=1e-4)
                assert found.scores[place, best].numpy() == pytest.approx(
                    score, rel=1e-4
                )


def test_a_beam_of_one_is_greedy_and_never_says_a_special_token():
    model = build(ROWS[3], SIZE, seed=3)
    bias = model.get_layer("softmax").bias
    bias.assign([9.0, 9.0, 9.0, 0.0, 0.5, 0.2, 0.0])
    source = ids([4, 2])[:, :4] % 3 + 4
    found = Searcher(model)(tf.constant(source), beam=1, max_steps=5).ids[:, 0].numpy()
    for place in range(2):
        words: list[int] = []
        while len(words) < 5 and END not in words:
            target = np.array([[BEGIN, *words]], "int32")
            logits = model({"source": source[[place]], "target": target})[0, -1]
            words.append(3 + int(np.argmax(logits.numpy()[3:])))
        assert found[place, : len(words)].tolist() == words


def test_beams_that_the_graph_is_told():
    """As tensors, `beam` and `n_best` give what they give as numbers."""
    table = tf.math.log(tf.nn.softmax(tf.random.normal([6, 6], seed=1)))

    def run(beam, n_best):
        def step(words, state):
            return tf.gather(table, words), state, None

        return beam_search(
            step,
            {"h": tf.zeros([2, 3])},
            batch=2,
            vocab_size=6,
            beam=beam,
            n_best=n_best,
            max_steps=4,
            begin=0,
            end=1,
            length_penalty=0.6,
        )[:4]

    number = tf.TensorSpec([], tf.int32)
    told = tf.function(run, input_signature=[number, number])
    for beam, n_best in ((1, 1), (3, 2), (4, 4)):
        for one, other in zip(told(beam, n_best), run(beam, n_best), strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy())
