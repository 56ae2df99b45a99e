"""Large matrices in pieces, for sums whose terms would not fit beside them."""

from __future__ import annotations

from collections.abc import Iterator

MOST = 2**22  # numbers in a piece: 32 MB of float64


def chunks(rows: int, width: int, most: int = MOST) -> Iterator[slice]:
    """Slices of rows that cover them all, of at most `most` numbers or of one row.

    Args:
        rows: rows of the matrix.
        width: numbers of a row.
        most: numbers of a piece.

    Example:
        >>> [(part.start, part.stop) for part in chunks(5, 10, most=20)]
        [(0, 2), (2, 4), (4, 5)]
    """
    size = max(1, most // max(1, width))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
