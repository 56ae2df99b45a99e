"""Beam search with length and coverage penalties."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from zoo.decoding.beams import Beams, Search
from zoo.decoding.hypotheses import Hypotheses, Penalties
from zoo.decoding.inputs import as_ids, by_row, check_weight, step_limits
from zoo.layers.checks import check_size


def beam_search(
    step: Callable,
    state,
    *,
    batch,
    vocab_size: int,
    beam: int | tf.Tensor,
    max_steps,
    begin,
    end,
    length_penalty=0.0,
    coverage_penalty=0.0,
    memory_mask=None,
    n_best: int | tf.Tensor = 1,
    early_stop: bool = True,
    return_attention: bool = False,
) -> Hypotheses:
    """Searches for the sequences with the best score.

        score = log P / ((5 + length) / 6)^α + β Σ_i log min(Σ_j p_ij, 1)

    with α `length_penalty`, β `coverage_penalty`, p_ij the attention of step j to
    position i of the memory, and a length that includes the end token.

    Each step ranks the extensions of all live hypotheses by log P and takes the best
    `beam`. Those that end leave the beam and compete by score for the `n_best` places
    of the result; the others are live in the next step. A beam of 1 is a greedy search,
    whatever the penalties. Hypotheses that reach `max_steps` without an end take the
    remaining places. A row's result depends only on its own inputs.

    Args:
        step: the model, described in `zoo.decoding`, called with `batch * beam` rows;
            the hypotheses of one text are adjacent.
        state: before the first step, tensors `[batch, ...]`.
        batch: number of rows, an integer or an int32 tensor.
        vocab_size: number of ids that `step` gives log-probabilities for.
        beam: hypotheses kept at each step, an integer or an int32 tensor, whose
            value is not checked.
        max_steps: maximum number of tokens, an integer, or int32 `[batch]` for each
            row. XLA requires it to be known when the graph is built.
        begin: id that the first step reads, an integer, or int32 `[batch]`.
        end: id of the end token.
        length_penalty: α, at least 0; a float or a float tensor.
        coverage_penalty: β, at least 0; a float or a float tensor. It applies only to
            ended (or cut) hypotheses.
        memory_mask: bool `[batch, time]`, true at the tokens of the memory. Required
            for coverage and attention.
        n_best: hypotheses to return, at most `beam`; an integer or an int32 tensor.
        early_stop: whether to end when no live hypothesis can beat the worst of the
            `n_best`. The bound is exact: the result is that of all steps.
        return_attention: whether to return the weights that `step` gave.

    Returns:
        `Hypotheses`, fewer than `n_best` if the vocabulary is too small.

    Raises:
        ValueError: for arguments out of range, or a `step` that returns something else.

    Source: Sutskever et al. 2014, section 3.2, for the search; Wu et al. 2016 (GNMT),
    section 7, for the scores.

    Example:
        >>> table = tf.math.log([[0.1, 0.4, 0.5], [0.5, 0.3, 0.2], [0.3, 0.3, 0.4]])
        >>> def step(ids, state):
        ...     return tf.gather(table, ids), state, None
        >>> found = beam_search(
        ...     step, (), batch=1, vocab_size=3, beam=3, max_steps=3, begin=0, end=1,
        ...     n_best=2,
        ... )
        >>> found.ids.numpy().tolist(), found.lengths.numpy().tolist()
        ([[[1, 0, 0], [2, 1, 0]]], [[1, 2]])
    """
    for name, size in (("beam", beam), ("vocab_size", vocab_size), ("n_best", n_best)):
        if not tf.is_tensor(size):
            check_size(name, size)
    known = not (tf.is_tensor(beam) or tf.is_tensor(n_best))
    if known and n_best > beam:
        raise ValueError(
            f"`n_best` must be at most `beam`. Accepted: 1 to {beam}. "
            f"Received: n_best={n_best}."
        )
    begin = by_row(as_ids("begin", begin), batch)
    end = as_ids("end", end, ranks=(0,), vocab_size=vocab_size)
    check_weight("length_penalty", length_penalty)
    check_weight("coverage_penalty", coverage_penalty)
    covers = tf.is_tensor(coverage_penalty) or coverage_penalty > 0
    if memory_mask is None and (covers or return_attention):
        raise ValueError(
            "`memory_mask` must mark the tokens of the memory if there is a "
            "`coverage_penalty` or `return_attention`. Accepted: bool [batch, time]. "
            "Received: None."
        )
    if memory_mask is not None:
        memory_mask = tf.cast(memory_mask, tf.bool)
    steps, limits = step_limits(max_steps, batch)
    search = Search(
        step,
        batch,
        beam,
        vocab_size,
        n_best,
        end,
        limits,
        Penalties(length_penalty, coverage_penalty, memory_mask),
    )

    def running(beams: Beams):
        rows = beams.count < limits
        if early_stop:
            best = tf.reduce_max(search.penalties.bound(beams.live, limits), axis=1)
            rows &= best > beams.kept.scores[:, -1]
        return tf.reduce_any(rows)

    first = search.start(state, begin, steps, covers, return_attention)
    (last,) = tf.while_loop(running, lambda beams: (search.body(beams),), (first,))
    return search.finish(last)
