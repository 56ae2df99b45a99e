"""What the logs of a training say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def best_epoch(history: Sequence[Mapping]) -> int:
    """The epoch with the best score, from 1; the last where none was validated.

    Example:
        >>> best_epoch([{"score": (0.5,)}, {"score": [0.7]}, {"score": (0.6,)}])
        2
    """
    if history[-1]["score"] is None:
        return len(history)
    # Scores of epochs that were read back are lists.
    scores = [list(logs["score"]) for logs in history]
    return 1 + max(range(len(scores)), key=scores.__getitem__)
