"""How long an exported model takes for one text."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from zoo.serving.served import ServedModel

_CALLS = 20  # of which the median is the latency
_FIRST = 2  # plan the graph and are not counted


def served_latency(folder: Path, texts: Sequence[str]) -> float:
    """Median milliseconds in which an exported model answers one text.

    Args:
        folder: folder of its version.
        texts: of which the one of median length is asked.
    """
    served = ServedModel(folder)
    text = sorted(texts, key=len)[len(texts) // 2]
    seconds = []
    for _ in range(_FIRST + _CALLS):
        start = time.perf_counter()
        served.predict([text])
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds[_FIRST:])
