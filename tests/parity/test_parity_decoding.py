"""Beam and greedy search of the zoo against tensorflow-addons' BeamSearchDecoder."""

from __future__ import annotations

import numpy as np
import pytest
from golden import close, golden


def decoder_step(ids, state):
    """The decoder step of generate.py, in the form that the zoo's searches take."""
    import tensorflow as tf

    g = golden("beam_search")
    word = tf.one_hot(ids, len(g["table"]))
    logits = word @ g["table"] + state @ g["history"]
    return tf.nn.log_softmax(logits), 0.5 * state + word, None


def search(name: str, **options):
    """The zoo's beam search, on the arguments of one of addons'."""
    from zoo.decoding import beam_search

    g = golden("beam_search")
    beam = g[f"{name}/ids"].shape[-1]
    return beam_search(
        decoder_step,
        g["initial_state"],
        batch=len(g["initial_state"]),
        vocab_size=len(g["table"]),
        beam=beam,
        n_best=beam,
        max_steps=int(g["limit"]),
        begin=int(g["start"]),
        end=int(g["end"]),
        length_penalty=float(g[f"{name}/weight"]),
        **options,
    )


def hypotheses(name: str) -> list[dict]:
    """Addons' hypotheses of each row, best first: tokens to (log P, score).

    Traced back from the last step. Its own `predicted_ids` are traced from the longest
    length of a row, so they miss what trades places after that, and then stand in
    another order than its lengths, log-probabilities and scores.
    """
    g, result = golden("beam_search"), []
    ids, parents = g[f"{name}/step_ids"], g[f"{name}/step_parents"]
    values = np.stack([g[f"{name}/log_probs"], g[f"{name}/scores"]], axis=-1)
    for row, steps in enumerate(ids):
        found = {}
        for place, length in enumerate(g[f"{name}/lengths"][row]):
            tokens, slot = [], place
            for t in reversed(range(len(steps))):
                tokens.insert(0, int(steps[t, slot]))
                slot = parents[row, t, slot]
            found[tuple(tokens[:length])] = values[row, place]
        result.append(found)
    return result


def ours(name: str, **options) -> list[dict]:
    """The zoo's hypotheses, in the same form."""
    ids, lengths, *values, _ = search(name, **options)
    values = np.stack(values, axis=-1)
    return [
        {
            tuple(ids[row, place, :length].numpy().tolist()): values[row, place]
            for place, length in enumerate(lengths[row])
        }
        for row in range(len(ids))
    ]


@pytest.mark.tensorflow
@pytest.mark.parametrize("early_stop", [True, False])
@pytest.mark.parametrize("name", ["plain", "greedy"])
def test_beam_search_without_length_penalty(name, early_stop):
    for actual, expected in zip(ours(name, early_stop=early_stop), hypotheses(name)):
        assert list(actual) == list(expected)
        close(list(actual.values()), list(expected.values()))


@pytest.mark.tensorflow
def test_beam_search_with_length_penalty():
    """The same formula and the same best; below it, the zoo's are no worse.

    Addons ranks within the beam by score, where an ended hypothesis can lose its place
    to a live one for good, and does not count the end token in the step that says it.
    The zoo keeps what ended, and always counts it.
    """
    shared = 0
    for actual, expected in zip(ours("penalised"), hypotheses("penalised")):
        assert list(actual)[0] == list(expected)[0]
        for tokens in actual.keys() & expected.keys():
            close(actual[tokens], expected[tokens])
            shared += 1
        scores = [[v[1] for v in found.values()] for found in (actual, expected)]
        assert (np.array(scores[0]) >= np.array(scores[1]) - 1e-5).all()
    assert shared == 10  # of 12: the data show the difference


@pytest.mark.tensorflow
def test_greedy_search():
    import tensorflow as tf

    from zoo.decoding import greedy_search

    g = golden("beam_search")
    found = greedy_search(
        decoder_step,
        tf.constant(g["initial_state"]),
        batch=len(g["initial_state"]),
        max_steps=int(g["limit"]),
        begin=int(g["start"]),
        end=int(g["end"]),
    )
    lengths = g["greedy/lengths"][:, 0]
    np.testing.assert_array_equal(found.lengths, lengths)
    for row, length in enumerate(lengths):
        expected = g["greedy/ids"][row, :length, 0]
        np.testing.assert_array_equal(found.ids[row, :length], expected)
    close(found.log_probabilities, g["greedy/log_probs"][:, 0])
