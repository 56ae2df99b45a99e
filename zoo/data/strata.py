"""The labels of bundles, which a split distributes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import chain

from zoo._lazy import numpy as np
from zoo.data.examples import Examples

BINS = 10  # of a regression target


@dataclass(frozen=True)
class Strata:
    """The labels of each bundle, numbered independently of the order of rows.

    Args:
        labels: labels of one bundle after the other, int `[memberships]`; at least one
            each.
        starts: where the labels of each bundle begin and the last end, `[bundles+1]`.
        count: number of labels.
    """

    labels: np.ndarray
    starts: np.ndarray
    count: int

    @property
    def owners(self) -> np.ndarray:
        """The bundle of each membership, int `[memberships]`."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    @property
    def single(self) -> bool:
        """Whether every bundle has one label."""
        return len(self.labels) == len(self.starts) - 1

    def of(self, bundle: int) -> np.ndarray:
        """The labels of one bundle."""
        return self.labels[self.starts[bundle] : self.starts[bundle + 1]]

    def of_each(self, bundles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the labels of some bundles in sequence, and where each begins."""
        sizes = np.diff(self.starts)[bundles]
        starts = np.cumsum(sizes) - sizes
        at = np.arange(sizes.sum()) + np.repeat(self.starts[bundles] - starts, sizes)
        return self.labels[at], starts

    def counts(self, parts: np.ndarray, number: int) -> np.ndarray:
        """Counts the bundles of each label in each part, `[labels, number]`; skips
        bundles whose part is negative."""
        found = parts[self.owners]
        dealt = found >= 0
        cells = self.labels[dealt] * number + found[dealt]
        return np.bincount(cells, minlength=self.count * number).reshape(-1, number)

    def with_all(self) -> Strata:
        """Returns the same with one more label, the last one, in every bundle."""
        ends = self.starts[1:]
        labels = np.insert(self.labels, ends, self.count)
        return Strata(labels, self.starts + np.arange(len(self.starts)), self.count + 1)


def strata(examples: Examples, rows: list[list[int]]) -> Strata:
    """Returns the labels of each bundle, each counted once per bundle.

    A label is a category of a column, a tag, the empty set of tags, or a tenth of a
    regression target; a bundle without any has the label "none". If bundles have
    several labels, the size class of a bundle (2-3 rows, 4-7, ...) is a label too, so
    that large and small bundles are distributed evenly.

    Args:
        examples: the rows.
        rows: the rows of each bundle.
    """
    numbers: dict[tuple[str, str], int] = {}

    def number(of: str, name: str) -> int:
        return numbers.setdefault((of, name), len(numbers))

    held: list[set[int]] = [set() for _ in rows]
    for task, values in examples.labels.items():
        names = _bins if examples.kinds.get(task) == "regression" else _names
        known: dict[Hashable, int] = {}
        for bundle, key, name in names(values, rows):
            if key not in known:
                known[key] = number(f"of {task}", name or repr(key))
            held[bundle].add(known[key])
    for labels in held:
        if not labels:
            labels.add(number("none", ""))
    if any(len(labels) > 1 for labels in held):
        for labels, members in zip(held, rows):
            if len(members) > 1:
                labels.add(number("rows", str(len(members).bit_length())))
    order = np.empty(len(numbers), int)
    order[[numbers[name] for name in sorted(numbers)]] = np.arange(len(numbers))
    labels = order[np.fromiter(chain.from_iterable(held), int)]
    starts = np.cumsum([0, *map(len, held)])
    owners = np.repeat(np.arange(len(held)), np.diff(starts))
    return Strata(labels[np.lexsort((labels, owners))], starts, len(numbers))


def _names(values: list, rows: list[list[int]]) -> Iterator[tuple]:
    """A bundle and a category or tag in it; its name is its `repr`."""
    for bundle, members in enumerate(rows):
        for row in members:
            value = values[row]
            if isinstance(value, (tuple, list)):
                for tag in value or [()]:
                    yield bundle, tag, None
            elif value is not None:
                yield bundle, value, None


def _bins(values: list, rows: list[list[int]]) -> Iterator[tuple]:
    """A bundle, a target in it, and the name of its tenth; equal ones share it."""
    pairs = sorted(
        {
            (values[row], bundle)
            for bundle, members in enumerate(rows)
            for row in members
            if values[row] is not None and values[row] == values[row]
        }
    )
    first: dict[float, int] = {}
    for rank, (value, bundle) in enumerate(pairs):
        yield bundle, value, str(BINS * first.setdefault(value, rank) // len(pairs))
