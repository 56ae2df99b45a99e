"""Hypotheses of a search: those it returns, those it keeps, and their scores."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

NONE = -float("inf")  # score of a place without a hypothesis


class Hypotheses(NamedTuple):
    """Sequences that a search returned, the best first.

    Attributes:
        ids: int32 `[batch, n_best, steps]`, with the end token, then 0.
        lengths: int32 `[batch, n_best]`, including the end token; 0 for a missing
            hypothesis.
        log_probabilities: float32 `[batch, n_best]`, in nats, sums over the tokens.
        scores: float32 `[batch, n_best]`, with the penalties; -inf for a missing
            hypothesis.
        attention: float32 `[batch, n_best, steps, time]`, zeros after the end, or
            `None`.

    `greedy_search` gives the same without the axis `n_best`.
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    log_probabilities: tf.Tensor
    scores: tf.Tensor
    attention: tf.Tensor | None


class Kept(NamedTuple):
    """Hypotheses without their tokens, `[batch, count]` each, the best first.

    `slots` is the slot of the last token in step `lengths - 1`.
    """

    scores: tf.Tensor
    log_probabilities: tf.Tensor
    lengths: tf.Tensor
    slots: tf.Tensor

    @classmethod
    def empty(cls, batch, count) -> Kept:
        none, zero = tf.fill([batch, count], NONE), tf.zeros([batch, count], tf.int32)
        return cls(none, none, zero, zero)

    @classmethod
    def best(cls, count, *groups: Kept) -> Kept:
        """Returns the best of some groups; ties go to the earlier group."""
        joined = cls(*(tf.concat(parts, axis=1) for parts in zip(*groups)))
        _, places = tf.math.top_k(joined.scores, count)
        return cls(*(tf.gather(part, places, batch_dims=1) for part in joined))

    def filled(self, others: Kept) -> Kept:
        """Returns the same with others in the free places, the best first."""
        held = tf.math.count_nonzero(
            self.scores > NONE, axis=1, keepdims=True, dtype=tf.int32
        )
        place = tf.range(tf.shape(self.scores)[1])[None, :]
        index = tf.maximum(place - held, 0)
        return Kept(
            *(
                tf.where(place < held, own, tf.gather(other, index, batch_dims=1))
                for own, other in zip(self, others)
            )
        )


class Penalties(NamedTuple):
    """Length normalisation and coverage penalty: the ranking of hypotheses.

        score = log P / ((5 + length) / 6)^α + β Σ_i log min(Σ_j p_ij, 1)

    with p_ij the attention of step j to position i of the memory.

    Source: Wu et al. 2016 (GNMT), section 7, equation (14).
    """

    alpha: float | tf.Tensor
    beta: float | tf.Tensor
    memory_mask: tf.Tensor | None  # `[batch, time]`

    def normalise(self, log_probabilities, lengths):
        # In float64: a rounded power must not raise the penalty of a longer hypothesis.
        lengths = tf.cast(lengths, tf.float64)
        power = tf.pow((5.0 + lengths) / 6.0, tf.cast(self.alpha, tf.float64))
        return log_probabilities / tf.cast(power, tf.float32)

    def score(self, log_probabilities, lengths, coverage):
        """Returns scores `[batch, count]`; coverage `[batch, count, time]` or `()`."""
        score = self.normalise(log_probabilities, lengths)
        if isinstance(coverage, tuple):
            return score
        assert self.memory_mask is not None  # required by searches with a coverage
        covered = tf.math.log(tf.clip_by_value(coverage, 1e-30, 1.0))
        covered = tf.where(self.memory_mask[:, None, :], covered, 0.0)
        return score + self.beta * tf.reduce_sum(covered, axis=-1)

    def bound(self, log_probabilities, max_lengths):
        """Returns the upper bound of the score of a live hypothesis, `[batch, beam]`.

        Further tokens do not raise its log-probability, the maximum length has the
        largest divisor, and no coverage penalty is positive.
        """
        return self.normalise(log_probabilities, max_lengths[:, None])
