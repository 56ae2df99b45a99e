"""Writes tables: CSV, TSV, JSON Lines and Parquet, by the ending of the name."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from zoo.data.errors import DataError, problem
from zoo.data.formats.registry import suffix_of
from zoo.text.writing import replaced

Rows = Iterable[Sequence[Any]]
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_LINES, _PARQUET = (".jsonl", ".ndjson"), (".parquet", ".pq")
_CHUNK = 10_000  # rows of a row group


def write_table(
    path: str | Path,
    columns: Sequence[str],
    rows: Rows,
    types: Mapping[str, Any] | None = None,
) -> int:
    """Writes all rows, or leaves the file as it was.

    Args:
        path: file that ends in .csv, .tsv, .jsonl or .parquet; of a text file `.gz` may
            follow.
        columns: names of the columns.
        rows: one value for each column, which may be produced meanwhile.
        types: pyarrow types of some columns, which only Parquet has; those of the
            others are inferred.

    Returns:
        The number of rows.

    Raises:
        DataError: for another ending, or Parquet without pyarrow.
        OSError: if the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "out.csv")
        >>> write_table(file, ["text", "score"], [["a, b", 0.5]])
        1
        >>> file.read_text()
        'text,score\\n"a, b",0.5\\n'
    """
    write = check_written(path)
    with replaced(path) as partial:
        return write(partial, columns, rows, types or {})


def check_written(
    path: str | Path,
) -> Callable[[Path, Sequence[str], Rows, Mapping[str, Any]], int]:
    """Returns what writes a file of this name.

    Raises:
        DataError: for a name whose ending is not known, or needs a missing package.
    """
    suffix = suffix_of(path)
    if suffix in _DELIMITERS:
        return _delimited
    if suffix in _LINES:
        return _lines
    if suffix in _PARQUET:
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            what = "writing Parquet needs the package pyarrow"
            accepted = "`pip install pyarrow`, or a name that ends in .csv or .jsonl"
            raise DataError(
                problem(str(path), None, None, what, accepted, "no pyarrow")
            ) from None
        return _parquet
    accepted = "a name that ends in .csv, .tsv, .jsonl or .parquet"
    raise DataError(
        problem(str(path), None, None, "unknown kind of file", accepted, repr(suffix))
    )


@contextmanager
def _opened(partial: Path) -> Iterator[IO[str]]:
    zipped = partial.name.lower().endswith(".gz")
    opened: Any = gzip.open if zipped else open
    with opened(partial, "wt", encoding="utf-8", newline="") as file:
        yield file


def _delimited(
    partial: Path, columns: Sequence[str], rows: Rows, types: Mapping[str, Any]
) -> int:
    count = 0
    with _opened(partial) as file:
        delimiter = _DELIMITERS[suffix_of(partial)]
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(value) for value in row])
            count += 1
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False)
    return value


def _lines(
    partial: Path, columns: Sequence[str], rows: Rows, types: Mapping[str, Any]
) -> int:
    count = 0
    with _opened(partial) as file:
        for row in rows:
            record = dict(zip(columns, row, strict=True))
            file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")
            count += 1
    return count


def _parquet(
    partial: Path, columns: Sequence[str], rows: Rows, types: Mapping[str, Any]
) -> int:
    import pyarrow
    from pyarrow.parquet import write_table as write

    table = list(zip(*rows, strict=True)) or [()] * len(columns)
    data = {
        name: pyarrow.array(values, types.get(name))
        for name, values in zip(columns, table, strict=True)
    }
    write(pyarrow.table(data), partial, row_group_size=_CHUNK)
    return len(table[0]) if table else 0
