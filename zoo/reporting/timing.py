"""How long a single text takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

# Texts to time, and seconds after which fewer are enough.
MOST_TIMED, LONGEST_TIMING = 100, 5.0


def milliseconds(
    answer: Callable[[Sequence[str]], object], texts: Sequence[str]
) -> float:
    """Returns the median milliseconds per text, over up to `MOST_TIMED` texts.

    Each text is passed twice and the second call is timed, as the first may compile.

    Args:
        answer: function of a list of one text.
        texts: texts to time.

    Returns:
        The median, or NaN without texts.
    """
    taken: list[float] = []
    begin = time.perf_counter()
    for text in texts[:MOST_TIMED]:
        answer([text])
        start = time.perf_counter()
        answer([text])
        end = time.perf_counter()
        taken.append(1000 * (end - start))
        if end - begin > LONGEST_TIMING:
            break
    return float(np.median(taken)) if taken else float("nan")


def shown(milliseconds: float) -> str:
    """Formats milliseconds with two digits or more; nothing for NaN.

    Example:
        >>> [shown(value) for value in (0.1234, 3.21, 123.4, float("nan"))]
        ['0.12', '3.2', '123', '']
    """
    if np.isnan(milliseconds):
        return ""
    return f"{milliseconds:.0f}" if milliseconds >= 10 else f"{milliseconds:.2g}"
