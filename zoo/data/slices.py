"""Tables in slices of some rows, each of which is read without the others.

What is read here is bounded by one row, and by one slice, rather than by the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zoo.data.contents import check_file
from zoo.data.errors import missing_column
from zoo.data.files import Table, format_of
from zoo.data.formats.jsonl import json_keys
from zoo.data.text_lines import TextLines, is_zipped


@dataclass(frozen=True)
class Slice(Table):
    """Some consecutive rows of a file.

    Args:
        columns: names of the columns of the file, which the rows of a slice of JSON
            Lines need not have.
        start: byte where they begin; of Parquet the number of rows before them.
        stop: byte, or row, after them; `None` for a file that is read whole.
        head: bytes of the file before its first row, which each slice is read with.
        before: lines between these and the slice.
        count: number of rows, the bad ones too; `None` where it is not known.
    """

    columns: tuple[str, ...] = ()
    start: int = 0
    stop: int | None = None
    head: int = 0
    before: int = 0
    count: int | None = None

    @property
    def place(self) -> dict[str, Any]:
        """What tells it from other slices of the file, as keyword arguments."""
        names = ("encoding", "start", "stop", "head", "before", "count")
        return {name: getattr(self, name) for name in names}

    @property
    def known(self) -> Sequence[str]:
        """Returns the names of all columns of the file."""
        return self.columns

    @property
    def ahead(self) -> int:
        """Returns the number of lines before the slice that are not read with it."""
        return self.before

    @property
    def numbers(self) -> tuple[int, int | None]:
        """Returns the first row and the one after the last; see `Table.numbers`."""
        return self.start, self.stop

    def text(self) -> str:
        """Returns the header and the rows."""
        if self.stop is None:
            return super().text()
        with Path(self.path).open("rb") as file:
            data = file.read(self.head)
            file.seek(self.start)
            data += file.read(self.stop - self.start)
        if self.encoding != "utf-8":
            return data.decode(self.encoding or "utf-8")
        # A mark is one in the head alone; bytes that look like one may be anywhere.
        codec = "utf-8-sig" if self.head else "utf-8"
        return data.decode(codec, "surrogateescape")

    def names(self, columns: Sequence[str]) -> list[str]:
        """Returns the names of all columns of the file."""
        return list(self.columns)


@dataclass(frozen=True)
class _Followed(Table):
    """A text file, and the lines that its reader takes."""

    opened: list[TextLines] = field(default_factory=list)

    def lines(self, newline: str) -> tuple[str, Iterator[str]]:
        """Returns the beginning and the lines, as `Table.lines` does."""
        self.opened[:] = [TextLines(self.path, newline, keep_bad_bytes=self.skip)]
        return self.opened[0].head, iter(self.opened[0])


def slices_of(
    path: str | Path, wanted: Sequence[str], rows: int
) -> tuple[list[str], list[Slice]]:
    """Returns the columns of a table, and its rows in slices.

    Text files are read row by row, because a quoted cell may hold line ends. Those that
    are gzipped, and those of formats that are not read by lines, are one slice.

    Args:
        path: the file.
        wanted: columns that it must have.
        rows: number of rows of a slice; the last one may have fewer.

    Raises:
        DataError: for a file that cannot be read, or lacks a wanted column.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "a.csv")
        >>> _ = file.write_text('text,n\\none,1\\n"two\\nlines",2\\nthree,3\\n')
        >>> columns, slices = slices_of(file, ["text"], 2)
        >>> columns, [list(part.rows(["n"])) for part in slices]
        (['text', 'n'], [[(2, ['1']), (3, ['2'])], [(5, ['3'])]])
    """
    check_file(path)
    kind = format_of(path)
    if kind.count is not None:
        table = Table(path, skip=True)
        total = kind.count(table)
        columns = _checked(path, table.names(wanted), wanted)
        whole = Slice(path, True, columns=tuple(columns))
        starts = range(0, total, rows)
        ends = [min(start + rows, total) for start in starts]
        return columns, [
            replace(whole, start=start, stop=end, count=end - start)
            for start, end in zip(starts, ends, strict=True)
        ]
    if is_zipped(path) or not kind.by_lines:
        table = Table(path, skip=True)
        columns = _checked(path, table.names(wanted) or json_keys(table), wanted)
        return columns, [Slice(path, True, columns=tuple(columns))]
    return _by_lines(path, wanted, rows)


def _by_lines(
    path: str | Path, wanted: Sequence[str], rows: int
) -> tuple[list[str], list[Slice]]:
    table = _Followed(path, True)
    columns = table.names(wanted)
    if not columns:  # each row names its columns
        next(table.rows([]), None)  # fails for an array
        columns = json_keys(table)
        table.lines("")  # from the beginning again
    _checked(path, columns, wanted)
    header = table.opened[0]
    lines = header.count
    whole = Slice(path, True, header.encoding, columns=tuple(columns), head=header.size)
    found: list[Slice] = []
    start, before, count = header.size, lines, 0

    def cut() -> Slice:
        size, ahead = table.opened[0].size, before - lines
        return replace(whole, start=start, stop=size, before=ahead, count=count)

    for _ in table.rows(columns):
        count += 1
        if count == rows:
            found.append(cut())
            start, before, count = table.opened[0].size, table.opened[0].count, 0
    return columns, [*found, cut()] if count else found


def _checked(path, columns: list[str], wanted: Sequence[str]) -> list[str]:
    for name in wanted:
        if name not in columns:
            raise missing_column(str(path), name, columns)
    return columns
