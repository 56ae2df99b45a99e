"""The latency of an exported model for one text."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from zoo.serving.served import ServedModel

_CALLS = 20  # the latency is their median
_FIRST = 2  # warm-up calls that are not counted


def served_latency(folder: Path, texts: Sequence[str]) -> float:
    """Returns the median milliseconds that an exported model takes for one text.

    Args:
        folder: folder of its version.
        texts: texts, of which the one of median length is used.
    """
    served = ServedModel(folder)
    text = sorted(texts, key=len)[len(texts) // 2]
    seconds = []
    for _ in range(_FIRST + _CALLS):
        start = time.perf_counter()
        served.predict([text])
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds[_FIRST:])
