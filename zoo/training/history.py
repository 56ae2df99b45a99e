"""The ranking of the epochs of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def rank(logs: Mapping) -> list[float] | None:
    """Returns the key that orders the epochs of a training; the largest is kept.

    Args:
        logs: logs of an epoch, with its `score`: numbers, larger is better; the next
            ones break ties. A score is NaN if the data leave it undefined, as R2 of a
            constant target, in this epoch as in all others; the last one is always
            defined. `None` without validation.

    Returns:
        A list to compare, or `None` for an epoch that must not be kept: one without a
        score, or with a loss or scores that are not finite.

    Example:
        >>> rank({"score": (0.5, -2.0)}) < rank({"score": (0.5, -1.0)})
        True
        >>> rank({"score": (math.nan, -1.0)}), rank({"score": (0.5, math.nan)})
        ([-inf, -1.0], None)
    """
    score = logs["score"]
    if score is None or not math.isfinite(logs.get("loss", 0.0)):
        return None
    if math.isnan(score[-1]) or any(map(math.isinf, score)):
        return None
    return [-math.inf if math.isnan(value) else value for value in score]


def best_epoch(history: Sequence[Mapping]) -> int:
    """Returns the number, from 1, of the epoch with the best score, or the last one.

    Example:
        >>> best_epoch([{"score": (0.5,)}, {"score": [0.7]}, {"score": (0.6,)}])
        2
    """
    ranks = [rank(logs) for logs in history]
    known = {index: found for index, found in enumerate(ranks) if found is not None}
    return 1 + max(known, key=known.__getitem__) if known else len(history)
