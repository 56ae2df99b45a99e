"""Chunks of large matrices, for sums whose terms do not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

MOST = 2**22  # numbers in a chunk: 32 MB of float64


def chunks(rows: int, width: int, most: int = MOST) -> Iterator[slice]:
    """Yields slices that cover all rows, each of at most `most` numbers or of one row.

    Args:
        rows: number of rows of the matrix.
        width: numbers per row.
        most: maximum numbers per chunk.

    Example:
        >>> [(part.start, part.stop) for part in chunks(5, 10, most=20)]
        [(0, 2), (2, 4), (4, 5)]
    """
    size = max(1, most // max(1, width))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
