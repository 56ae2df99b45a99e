"""The rows with the lowest ranks among many, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.data.examples import Examples, join


@dataclass(frozen=True)
class Ranked:
    """Some rows, and the ranks by which parts of a data set take them.

    Args:
        rows: the rows.
        ranks: `[rows, ranks]`, of which `Lowest` looks at one column.
    """

    rows: Examples
    ranks: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, which: np.ndarray) -> Ranked:
        """Returns the rows where `which` is true, or those of these numbers."""
        if which.dtype == bool:
            which = np.flatnonzero(which)
        return Ranked(self.rows.select(which), self.ranks[which])

    @classmethod
    def joined(cls, parts: list[Ranked]) -> Ranked:
        """Returns the rows of all parts, of which there is at least one."""
        ranks = np.concatenate([part.ranks for part in parts])
        return cls(join([part.rows for part in parts]), ranks)


class Lowest:
    """Keeps the rows with the lowest ranks, as many as there is room for.

    Rows of equal rank are kept together or not at all.

    Args:
        column: of the ranks that count.
        most: maximum number of rows.
        characters: maximum number of characters of their texts.

    Attributes:
        below: all rows of a lower rank are kept, and no others.

    Example:
        >>> kept = Lowest(0, most=2, characters=100)
        >>> rows = Examples(["a", "b", "c"], {})
        >>> out = kept.add(Ranked(rows, np.array([[0.3], [0.1], [0.2]])))
        >>> kept.settle().rows.texts, kept.rows().texts, round(kept.below, 1)
        (['a'], ['b', 'c'], 0.3)
    """

    def __init__(self, column: int, *, most: int, characters: int) -> None:
        self.column, self.most, self.characters = column, most, characters
        self.below = float("inf")
        self._parts: list[Ranked] = []
        self._size = self._letters = 0

    def add(self, some: Ranked) -> Ranked | None:
        """Adds rows with ranks lower than `below`; returns any that gave way."""
        if len(some):
            self._parts.append(some)
            self._size += len(some)
            self._letters += sum(map(len, some.rows.texts))
        if self._size > 2 * self.most or self._letters > 2 * self.characters:
            return self.settle()
        return None

    def settle(self) -> Ranked | None:
        """Keeps no more rows than there is room for; returns any that gave way."""
        if not self._parts:
            return None
        together = Ranked.joined(self._parts)
        ranks = together.ranks[:, self.column]
        order = np.argsort(ranks, kind="stable")
        letters = np.array([len(text) for text in together.rows.texts])
        fits = np.cumsum(letters[order]) <= self.characters
        fits &= np.arange(len(order)) < self.most
        if fits.all():
            self._parts = [together]
            return None
        self.below = float(ranks[order][~fits][0])
        kept = ranks < self.below
        self._parts = [together.select(kept)]
        self._size, self._letters = int(kept.sum()), int(letters[kept].sum())
        return together.select(~kept)

    def rows(self) -> Examples:
        """Returns the rows that are kept, in the order in which they came."""
        return self._parts[0].rows if self._parts else Examples([], {})
