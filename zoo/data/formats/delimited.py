"""Rows of CSV and TSV files, with the physical line where each begins."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice

from zoo.data.errors import BadRow, DataError, nearest, problem, shorten
from zoo.data.files import Table
from zoo.data.formats.registry import register_format

_DELIMITERS = (",", "\t", ";", "|")
_LONGEST_CELL = 2**26  # characters, so that a stray quote does not take all memory
# The line that sets Excel's delimiter.
_EXCEL = re.compile(r'"?sep=([^"\r\n])"?[;,\t]*(?:\r\n|\r|\n)', re.IGNORECASE)


def rows_of(
    table: Table,
    wanted: Sequence[str],
    *,
    delimiter: str,
    columns: Sequence[str] | None = None,
) -> Iterator[tuple[int, list] | BadRow]:
    """Yields `(line, cells)` for the `wanted` columns, or a `BadRow`.

    A row of blank cells may have any number of them. A first line `sep=;` sets the
    delimiter, as in Excel.

    Args:
        table: the file.
        wanted: names of the columns to yield, in that order.
        delimiter: separates cells. If the header lacks a wanted column and another
            usual delimiter yields all of them, that one is used.
        columns: names by position, for files without a header.

    Raises:
        DataError: for a missing column, and for a quote that is never closed.
    """
    path, quotes = table.name, table.quotes
    head, lines = table.lines("")
    first, before = 1, 0
    if columns is None:
        if "\0" in head.split("\n", 1)[0]:
            raise DataError(
                problem(
                    path,
                    1,
                    None,
                    "the header holds NUL characters",
                    "text; for a UTF-16 file encoding='utf-16' (--encoding utf-16)",
                    shorten(head.split("\n", 1)[0]),
                )
            )
        delimiter, before = _dialect(head, wanted, delimiter, quotes)
    lines = islice(lines, before, None)
    before += table.ahead
    records = _records(path, lines, delimiter, quotes, before)
    if columns is None:
        header = next(records, (1 + before, []))
        if isinstance(header, BadRow):
            raise DataError(str(header), [header])
        first, columns = header[0], [name.strip() for name in header[1]]
        _check_header(path, first, columns, wanted)
    places = [list(columns).index(name) for name in wanted]
    for record in records:
        if isinstance(record, BadRow):
            yield record
            continue
        line, cells = record
        if len(cells) == len(columns):
            yield line, [cells[place] for place in places]
            continue
        if not any(cell.strip() for cell in cells):
            yield line, [""] * len(places)
            continue
        yield BadRow(
            path,
            line,
            None,
            f"the row has {len(cells)} cell(s)",
            f"{len(columns)} cells, one for each of {', '.join(map(repr, columns))}",
            shorten(delimiter.join(cells)),
        )


def names_of(table: Table, wanted: Sequence[str], *, delimiter: str) -> list[str]:
    """Returns the names in the header, read as `rows_of` reads it; none if damaged.

    If no columns are wanted, the delimiter is the one that yields the most of them.
    """
    head, lines = table.lines("")
    delimiter, before = _dialect(head, wanted, delimiter, table.quotes)
    lines = islice(lines, before, None)
    records = _records(table.name, lines, delimiter, table.quotes, before)
    header = next(records, (1, []))
    return [] if isinstance(header, BadRow) else [name.strip() for name in header[1]]


def rows_by_position(
    table: Table, columns: Sequence[str], wanted: Sequence[str]
) -> Iterator[tuple[int, list] | BadRow]:
    """Yields the rows of a tab-separated file without a header, as `rows_of` does.

    Args:
        table: the file.
        columns: a name for each column, by position.
        wanted: names of the columns to yield, in that order.

    Raises:
        DataError: for a wanted column that has no name.
    """
    unknown = [name for name in wanted if name not in columns]
    if unknown:
        raise DataError(
            f"`columns` must name every column used. Accepted: a list with {unknown}. "
            f"Received: {list(columns)}."
        )
    return rows_of(table, wanted, delimiter="\t", columns=columns)


def _records(
    path, lines: Iterator[str], delimiter, quotes, before: int
) -> Iterator[tuple[int, list] | BadRow]:
    """Yields rows with their lines; `before` lines of the file precede these.

    No more lines are read than those of the rows that were asked for.
    """
    started: list[str] = []  # the first line of the row

    def remembered() -> Iterator[str]:
        for content in lines:
            if not started:
                started.append(content)
            yield content

    with _long_cells():
        reader = _reader(remembered(), delimiter, quotes)
        line = 1 + before
        while True:
            started.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                shown = "".join(started)
                bad = _bad_quotes(path, line, reader.line_num + before, shown, error)
                if "end of data" in str(error) or "field limit" in str(error):
                    # The following rows are inside the cell: nothing can be skipped.
                    raise DataError(str(bad), [bad]) from None
                yield bad
            else:
                if cells:
                    yield line, cells
            line = reader.line_num + before + 1


def _reader(lines: Iterable[str], delimiter: str, quotes: bool):
    return csv.reader(
        lines,
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        strict=True,
    )


@contextmanager
def _long_cells():
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _dialect(head: str, wanted, delimiter: str, quotes: bool) -> tuple[str, int]:
    """Returns the delimiter, and how many lines are before the header."""
    if declared := _EXCEL.match(head):
        rest = head[declared.end() :]
        return _find_delimiter(rest, wanted, declared[1], quotes), 1
    return _find_delimiter(head, wanted, delimiter, quotes), 0


def _find_delimiter(text: str, wanted, delimiter: str, quotes: bool) -> str:
    """Returns the first that yields the wanted columns; if none are wanted, the one
    that yields the most columns."""
    most = 0
    for other in dict.fromkeys((delimiter, *_DELIMITERS)):
        with _long_cells():
            try:
                lines = io.StringIO(text, newline="")
                rows = filter(None, _reader(lines, other, quotes))
                header: list[str] = next(rows, [])
            except csv.Error:
                continue
        if wanted and set(wanted) <= {name.strip() for name in header}:
            return other
        if not wanted and len(header) > most:
            delimiter, most = other, len(header)
    return delimiter


def _check_header(path, line, columns, wanted) -> None:
    for name in wanted:
        if columns.count(name) == 1:
            continue
        there = columns.count(name)
        raise DataError(
            problem(
                path,
                line,
                name,
                f"the header names the column {there} times"
                if there
                else "no such column",
                "a column that occurs once",
                "columns " + ", ".join(shorten(column, 30) for column in columns),
            )
            + ("" if there else nearest(name, columns))
        )


def _bad_quotes(path, line, last, shown, error) -> BadRow:
    span = f", lines {line} to {last}" if last > line else ""
    if "end of data" in str(error):
        what = f"a quote is opened in this row and never closed{span}"
    elif "field limit" in str(error):
        what = f"a cell has more than {_LONGEST_CELL:,} characters{span}"
    else:
        what = f"a quote is misplaced ({error}){span}"
    return BadRow(
        path,
        line,
        None,
        what,
        'cells with quotes written as "say ""hello"""; if quotes are ordinary '
        "characters, quotes=False (--no-quotes)",
        shorten(shown.rstrip("\r\n")),
    )


for _rank, (_name, _suffixes, _delimiter) in enumerate(
    (("CSV", (".csv",), ","), ("TSV", (".tsv", ".tab"), "\t")), 1
):
    _names = partial(names_of, delimiter=_delimiter)
    _add = register_format(_name, _suffixes, rank=_rank, names=_names, by_lines=True)
    _add(partial(rows_of, delimiter=_delimiter))
