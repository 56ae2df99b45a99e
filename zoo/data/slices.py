"""Tables in slices of some rows, each of which is read without the others.

What is read here is bounded by one row, and by one slice, rather than by the file.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zoo.data.encodings import encoding_of_mark
from zoo.data.errors import missing_column
from zoo.data.files import (
    Table,
    check_file,
    check_is_text,
    codec_of,
    format_of,
    read_text,
)
from zoo.data.formats.jsonl import json_keys

_MARKS = {"utf-8-sig": 3, "utf-16": 2, "utf-32": 4}  # bytes of the byte-order mark
_HEAD = 2**20  # characters in which the header ends
_ZIPPED = b"\x1f\x8b"


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


@dataclass
class _Read:
    """How much of a file its reader has taken, and in what encoding."""

    encoding: str = "utf-8"
    size: int = 0
    lines: int = 0


@dataclass(frozen=True)
class _Streamed(Table):
    """A text file of which no more is held than the row that is read."""

    read: _Read = field(default_factory=_Read)

    def lines(self, newline: str) -> tuple[str, Iterator[str]]:
        """Returns the beginning and the lines, as `Table.lines` does."""
        with Path(self.path).open("rb") as file:
            data = file.read(4 * _HEAD)
        check_is_text(self.path, data)
        codec = codec_of(self.path, data, self.encoding)
        mark = encoding_of_mark(data)
        self.read.size, self.read.lines = _MARKS.get(mark or "", 0), 0
        short = codec == "utf-8-sig"
        self.read.encoding = "utf-8" if short else codec
        errors = "surrogateescape" if short else "strict"
        head = io.TextIOWrapper(io.BytesIO(data), codec, errors, newline)
        return _beginning(head), self._counted(codec, errors, newline)

    def _counted(self, codec: str, errors: str, newline: str) -> Iterator[str]:
        # Without the byte-order mark, which `encode` would repeat.
        wide = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
        encoding = wide.get(codec, self.read.encoding)
        short = encoding == "utf-8"
        file = Path(self.path).open(encoding=codec, errors=errors, newline=newline)
        try:
            for line in file:
                plain = short and line.isascii()
                self.read.size += len(line if plain else line.encode(encoding, errors))
                self.read.lines += 1
                yield line
        except UnicodeDecodeError:
            read_text(self.path, self.encoding)  # says where
            raise
        finally:
            file.close()


def _beginning(file: io.TextIOWrapper) -> str:
    """Returns the first characters, also of bytes that end within one."""
    found = ""
    try:
        while len(found) < _HEAD and (part := file.read(2**16)):
            found += part
    except UnicodeDecodeError:
        pass  # who reads the lines sees it
    return found


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
    with Path(path).open("rb") as file:
        zipped = file.read(2) == _ZIPPED
    if zipped or not kind.by_lines:
        table = Table(path, skip=True)
        columns = _checked(path, table.names(wanted) or json_keys(table), wanted)
        return columns, [Slice(path, True, columns=tuple(columns))]
    return _by_lines(path, wanted, rows)


def _by_lines(
    path: str | Path, wanted: Sequence[str], rows: int
) -> tuple[list[str], list[Slice]]:
    table = _Streamed(path, True)
    read = table.read
    columns = table.names(wanted)
    if not columns:  # each row names its columns
        next(table.rows([]), None)  # fails for an array
        columns = json_keys(table)
        table.lines("")  # from the beginning again
    whole = Slice(
        path,
        True,
        read.encoding,
        columns=tuple(_checked(path, columns, wanted)),
        head=read.size,
    )
    found: list[Slice] = []
    lines = before = read.lines
    start, count = read.size, 0

    def cut() -> Slice:
        ahead = before - lines  # of the lines that the slice is read with
        return replace(whole, start=start, stop=read.size, before=ahead, count=count)

    for _ in table.rows(columns):
        count += 1
        if count == rows:
            found.append(cut())
            start, before, count = read.size, read.lines, 0
    return columns, [*found, cut()] if count else found


def _checked(path, columns: list[str], wanted: Sequence[str]) -> list[str]:
    for name in wanted:
        if name not in columns:
            raise missing_column(str(path), name, columns)
    return columns
