"""The recursions of a linear-chain conditional random field over `k` tags.

Every function takes float32 tensors: emissions `[batch, time, k]`, finite everywhere;
transitions `[k, k]`, from row to column; start and end scores `[k]`; and a bool mask
`[batch, time]` of right-padded rows. A masked step keeps the carry of the recursion.
All work is in log space, where a score of -1e9 forbids a transition without infinities
in any gradient. At every step the highest score is subtracted, and the sum of these is
added at the end: otherwise float32 would lose a quarter of a nat on 3,000 steps.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo.kernels._backend import scan, with_gradient


def log_norm(emissions: Any, transitions: Any, start: Any, end: Any, mask: Any) -> Any:
    """Returns the log of the sum of `exp(score)` over paths; 0 without steps.

        α_1 = start + e_1,  α_t[j] = e_t[j] + z_t[j]
        z_t[j] = log Σ_i exp(α_{t-1}[i] + A[i, j])
        log Z = log Σ_i exp(α_n[i] + end[i])

    The gradient is `expectations`: the expected count of each tag and each transition.
    It keeps α and z, `2 * time * k` floats per row, where autodiff of the loop keeps
    several times `time * k * k`.

    Source: Lafferty, McCallum and Pereira 2001, section 3.
    """
    given = [emissions, transitions, start, end, mask]
    return with_gradient(_forward, _backward, given)[0]


def expectations(
    emissions: Any, transitions: Any, start: Any, end: Any, mask: Any, weights: Any
) -> tuple[Any, Any]:
    """Forward-backward: the probability of each tag, and counts of transitions.

        p_n = softmax(α_n + end),  p_{t-1}[i] = Σ_j q_t[i, j]
        q_t[i, j] = exp(α_{t-1}[i] + A[i, j] - z_t[j]) p_t[j]

    Args:
        weights: `[batch]`, factors of the rows in the counts.

    Returns:
        Probabilities `[batch, time, k]`, 0 at masked steps, and the expected number of
        transitions `[k, k]`, the sum of `q` over steps and weighted rows.

    Source: Eisner 2016, which shows that this is the gradient of the forward recursion.
    """
    (alphas, z), _ = _run(emissions, transitions, start, mask)
    return _smooth(emissions, transitions, end, mask, alphas, z, weights)


def viterbi(
    emissions: Any, transitions: Any, start: Any, end: Any, mask: Any
) -> tuple[Any, Any]:
    """Returns the best path and its score.

    Returns:
        Tags, int32 `[batch, time]`, 0 at masked steps, and scores `[batch]`, 0 without
        steps. Ties go to the lowest tag.

    Source: Viterbi 1967.
    """
    unmoved = ops.arange(emissions.shape[-1], dtype="int32")

    def step(carry, elements):
        (best,), (emission, moves) = carry, elements
        score = ops.expand_dims(best, -1) + transitions
        came_from = ops.cast(ops.argmax(score, axis=1), "int32")
        new, level = _level(ops.max(score, axis=1) + emission)
        best = ops.where(moves, new, best)
        return [best], [ops.where(moves, came_from, unmoved), level * _float(moves)]

    first, level = _level(emissions[:, 0] + start)
    (last,), (came_from, levels) = scan(step, [first], _steps(emissions, mask))

    def back(carry, elements):
        (tag,), (came_from,) = carry, elements
        previous = ops.take_along_axis(came_from, ops.expand_dims(tag, -1), axis=1)
        return [previous[:, 0]], [tag]

    last = last + end
    best = ops.cast(ops.argmax(last, axis=1), "int32")
    _, (tags,) = scan(back, [best], [came_from], reverse=True)
    score = ops.max(last, axis=1) + _total(level, levels)
    score = ops.where(ops.any(mask, axis=1), score, 0.0)
    return ops.where(mask, ops.transpose(tags), 0), score


def _steps(emissions, mask) -> list:
    """Returns time-major emissions, and where a transition ends, `[time, batch, 1]`.

    None ends at the first step, which therefore keeps the initial carry.
    """
    moves = ops.concatenate([ops.zeros_like(mask[:, :1]), mask[:, 1:]], axis=1)
    moves = ops.expand_dims(ops.transpose(moves), -1)
    return [ops.transpose(emissions, (1, 0, 2)), moves]


def _run(emissions, transitions, start, mask):
    """Runs the forward recursion: α and z, `[time, batch, k]`, and levels `[batch]`."""

    def step(carry, elements):
        (alpha,), (emission, moves) = carry, elements
        z = ops.logsumexp(ops.expand_dims(alpha, -1) + transitions, axis=1)
        new, level = _level(z + emission)
        alpha = ops.where(moves, new, alpha)
        return [alpha], [alpha, z, level * _float(moves)]

    first, level = _level(emissions[:, 0] + start)
    _, (alphas, z, levels) = scan(step, [first], _steps(emissions, mask))
    return [alphas, z], _total(level, levels)


def _level(scores):
    """Subtracts the highest score of each row, `[batch, 1]`; returns both."""
    level = ops.max(scores, axis=1, keepdims=True)
    return scores - level, level


def _total(first, later):
    return (first + ops.sum(later, axis=0))[:, 0]


def _float(mask):
    return ops.cast(mask, "float32")


def _smooth(emissions, transitions, end, mask, alphas, z, weights):
    """Returns the result of `expectations` from that of the forward recursion."""
    weights = ops.reshape(weights, (-1, 1, 1))
    before = ops.concatenate([alphas[:1], alphas[:-1]], axis=0)

    def step(carry, elements):
        (tags, counts), (moves, before, z) = carry, elements
        share = ops.exp(ops.expand_dims(before, -1) + transitions - z[:, None])
        pairs = share * tags[:, None]
        factor = weights * _float(ops.expand_dims(moves, -1))
        counts = counts + ops.sum(factor * pairs, axis=0)
        previous = ops.where(moves, ops.sum(pairs, axis=2), tags)
        return [previous, counts], [tags]

    last = alphas[-1] + end
    last = ops.exp(last - ops.logsumexp(last, axis=1, keepdims=True))
    carry = [last, ops.zeros_like(transitions)]
    sequences = [_steps(emissions, mask)[1], before, z]
    (_, counts), (tags,) = scan(step, carry, sequences, reverse=True)
    tags = ops.transpose(tags, (1, 0, 2))
    return ops.where(ops.expand_dims(mask, -1), tags, 0.0), counts


def _forward(arguments):
    emissions, transitions, start, end, mask = arguments
    kept, total = _run(emissions, transitions, start, mask)
    total = total + ops.logsumexp(kept[0][-1] + end, axis=1)
    return [ops.where(ops.any(mask, axis=1), total, 0.0)], kept


def _backward(arguments, residuals, cotangents):
    emissions, transitions, start, end, mask = arguments
    weights = cotangents[0]
    alphas, z = residuals
    tags, counts = _smooth(emissions, transitions, end, mask, alphas, z, weights)
    tags = ops.reshape(weights, (-1, 1, 1)) * tags
    ends = ops.sum(ops.where(ops.expand_dims(last_steps(mask), -1), tags, 0.0), (0, 1))
    return [tags, counts, ops.sum(tags[:, 0], axis=0), ends, None]


def last_steps(mask: Any) -> Any:
    """Returns bool `[batch, time]`, true at the last step of each row with steps."""
    after = ops.concatenate([mask[:, 1:], ops.zeros_like(mask[:, :1])], axis=1)
    return ops.logical_and(mask, ops.logical_not(after))
