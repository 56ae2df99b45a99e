"""Pairs of texts, one line each in two files that belong together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.errors import BadRow, DataError, bad_rows_error, problem, shorten
from zoo.data.examples import Examples
from zoo.data.files import read_text
from zoo.data.splits import split, text_key


@dataclass(frozen=True)
class Pairs:
    """Sources and their translations.

    Args:
        sources: one text a pair.
        targets: the translation of each.
        skipped: rows that were left out by `on_bad_rows="skip"`.

    Raises:
        DataError: if there are not as many of both.
    """

    sources: list[str]
    targets: list[str]
    skipped: list[BadRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.targets):
            raise DataError(
                "`targets` must hold one text a source. Accepted: "
                f"{len(self.sources)} texts. Received: {len(self.targets)}."
            )

    def __len__(self) -> int:
        return len(self.sources)

    def select(self, indices: Iterable[int]) -> Pairs:
        """The pairs `indices`, in that order."""
        chosen = [int(index) for index in indices]
        return Pairs(
            [self.sources[index] for index in chosen],
            [self.targets[index] for index in chosen],
        )


@dataclass(frozen=True)
class PairSplits:
    """The parts of a parallel corpus; `notes` says how they came about."""

    train: Pairs
    valid: Pairs
    test: Pairs
    notes: list[str] = field(default_factory=list)


def read_pairs(
    source: str | Path, target: str | Path, *, on_bad_rows: str = "error"
) -> Pairs:
    """Reads two text files whose lines belong together; either may be gzipped.

    Args:
        source: one text a line, UTF-8 or with a byte-order mark.
        target: the translation of each line.
        on_bad_rows: `"error"`, or `"skip"` to leave out pairs with an empty side.

    Raises:
        DataError: for files with different numbers of lines, with the first line that
            has no partner; for empty sides, with file and line.
    """
    if on_bad_rows not in ("error", "skip"):
        raise ValueError(
            "`on_bad_rows` must be 'error' or 'skip'. "
            f"Received: on_bad_rows={on_bad_rows!r}."
        )
    sources, targets = _lines(source), _lines(target)
    if len(sources) != len(targets):
        _raise_unequal(*sorted([(sources, source), (targets, target)], key=_count))
    bad = [
        BadRow(
            str(path), line, None, "an empty side", "a text in both files", "nothing"
        )
        for line, pair in enumerate(zip(sources, targets, strict=True), 1)
        for path, text in zip((source, target), pair, strict=True)
        if not text.strip()
    ]
    if bad and on_bad_rows == "error":
        raise bad_rows_error(bad)
    empty = {row.line - 1 for row in bad}
    kept = [line for line in range(len(sources)) if line not in empty]
    pairs = Pairs(sources, targets).select(kept)
    return Pairs(pairs.sources, pairs.targets, bad)


def split_pairs(
    pairs: Pairs, *, valid: float = 0.1, test: float = 0.1, seed: int = 0
) -> PairSplits:
    """Splits by a seed; pairs that share a source or a target stay on one side.

    Args:
        pairs: all of them.
        valid: share of the validation part.
        test: share of the test part.
        seed: another one gives another split.

    Raises:
        DataError: for shares out of range, or too few pairs.
    """
    # The place of a row is the number of its pair: a part says which pairs it holds.
    places = [("", index) for index in range(len(pairs))]
    groups = [text_key(text) for text in pairs.targets]
    rows = Examples(list(pairs.sources), {}, places)
    parts = split(rows, valid=valid, test=test, seed=seed, groups=groups)
    chosen = [
        pairs.select(index for _, index in part.where)
        for part in (parts.train, parts.valid, parts.test)
    ]
    note = f"valid and test: {valid:.0%} and {test:.0%} of the pairs, seed {seed}."
    return PairSplits(*chosen, [note])


def _lines(path: str | Path) -> list[str]:
    """The lines of a file; what Unicode calls a line break within one stays."""
    lines = [line.removesuffix("\r") for line in read_text(path).split("\n")]
    return lines[:-1] if not lines[-1] else lines


def _count(side) -> int:
    return len(side[0])


def _raise_unequal(shorter, longer) -> None:
    """The error for `(lines, path)` of two files that do not belong together."""
    count, (lines, path) = len(shorter[0]), longer
    raise DataError(
        problem(
            str(path),
            count + 1,
            None,
            f"the line has no partner: {shorter[1]} ends before it",
            f"two files of as many lines, here {count}",
            f"{len(lines)} lines, this one {shorten(lines[count])}",
        )
    )
