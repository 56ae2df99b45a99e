"""Deals tables larger than memory into parts; the training part stays in its files.

The parts that are kept in memory are bounded: validation and test part, and a selection
of the training rows, for what needs them all at once.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from zoo.data.errors import DataError
from zoo.data.examples import Examples
from zoo.data.lowest import Lowest, Ranked
from zoo.data.parts import Splits

ROWS = 10_000  # read at a time
SHARE = 0.1  # of the rows, for the validation and for the test part ...
HELD_OUT, HELD_OUT_CHARACTERS = 20_000, 2**24  # ... but not more than these
SELECTED, SELECTED_CHARACTERS = 100_000, 2**25
OF_EACH = 10  # rows of each label that are among the selected ones

Read = Callable[[], Iterator[Examples]]


@dataclass(frozen=True)
class TrainingStream:
    """The training rows of files, which each pass reads again.

    Args:
        read: returns an iterator over all rows of the files, in parts.
        seed: of the parts.
        below: ranks below which a row is held out, for each held-out part.
        excluded: texts of given validation and test tables.
        rows: number of training rows.
    """

    read: Read = field(repr=False)
    seed: int
    below: Sequence[float]
    excluded: frozenset[str] = field(repr=False)
    rows: int

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[Examples]:
        for rows in self.read():
            keys = rows.text_keys
            held = _held_out(_ranks(keys, self.seed)[:, 0], self.below)
            known = np.array([key in self.excluded for key in keys], bool)
            yield rows.select(np.flatnonzero((held == len(self.below)) & ~known))


def deal(
    read: Read,
    *,
    valid: Examples | None = None,
    test: Examples | None = None,
    seed: int = 0,
) -> Splits:
    """Deals the rows of files into parts, in one pass and in bounded memory.

    A hash of its text decides where a row goes, so that copies stay together and
    another order of the rows changes nothing. Validation and test part are 10 % of the
    rows each, and at most 20,000 rows or 16 million characters; they are not
    stratified. Rows there whose labels do not occur in training are left out.

    Args:
        read: returns an iterator over the rows, in parts; it is called for each pass.
        valid: the validation part, if it is given.
        test: the test part, if it is given.
        seed: a whole number; each gives other parts.

    Returns:
        `Splits` with all training rows as `stream`. Their `train` is a selection: all
        rows, if they are at most 100,000 and have at most 32 million characters, else
        as many, drawn by hash, with 10 of each label among them.

    Raises:
        DataError: for too few rows for a part to get one.

    Example:
        >>> texts = [f"number {n}" for n in range(99)]
        >>> rows = Examples(texts, {"odd": ["0", "1", "0"] * 33})
        >>> parts = deal(lambda: iter([rows]))
        >>> len(parts.valid) + len(parts.test) + len(parts.stream)
        99
    """
    given = [part for part in (valid, test) if part is not None]
    excluded = frozenset(key for part in given for key in part.text_keys)
    bound = {"most": HELD_OUT, "characters": HELD_OUT_CHARACTERS}
    names = [n for n, part in (("valid", valid), ("test", test)) if part is None]
    held_out = [Lowest(0, **bound) for _ in names]
    train = Lowest(1, most=SELECTED, characters=SELECTED_CHARACTERS)
    labels: Counter = Counter()
    of_files, skipped, total, leaked = [], [], 0, 0

    def to_train(some: Ranked | None) -> None:
        if some is not None and len(some):
            first = _preferring_rare(some, labels)
            train.add(first.select(first.ranks[:, 1] < train.below))

    for rows in read():
        of_files += rows.notes
        skipped += rows.skipped
        keys = rows.text_keys
        rest = np.array([key not in excluded for key in keys], bool)
        leaked += int(np.count_nonzero(~rest))
        ranked = Ranked(rows, _ranks(keys, seed)).select(rest)
        total += len(ranked)
        below = [part.below for part in held_out]
        place = _held_out(ranked.ranks[:, 0], below)
        for number, part in enumerate(held_out):
            to_train(part.add(ranked.select(place == number)))
        to_train(ranked.select(place == len(held_out)))
    for part in held_out:
        to_train(part.settle())
    train.settle()
    below = [part.below for part in held_out]
    parts = dict(zip(names, (part.rows() for part in held_out), strict=True))
    training = total - sum(map(len, parts.values()))
    notes = []
    for name, rows in parts.items():
        parts[name] = _with_known(rows, labels)
        if lost := len(rows) - len(parts[name]):
            notes.append(f"{name}: {lost:,} row(s) with labels unknown to training.")
        if not len(parts[name]):
            raise DataError(
                f"The {name} part is left without rows. Accepted: more rows with "
                f"different texts, or a file of its own (--{name}). Received: {total} "
                "rows."
            )
    sizes = {name: len(rows) for name, rows in parts.items()}
    parts |= {n: p for n, p in (("valid", valid), ("test", test)) if p is not None}
    selection = train.rows()
    notes += _notes(seed, sizes, leaked, training, len(selection))
    selection.skipped, selection.notes = skipped, of_files
    stream = TrainingStream(read, seed, below, excluded, training)
    return Splits(selection, parts["valid"], parts["test"], notes=notes, stream=stream)


def _notes(
    seed: int, sizes: dict[str, int], leaked: int, training: int, selected: int
) -> Iterator[str]:
    if leaked:
        yield (
            f"{leaked:,} training row(s) dropped: their text occurs in the given "
            "validation or test table."
        )
    if sizes:
        rows = " and ".join(f"{size:,} for {name}" for name, size in sizes.items())
        yield f"Rows set aside by a hash of their text, seed {seed}: {rows}."
    yield (
        f"{training:,} training rows are read from the files in passes; what reads all "
        f"rows at once, such as linear models, reads {selected:,} of them."
    )


def _ranks(keys: Iterable[str], seed: int) -> np.ndarray:
    """Returns two numbers from 0 to below 1 for each text, `[rows, 2]`."""
    salt = str(seed).encode()[:16]
    digests = [
        hashlib.blake2b(
            key.encode("utf-8", "surrogatepass"), digest_size=16, salt=salt
        ).digest()
        for key in keys
    ]
    whole = np.frombuffer(b"".join(digests), "<u8").reshape(-1, 2)
    return (whole >> np.uint64(11)) * 2.0**-53


def _held_out(ranks: np.ndarray, below: Sequence[float]) -> np.ndarray:
    """Returns the number of the held-out part of each row, the last for training."""
    part = np.minimum((ranks / SHARE).astype(int), len(below))
    for number, bound in enumerate(below):
        inside = part == number
        part[inside & (ranks >= bound)] = len(below)
    return part


def _preferring_rare(some: Ranked, labels: Counter) -> Ranked:
    """Counts the labels of rows, and ranks the first rows of each before all others."""
    ranks = some.ranks.copy()
    for row, label in _labels_of(some.rows):
        seen = labels[label]
        labels[label] += 1
        if seen < OF_EACH:
            factor = 1e-3 if seen else 1e-6
            ranks[row, 1] = min(ranks[row, 1], some.ranks[row, 1] * factor)
    return Ranked(some.rows, ranks)


def _with_known(rows: Examples, labels: Counter) -> Examples:
    """Leaves out rows with labels that no training row has."""
    unknown = {row for row, label in _labels_of(rows) if not labels[label]}
    return rows.select(row for row in range(len(rows)) if row not in unknown)


def _labels_of(rows: Examples) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yields each label of each row, with its task; a regression has none."""
    for name, values in rows.labels.items():
        if rows.kinds[name] == "regression":
            continue
        for row, value in enumerate(values):
            if value is not None:
                for label in value if isinstance(value, tuple) else (value,):
                    yield row, (name, label)
