"""The formats of tables, by the endings of file names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.registry import LAST, Registry

if TYPE_CHECKING:
    from zoo.data.errors import BadRow
    from zoo.data.files import Table

    Rows = Callable[[Table, Sequence[str]], Iterator[tuple[int, list] | BadRow]]
    Names = Callable[[Table, Sequence[str]], list[str]]


@dataclass(frozen=True)
class TableFormat:
    """A format that `read_table` reads.

    Args:
        name: the usual name.
        suffixes: endings of its files, in lower case; messages show the first.
        rows: yields `(line, cells)` of the requested columns, or a `BadRow`.
        text: whether it is text, which may be gzipped and has lines; else it has rows.
        rank: its place in lists; formats without one come last.
        names: returns the names of all columns of a table that has the given ones;
            `None` for a format whose rows name them.
        count: returns the number of rows of a table without reading them, for a format
            whose `rows` take those of a `zoo.data.slices.Slice` by their numbers.
        by_lines: whether `rows` reads `Table.lines`, no further than to the row that it
            yields, so that a file is read in slices.
    """

    name: str
    suffixes: tuple[str, ...]
    rows: Rows
    text: bool
    rank: int
    names: Names | None = None
    count: Callable[[Table], int] | None = None
    by_lines: bool = False


_FORMATS: Registry[TableFormat] = Registry("zoo.data.formats")


def register_format(
    name: str,
    suffixes: Sequence[str],
    *,
    text: bool = True,
    rank: int = LAST,
    names: Names | None = None,
    count: Callable[[Table], int] | None = None,
    by_lines: bool = False,
) -> Callable[[Rows], Rows]:
    """Adds the format that a function reads; see `TableFormat` for the arguments.

    Raises:
        ValueError: if another format has one of its suffixes.
    """

    def add(rows: Rows) -> Rows:
        entry = TableFormat(
            name, tuple(suffixes), rows, text, rank, names, count, by_lines
        )
        for suffix in entry.suffixes:
            _FORMATS.add(suffix, entry)
        return rows

    return add


def suffix_of(path: str | Path) -> str:
    """Returns the ending of a file name, without `.gz`.

    Example:
        >>> suffix_of("Reviews.CSV.gz")
        '.csv'
    """
    return Path(str(path).lower().removesuffix(".gz")).suffix


def table_suffixes() -> list[str]:
    """Returns the endings of all formats.

    Example:
        >>> table_suffixes()[:3]
        ['.csv', '.tsv', '.tab']
    """
    return list(_FORMATS.all())


def find_format(path: str | Path) -> TableFormat | None:
    """Returns the format of a file name, if any.

    Example:
        >>> find_format("a.pq").name, find_format("a.pq.gz")
        ('Parquet', None)
    """
    found = _FORMATS.all().get(suffix_of(path))
    packed = str(path).lower().endswith(".gz")
    return None if found is None or (packed and not found.text) else found


def format_names() -> str:
    """Returns the formats, for the help of the command line.

    Example:
        >>> format_names()
        'CSV, TSV, JSONL or Parquet'
    """
    return _or([entry.name for entry in _all()])


def accepted_endings() -> str:
    """Returns the endings of the formats, for messages.

    Example:
        >>> accepted_endings()
        '.csv, .tsv, .jsonl (each also .gz) or .parquet'
    """
    texts = ", ".join(entry.suffixes[0] for entry in _all() if entry.text)
    others = [entry.suffixes[0] for entry in _all() if not entry.text]
    return _or([f"{texts} (each also .gz)", *others])


def _all() -> list[TableFormat]:
    return list(dict.fromkeys(_FORMATS.all().values()))


def _or(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
