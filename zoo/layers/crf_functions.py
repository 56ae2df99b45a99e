"""Log-likelihood, best path and marginals of a linear-chain CRF, as functions.

The score of a path of tags `y` over the steps `1..n` of a row is

    s(e, y) = start[y_1] + Σ_t e_t[y_t] + Σ_{t>1} A[y_{t-1}, y_t] + end[y_n]

and its probability is `exp(s(e, y)) / Σ_{y'} exp(s(e, y'))`. Rows are right-padded;
masked steps do not count, and their values are never read, so they may even be NaN. A
row without steps has a log-likelihood and a score of 0. All arithmetic is in float32.

Source: Lafferty, McCallum and Pereira 2001; Lample et al. 2016, section 2.2. Without
`start` and `end` the functions equal those of the same name in tensorflow-addons.
"""

from __future__ import annotations

from keras import ops

from zoo.kernels import crf as kernel


def crf_log_norm(emissions, transitions, mask=None, *, start=None, end=None):
    """Returns the logarithm of the sum of `exp(score)` over all paths.

    Args:
        emissions: `[batch, time, tags]`.
        transitions: `[tags, tags]`, the score of row before column.
        mask: bool `[batch, time]`, true at tokens; by default all are.
        start: `[tags]`, score of the first tag; zeros by default.
        end: `[tags]`, score of the last tag; zeros by default.

    Returns:
        float32 `[batch]`.

    Raises:
        ValueError: if the numbers of tags differ.

    Example:
        >>> import numpy as np
        >>> z = crf_log_norm(np.zeros((1, 3, 2)), np.zeros((2, 2)))  # 8 paths, 0 each
        >>> round(float(z[0]), 4)
        2.0794
    """
    return kernel.log_norm(*_prepare(emissions, transitions, mask, start, end))


def crf_log_likelihood(
    emissions, tag_ids, transitions, mask=None, *, start=None, end=None
):
    """Returns the log-probability of given paths.

    Args:
        emissions: `[batch, time, tags]`.
        tag_ids: int `[batch, time]`; masked ones are not read.
        transitions, mask, start, end: as in `crf_log_norm`.

    Returns:
        float32 `[batch]`, never above 0 except by rounding.
    """
    given = _prepare(emissions, transitions, mask, start, end)
    return _path_score(tag_ids, *given) - kernel.log_norm(*given)


def crf_decode(emissions, transitions, mask=None, *, start=None, end=None):
    """Returns the most probable path (Viterbi), and its score.

    Args:
        emissions, transitions, mask, start, end: as in `crf_log_norm`.

    Returns:
        Tags, int32 `[batch, time]`, 0 at masked steps; scores, float32 `[batch]`.

    Example:
        >>> import numpy as np
        >>> emissions = np.array([[[1.0, 0.0], [0.0, 1.0], [0.0, 3.0]]])
        >>> stay = np.array([[2.0, 0.0], [0.0, 2.0]])
        >>> tags, score = crf_decode(emissions, stay)
        >>> ops.convert_to_numpy(tags).tolist(), float(score[0])
        ([[1, 1, 1]], 8.0)
    """
    return kernel.viterbi(*_prepare(emissions, transitions, mask, start, end))


def crf_marginals(emissions, transitions, mask=None, *, start=None, end=None):
    """Returns the probability of each tag at each step (forward-backward).

    Args:
        emissions, transitions, mask, start, end: as in `crf_log_norm`.

    Returns:
        float32 `[batch, time, tags]`, 0 at masked steps.
    """
    emissions, transitions, start, end, mask = _prepare(
        emissions, transitions, mask, start, end
    )
    weights = ops.ones_like(emissions[:, 0, 0])
    return kernel.expectations(emissions, transitions, start, end, mask, weights)[0]


def _prepare(emissions, transitions, mask, start, end):
    """Converts the arguments of the kernels to float32 and fills in defaults."""
    emissions = ops.cast(emissions, "float32")
    transitions = ops.cast(transitions, "float32")
    tags = emissions.shape[-1]
    if tuple(transitions.shape) != (tags, tags):
        raise ValueError(
            "`transitions` must have one row and one column per tag of the emissions. "
            f"tags. Accepted: ({tags}, {tags}). Received: {tuple(transitions.shape)}."
        )
    if mask is None:
        mask = ops.ones_like(emissions[..., 0], dtype="bool")
    mask = ops.cast(mask, "bool")
    emissions = ops.where(ops.expand_dims(mask, -1), emissions, 0.0)
    start, end = (
        ops.zeros_like(transitions[0])
        if scores is None
        else ops.cast(scores, "float32")
        for scores in (start, end)
    )
    return emissions, transitions, start, end, mask


def _path_score(tag_ids, emissions, transitions, start, end, mask):
    """Returns the score of the path `tag_ids`, `[batch]`."""
    tags = ops.where(mask, ops.cast(tag_ids, "int32"), 0)
    unary = ops.take_along_axis(emissions, ops.expand_dims(tags, -1), axis=-1)[..., 0]
    pairs = tags[:, :-1] * transitions.shape[0] + tags[:, 1:]
    moves = ops.take(ops.reshape(transitions, (-1,)), pairs, axis=0)
    first = ops.where(mask[:, 0], ops.take(start, tags[:, 0], axis=0), 0.0)
    ends = ops.where(kernel.last_steps(mask), ops.take(end, tags, axis=0), 0.0)
    inner = ops.sum(ops.where(mask, unary, 0.0), axis=1) + ops.sum(ends, axis=1)
    return first + inner + ops.sum(ops.where(mask[:, 1:], moves, 0.0), axis=1)
