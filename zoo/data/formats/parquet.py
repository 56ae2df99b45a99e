"""Rows of Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from zoo.data.contents import check_file
from zoo.data.errors import DataError, missing_column, problem, shorten
from zoo.data.files import Table
from zoo.data.formats.registry import register_format


def _names(table: Table, wanted: Sequence[str]) -> list[str]:
    try:
        from pyarrow.parquet import read_schema

        return list(read_schema(table.name).names)
    except (ImportError, OSError, ValueError):  # ArrowInvalid is a ValueError
        return []  # what reads the rows says why


def _count(table: Table) -> int:
    with _opened(table.name) as file:
        return file.metadata.num_rows


@register_format(
    "Parquet", (".parquet", ".pq"), text=False, rank=4, names=_names, count=_count
)
def parquet_rows(table: Table, wanted: Sequence[str]) -> Iterator[tuple[int, list]]:
    """Yields `(row, values)` of the `wanted` columns, rows counted from 1.

    Raises:
        DataError: without pyarrow, for a damaged file and for a missing column.
    """
    path = table.name
    with _opened(path) as file:
        names = file.schema_arrow.names
        for name in wanted:
            if name not in names:
                raise missing_column(path, name, names)
        row, stop = table.numbers
        for batch in _batches(file, list(dict.fromkeys(wanted)), row, stop):
            columns = [_values(batch.column(name)) for name in wanted]
            for values in zip(*columns, strict=True):
                row += 1
                yield row, list(values)


def types_of(table: Table) -> dict[str, Any]:
    """Returns the pyarrow types of the columns."""
    with _opened(table.name) as file:
        return {column.name: column.type for column in file.schema_arrow}


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    """Opens a file; the errors of pyarrow in the block become a `DataError`."""
    check_file(path)
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DataError(
            problem(
                path,
                None,
                None,
                "reading Parquet needs the package pyarrow",
                "`pip install pyarrow`, or the table as .csv or .jsonl",
                "no module pyarrow",
            )
        ) from None
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            problem(
                path,
                None,
                None,
                "the Parquet file is damaged",
                "a complete Parquet file",
                shorten(str(error), 100),
            )
        ) from None


def _batches(file, columns: list[str], start: int, stop: int | None) -> Iterator[Any]:
    """Yields the rows from `start` to `stop`, of the groups of rows that hold them."""
    groups: list[int] = []
    first = before = 0
    for number in range(file.num_row_groups):
        after = before + file.metadata.row_group(number).num_rows
        if before < (after if stop is None else stop) and after > start:
            first = first if groups else before
            groups.append(number)
        before = after
    left = before if stop is None else stop - start
    ahead = start - first
    for batch in file.iter_batches(row_groups=groups, columns=columns):
        batch, ahead = batch[min(ahead, len(batch)) :], max(0, ahead - len(batch))
        if left and len(batch):
            yield batch[:left]
            left -= min(left, len(batch))


def _values(column) -> list:
    """Returns the values of a column; 0.1 in 16 or 32 bits reads as 0.1."""
    import numpy as np  # here, to keep `zoo list` fast

    values = column.to_pylist()
    kind = {"halffloat": np.float16, "float": np.float32}.get(str(column.type))
    if kind is None:
        return values
    return [value if value is None else float(str(kind(value))) for value in values]
