"""Rows of Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.data.errors import DataError, missing_column, problem, shorten
from zoo.data.files import Table, check_file
from zoo.data.formats.registry import register_format


def _names(table: Table, wanted: Sequence[str]) -> list[str]:
    try:
        from pyarrow.parquet import read_schema

        return list(read_schema(table.name).names)
    except (ImportError, OSError, ValueError):  # ArrowInvalid is a ValueError
        return []  # what reads the rows says why


@register_format("Parquet", (".parquet", ".pq"), text=False, rank=4, names=_names)
def parquet_rows(table: Table, wanted: Sequence[str]) -> Iterator[tuple[int, list]]:
    """Yields `(row, values)` of the `wanted` columns, rows counted from 1.

    Raises:
        DataError: without pyarrow, for a damaged file and for a missing column.
    """
    path = table.name
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
    row = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            for name in wanted:
                if name not in names:
                    raise missing_column(path, name, names)
            for batch in file.iter_batches(columns=list(dict.fromkeys(wanted))):
                columns = [_values(batch.column(name)) for name in wanted]
                for values in zip(*columns, strict=True):
                    row += 1
                    yield row, list(values)
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


def _values(column) -> list:
    """Returns the values of a column; 0.1 in 16 or 32 bits reads as 0.1."""
    values = column.to_pylist()
    if str(column.type) not in ("halffloat", "float"):
        return values
    kind = column.type.to_pandas_dtype()
    return [value if value is None else float(str(kind(value))) for value in values]
