"""Pairs of texts, from two parallel files or from a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.cells import CellError, is_blank, read_text_cell
from zoo.data.collect import blank_note
from zoo.data.contents import read_text
from zoo.data.errors import (
    BadRow,
    DataError,
    bad_rows_error,
    check_on_bad_rows,
    problem,
    shorten,
)
from zoo.data.examples import Examples
from zoo.data.files import table_of
from zoo.data.memory import Memory
from zoo.data.parts import Splits
from zoo.data.splits import assemble, split
from zoo.text.characters import text_key


@dataclass(frozen=True)
class Pairs:
    """Sources and their translations.

    Args:
        sources: one text per pair.
        targets: the translation of each.
        skipped: rows that `on_bad_rows="skip"` left out.
        notes: what a reader of the pairs should know about them.

    Raises:
        DataError: if there are not as many targets as sources.
    """

    sources: list[str]
    targets: list[str]
    skipped: list[BadRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.targets):
            raise DataError(
                "`targets` must hold one text per source. Accepted: "
                f"{len(self.sources)} texts. Received: {len(self.targets)}."
            )

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def texts(self) -> list[str]:
        """The inputs of a model: the sources."""
        return self.sources

    def select(self, indices: Iterable[int]) -> Pairs:
        """Returns the pairs `indices`, in that order."""
        chosen = [int(index) for index in indices]
        return Pairs(
            [self.sources[index] for index in chosen],
            [self.targets[index] for index in chosen],
        )


PairSplits = Splits[Pairs]


def read_pairs(
    source: str | Path,
    target: str | Path,
    *,
    on_bad_rows: str = "error",
    encoding: str | None = None,
) -> Pairs:
    """Reads two parallel text files; either may be gzipped.

    Lines that are blank in both files are left out.

    Args:
        source: one text per line.
        target: the translation of each line.
        on_bad_rows: `"error"`, or `"skip"` to leave out pairs with an empty side.
        encoding: encoding of both files; by default that of a byte-order mark, else
            UTF-8.

    Raises:
        DataError: for files with different numbers of lines, with the first unpaired
            line; for empty sides, with file and line.
    """
    check_on_bad_rows(on_bad_rows)
    sources, targets = _lines(source, encoding), _lines(target, encoding)
    if len(sources) != len(targets):
        _raise_unequal(*sorted([(sources, source), (targets, target)], key=_count))
    sides = list(zip(sources, targets, strict=True))
    blank = {line for line, pair in enumerate(sides) if not "".join(pair).strip()}
    bad = [
        BadRow(
            str(path),
            line + 1,
            None,
            "an empty side",
            "a text in both files",
            "nothing",
        )
        for line, pair in enumerate(sides)
        for path, text in zip((source, target), pair, strict=True)
        if line not in blank and not text.strip()
    ]
    if bad and on_bad_rows == "error":
        raise bad_rows_error(bad)
    empty = blank | {row.line - 1 for row in bad}
    kept = [line for line in range(len(sources)) if line not in empty]
    pairs = Pairs(sources, targets).select(kept)
    return Pairs(pairs.sources, pairs.targets, bad, blank_note(source, len(blank)))


def read_pair_table(
    path: str | Path | Memory,
    *,
    source: str = "source",
    target: str = "target",
    on_bad_rows: str = "error",
    encoding: str | None = None,
    quotes: bool = True,
) -> Pairs:
    """Reads a table with a header and a column for each language.

    A row that is blank on both sides is left out.

    Args:
        path: CSV, TSV, JSON Lines, Parquet, or memory, as `zoo.data.read_table` takes
            them.
        source: column of the sources.
        target: column of the targets.
        on_bad_rows: `"error"`, or `"skip"` to leave out rows with an empty side, or
            without a text.
        encoding: encoding of the file.
        quotes: CSV and TSV: whether `"` quotes cells.

    Raises:
        DataError: naming file, line and column.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "pairs.tsv")
        >>> _ = file.write_text("en\\tde\\nyes\\tja\\n")
        >>> read_pair_table(file, source="en", target="de").targets
        ['ja']
    """
    check_on_bad_rows(on_bad_rows)
    skip, columns = on_bad_rows == "skip", (source, target)
    pairs, bad, blank = [], [], 0
    table = table_of(path, skip, encoding, quotes)
    for row in table.rows(columns):
        if isinstance(row, BadRow):
            bad.append(row)
            continue
        line, cells = row
        if all(map(is_blank, cells)):
            blank += 1
            continue
        texts = []
        for column, cell in zip(columns, cells, strict=True):
            try:
                texts.append(read_text_cell(cell))
                if not texts[-1].strip():
                    raise CellError("an empty side", "a text in both columns", "''")
            except CellError as error:
                said = error.what, error.accepted, error.received
                bad.append(BadRow(table.name, line, column, *said))
                break
        else:
            pairs.append(texts)
    if bad and not (skip and pairs):
        raise bad_rows_error(bad)
    sources, targets = ([pair[side] for pair in pairs] for side in (0, 1))
    return Pairs(sources, targets, bad, blank_note(path, blank))


def split_pairs(
    pairs: Pairs, *, valid: float = 0.1, test: float = 0.1, seed: int = 0
) -> PairSplits:
    """Splits by a seed; pairs that share a source or a target stay in one part.

    Args:
        pairs: all of them.
        valid: share of the validation part.
        test: share of the test part.
        seed: another one gives another split.

    Raises:
        DataError: for shares out of range, or too few pairs.
    """
    rows = _as_examples("", pairs)
    parts = split(rows, valid=valid, test=test, seed=seed, groups=_groups(pairs))
    chosen = [
        pairs.select(index for _, index in part.where)
        for part in (parts.train, parts.valid, parts.test)
    ]
    note = f"valid and test: {valid:.0%} and {test:.0%} of the pairs, seed {seed}."
    return Splits(*chosen, notes=[note])


def assemble_pairs(
    train: Pairs,
    valid: Pairs | None = None,
    test: Pairs | None = None,
    *,
    seed: int = 0,
) -> PairSplits:
    """Returns the parts from training pairs and any further pairs that are given.

    A part that is not given is split off `train`, 10 % each, as by `split_pairs`.
    Training pairs whose source occurs in a given part are dropped, and a note states
    how many.

    Example:
        >>> texts = list("abcdefghijklmnopqrst")
        >>> parts = assemble_pairs(Pairs(texts, texts), test=Pairs(["a"], ["A"]))
        >>> len(parts.train), len(parts.valid), parts.test.targets
        (17, 2, ['A'])
    """
    if valid is None and test is None:
        return split_pairs(train, seed=seed)
    given = {"train": train, "valid": valid, "test": test}
    tables = [
        None if part is None else _as_examples(name, part)
        for name, part in (("valid", valid), ("test", test))
    ]
    rows = _as_examples("train", train)
    splits = assemble(rows, *tables, seed=seed, groups=_groups(train))
    chosen = []
    for name, part in given.items():
        places = [row for _, row in splits.parts[name].where]
        chosen.append((train if part is None else part).select(places))
    return Splits(*chosen, notes=splits.notes)


def _as_examples(name: str, pairs: Pairs) -> Examples:
    """Returns the sources as examples; the place of a row is its pair's number."""
    return Examples(pairs.sources, {}, [(name, row) for row in range(len(pairs))])


def _groups(pairs: Pairs) -> list[str]:
    """Groups the pairs of one target."""
    return [text_key(text) for text in pairs.targets]


def _lines(path: str | Path, encoding: str | None) -> list[str]:
    """Returns the lines of a file, split at line feeds only."""
    text = read_text(path, encoding)
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if not lines[-1] else lines


def _count(side) -> int:
    return len(side[0])


def _raise_unequal(shorter, longer) -> None:
    """Returns the error for `(lines, path)` of two files that are not parallel."""
    count, (lines, path) = len(shorter[0]), longer
    raise DataError(
        problem(
            str(path),
            count + 1,
            None,
            f"the line is unpaired: {shorter[1]} ends before it",
            f"two files with the same number of lines, here {count}",
            f"{len(lines)} lines, this one {shorten(lines[count])}",
        )
    )
