"""Greedy search: the likeliest token at each step."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from zoo.decoding.hypotheses import Hypotheses
from zoo.decoding.inputs import as_ids, as_state, by_row, call_step, step_limits


def greedy_search(step: Callable, state, *, batch, max_steps, begin, end) -> Hypotheses:
    """Takes the likeliest token until the end token: `beam_search` with a beam of 1.

    Args:
        step: the model, described in `zoo.decoding`.
        state: before the first step, tensors `[batch, ...]`.
        batch: number of rows, an integer or an int32 tensor.
        max_steps: maximum number of tokens, an integer, or int32 `[batch]` for each
            row.
        begin: id that the first step reads, an integer, or int32 `[batch]`.
        end: id of the end token.

    Returns:
        `Hypotheses` without the axis `n_best`; the scores are the log-probabilities.

    Raises:
        ValueError: for arguments out of range, or a `step` that returns something else.

    Example:
        >>> table = tf.math.log([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.2, 0.6, 0.2]])
        >>> def step(ids, state):
        ...     return tf.gather(table, ids), state, None
        >>> greedy_search(
        ...     step, (), batch=1, max_steps=4, begin=0, end=1
        ... ).ids.numpy().tolist()
        [[2, 1, 0, 0]]
    """
    begin = by_row(as_ids("begin", begin), batch)
    end = as_ids("end", end, ranks=(0,))
    steps, limits = step_limits(max_steps, batch)

    def body(count, word, state, ids, lengths, total, live):
        log_probabilities, state, _ = call_step(step, word, state)
        word = tf.argmax(log_probabilities, axis=-1, output_type=tf.int32)
        gained = tf.gather(log_probabilities, word, batch_dims=1)
        shown = tf.where(live, word, 0)
        ids = tf.tensor_scatter_nd_update(ids, [[count]], shown[None])
        total = tf.where(live, total + gained, total)
        lengths += tf.cast(live, tf.int32)
        live &= tf.not_equal(word, end) & (count + 1 < limits)
        return count + 1, word, state, ids, lengths, total, live

    _, _, _, ids, lengths, total, _ = tf.while_loop(
        lambda count, word, state, ids, lengths, total, live: tf.reduce_any(live),
        body,
        (
            tf.constant(0),
            begin,
            as_state(state),
            tf.zeros([steps, batch], tf.int32),
            tf.zeros([batch], tf.int32),
            tf.zeros([batch]),
            limits > 0,
        ),
    )
    return Hypotheses(tf.transpose(ids), lengths, total, total, None)
