"""Tables in files: which format one has, and how its rows are read."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.data.contents import read_text
from zoo.data.errors import BadRow, DataError, problem
from zoo.data.formats.registry import TableFormat, accepted_endings, find_format
from zoo.data.memory import Memory
from zoo.data.text_lines import TextLines, is_zipped


@dataclass(frozen=True)
class Table:
    """A file of rows, and how to read it.

    Args:
        path: the file; its name determines the format.
        skip: whether to leave out bad rows, including undecodable ones.
        encoding: encoding of a text file; by default that of its byte-order mark, else
            UTF-8.
        quotes: CSV and TSV: whether `"` quotes cells or is an ordinary character.
    """

    path: str | Path
    skip: bool = False
    encoding: str | None = None
    quotes: bool = True

    @property
    def name(self) -> str:
        """Returns the path, for messages."""
        return str(self.path)

    @property
    def known(self) -> Sequence[str]:
        """Returns columns of the file, which the rows that are read may lack."""
        return ()

    @property
    def ahead(self) -> int:
        """Returns the number of lines of the file before those that `lines` returns."""
        return 0

    @property
    def numbers(self) -> tuple[int, int | None]:
        """Returns the first row to read and the one after the last, counted from 0.

        They are for formats that can take rows by their numbers.
        """
        return 0, None

    def text(self) -> str:
        """Returns the content of a text file."""
        return read_text(self.path, self.encoding, keep_bad_bytes=self.skip)

    def lines(self, newline: str) -> tuple[str, Iterator[str]]:
        """Returns the beginning of a text file, with its first row, and its lines.

        Args:
            newline: `""` for lines that end as they may, `"\\n"` for those of Unix; as
                of `open`, line ends are kept.
        """
        if is_zipped(self.path) or self.encoding is not None:
            text = self.text()
            return text, io.StringIO(text, newline=newline)
        found = TextLines(self.path, newline, keep_bad_bytes=self.skip)
        return found.head, iter(found)

    def rows(self, columns: Sequence[str]) -> Iterator[tuple[int, list] | BadRow]:
        """Returns `(line, cells)` of the columns, in that order, or a `BadRow`.

        Raises:
            DataError: for a file that cannot be read, or lacks a column.
        """
        return format_of(self.path).rows(self, columns)

    def names(self, columns: Sequence[str]) -> list[str]:
        """Returns the names of all columns, given some that the file has.

        The rows of JSON Lines name theirs, and there are none here.
        """
        names = format_of(self.path).names
        return [] if names is None else names(self, columns)


def table_of(
    data: str | Path | Memory,
    skip: bool = False,
    encoding: str | None = None,
    quotes: bool = True,
) -> Table | Memory:
    """What readers ask for rows: a file, with the arguments of `Table`, or memory.

    Raises:
        DataError: for an argument that only files have.
    """
    if not isinstance(data, Memory):
        return Table(data, skip, encoding, quotes)
    for name, given in (("encoding", encoding), ("quotes", None if quotes else quotes)):
        if given is not None:
            raise DataError(
                f"`{name}` must be left out for data in memory. Accepted: `{name}` "
                f"beside a file. Received: {name}={given!r} beside {data}."
            )
    return data


def format_of(path: str | Path, accepted: str | None = None) -> TableFormat:
    """Returns the format of a table, from the file's name.

    Args:
        path: the file.
        accepted: what the message accepts, by default a name that ends as a table's.

    Raises:
        DataError: if the name has no known ending.

    Example:
        >>> format_of("reviews.csv.gz").name
        'CSV'
    """
    found = find_format(path)
    if found is None:
        raise DataError(
            problem(
                str(path),
                None,
                None,
                "unknown kind of file",
                accepted or f"a name that ends in {accepted_endings()}",
                repr(Path(path).name),
            )
        )
    return found
