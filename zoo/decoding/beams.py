"""The loop of the beam search: its state, one step, and backtracking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from zoo.decoding.hypotheses import NONE, Hypotheses, Kept, Penalties
from zoo.decoding.inputs import as_state, call_step, repeat_rows


class Beams(NamedTuple):
    """The state of the loop; a slot is one of the `beam` places of a row."""

    count: tf.Tensor  # steps done
    words: tf.Tensor  # int32 [batch, beam], read next
    live: tf.Tensor  # float32 [batch, beam], log-probability, -inf for dead slots
    state: Any  # [batch * beam, ...]
    coverage: tf.Tensor | tuple  # float32 [batch, beam, time]
    kept: Kept
    tokens: tf.Tensor  # int32 [steps, batch, beam], of each slot at each step
    parents: tf.Tensor  # the slot that it extends, one step before
    attention: tf.Tensor | tuple  # float32 [steps, batch, beam, time]


class Search(NamedTuple):
    """One step of the search, its preparation and its conclusion."""

    step: Callable
    batch: int | tf.Tensor
    beam: int | tf.Tensor
    vocab_size: int
    n_best: int | tf.Tensor
    end: int | tf.Tensor
    limits: tf.Tensor
    penalties: Penalties

    def start(self, state, begin, steps, covers: bool, attends: bool) -> Beams:
        shape = [self.batch, self.beam]
        # One hypothesis at first, because equal ones in all slots would stay equal.
        live = tf.where(tf.range(self.beam) == 0, tf.zeros(shape), NONE)
        time = tf.shape(self.penalties.memory_mask)[1] if covers or attends else 0
        blank = tf.zeros([steps, *shape], tf.int32)
        return Beams(
            count=tf.constant(0),
            words=tf.repeat(begin[:, None], self.beam, axis=1),
            live=live,
            state=repeat_rows(as_state(state), self.beam),
            coverage=tf.zeros([*shape, time]) if covers else (),
            kept=Kept.empty(self.batch, self.n_best),
            tokens=blank,
            parents=blank,
            attention=tf.zeros([steps, *shape, time]) if attends else (),
        )

    def body(self, beams: Beams) -> Beams:
        log_probabilities, state, attention = call_step(
            self.step, tf.reshape(beams.words, [-1]), beams.state
        )
        if log_probabilities.shape[-1] not in (self.vocab_size, None):
            raise ValueError(
                "`step` must return log-probabilities of all ids. Accepted: "
                f"[batch * beam, vocab_size={self.vocab_size}]. "
                f"Received: shape {tuple(log_probabilities.shape)}."
            )
        shape = [self.batch, self.beam, self.vocab_size]
        sums = beams.live[:, :, None] + tf.reshape(log_probabilities, shape)
        sums, places = tf.math.top_k(tf.reshape(sums, [self.batch, -1]), self.beam)
        parents, words = places // self.vocab_size, places % self.vocab_size

        rows = tf.range(self.batch)[:, None] * self.beam + parents
        rows = tf.reshape(rows, [-1])
        state = tf.nest.map_structure(lambda x: tf.gather(x, rows), state)
        coverage, history = beams.coverage, beams.attention
        if not (isinstance(coverage, tuple) and isinstance(history, tuple)):
            attention = self._of_slots(attention, rows)
        if not isinstance(coverage, tuple):
            coverage = tf.gather(coverage, parents, batch_dims=1) + attention
        if not isinstance(history, tuple):
            history = _write(history, beams.count, attention)

        length = beams.count + 1
        active = (beams.count < self.limits)[:, None]
        ended = tf.equal(words, self.end)
        scores = self.penalties.score(sums, length, coverage)
        slots = tf.broadcast_to(tf.range(self.beam), tf.shape(sums))
        leaving = Kept(
            tf.where(ended & active, scores, NONE),
            sums,
            tf.fill(tf.shape(sums), length),
            slots,
        )
        if not isinstance(coverage, tuple):
            coverage = tf.where(active[..., None], coverage, beams.coverage)
        return Beams(
            count=length,
            words=words,
            # A row at its limit stays unchanged until `finish`.
            live=tf.where(active, tf.where(ended, NONE, sums), beams.live),
            state=state,
            coverage=coverage,
            kept=Kept.best(self.n_best, beams.kept, leaving),
            tokens=_write(beams.tokens, beams.count, words),
            parents=_write(beams.parents, beams.count, parents),
            attention=history,
        )

    def _of_slots(self, attention, rows):
        """Returns the weights with which each slot's last token was chosen."""
        if attention is None:
            raise ValueError(
                "`step` must return attention weights if there is a `coverage_penalty` "
                "or `return_attention`. Accepted: [batch * beam, time]. Received: None."
            )
        attention = tf.gather(tf.cast(attention, tf.float32), rows)
        time = tf.shape(self.penalties.memory_mask)[1]
        return tf.reshape(attention, [self.batch, self.beam, time])

    def finish(self, beams: Beams) -> Hypotheses:
        lengths = tf.repeat(self.limits[:, None], self.beam, axis=1)
        scores = self.penalties.score(beams.live, lengths, beams.coverage)
        slots = tf.broadcast_to(tf.range(self.beam), tf.shape(scores))
        cut = Kept(scores, beams.live, lengths, slots)
        kept = beams.kept.filled(Kept.best(self.n_best, cut))
        found = kept.scores > NONE
        lengths = tf.where(found, kept.lengths, 0)
        ids, attention = trace(beams, lengths, kept.slots)
        sums = tf.where(found, kept.log_probabilities, NONE)
        return Hypotheses(ids, lengths, sums, kept.scores, attention)


def _write(tensor, count, element):
    return tf.tensor_scatter_nd_update(tensor, [[count]], element[None])


def trace(beams: Beams, lengths, slots):
    """Traces hypotheses `[batch, n_best]` back from their last slots."""
    attends = not isinstance(beams.attention, tuple)
    shape = tf.concat([tf.shape(beams.tokens)[:1], tf.shape(slots)], axis=0)
    ids, weights = tf.zeros(shape, tf.int32), ()
    if attends:
        time = tf.shape(beams.attention)[3:]
        weights = tf.zeros(tf.concat([shape, time], axis=0))

    def body(count, slots, ids, weights):
        inside = count < lengths
        words = tf.gather(beams.tokens[count], slots, batch_dims=1)
        ids = _write(ids, count, tf.where(inside, words, 0))
        if attends:
            seen = tf.gather(beams.attention[count], slots, batch_dims=1)
            weights = _write(weights, count, tf.where(inside[..., None], seen, 0.0))
        before = tf.gather(beams.parents[count], slots, batch_dims=1)
        return count - 1, tf.where(inside, before, slots), ids, weights

    _, _, ids, weights = tf.while_loop(
        lambda count, *_: count >= 0, body, (beams.count - 1, slots, ids, weights)
    )
    ids = tf.transpose(ids, [1, 2, 0])
    return ids, tf.transpose(weights, [1, 2, 0, 3]) if attends else None
