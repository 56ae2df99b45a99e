"""Bundles: rows that must stay in one part, as copies of a text or one group."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from zoo._lazy import numpy as np
from zoo.data.errors import DataError, shorten


@dataclass(frozen=True)
class Bundles:
    """Rows that stay together, with keys that do not depend on the order of rows.

    Args:
        keys: one per bundle, all different.
        rows: the rows of each bundle.
    """

    keys: list[str]
    rows: list[list[int]]

    @property
    def sizes(self) -> np.ndarray:
        """Returns the number of rows of each bundle, int `[bundles]`."""
        return np.array([len(rows) for rows in self.rows], int)

    def shuffled(self, seed: int) -> np.ndarray:
        """Returns the rank of each bundle in a seeded order, int `[bundles]`.

        It comes from hashes of the keys, so it is the same on every machine.
        """
        digests = b"".join(_digest(key, seed) for key in self.keys)
        first, second = np.frombuffer(digests, ">u8").reshape(-1, 2).T
        places = np.empty(len(self.keys), int)
        places[np.lexsort((second, first))] = np.arange(len(places))
        return places


def bundle(texts: Sequence[str], groups: Sequence[Hashable] | None = None) -> Bundles:
    """Ties together the rows of one text, and the rows of one group.

    Args:
        texts: the keys of the rows' texts.
        groups: one value per row; `None` or NaN for a row without a group.

    Raises:
        DataError: if there are not as many groups as rows.

    Example:
        >>> bundle(["a", "b", "a", "c"], [None, 1, None, 1]).rows
        [[0, 2], [1, 3]]
    """
    if groups is None:
        rows = defaultdict(list)
        for row, key in enumerate(texts):
            rows[key].append(row)
        return Bundles(list(rows), list(rows.values()))
    if len(groups) != len(texts):
        raise DataError(
            f"`groups` must hold one value per row. Accepted: {len(texts)} values. "
            f"Received: {shorten(len(groups))}."
        )
    parent = list(range(len(texts)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict = {}
    for row, (key, group) in enumerate(zip(texts, groups)):
        parent[root(row)] = root(first.setdefault(("text", key), row))
        if group is not None and group == group:
            parent[root(row)] = root(first.setdefault(("group", group), row))
    members = defaultdict(list)
    for row in range(len(texts)):
        members[root(row)].append(row)
    keys = [min(texts[row] for row in rows) for rows in members.values()]
    return Bundles(keys, list(members.values()))


def _digest(key: str, seed: int) -> bytes:
    data = f"{seed}\n{key}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).digest()
