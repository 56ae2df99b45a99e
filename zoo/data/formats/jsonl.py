"""Rows of JSON Lines files and of Parquet files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from zoo.data.errors import BadRow, DataError, nearest, problem, shorten


def missing_column(path: str, name: str, columns: Sequence[str]) -> DataError:
    """The error for a column that a file lacks."""
    there = ", ".join(repr(column) for column in list(columns)[:50]) or "none"
    message = problem(
        path, None, name, "no such column", "a column that is there", f"columns {there}"
    )
    return DataError(message + nearest(name, columns))


def json_rows(
    path: str, text: str, wanted: Sequence[str]
) -> Iterator[tuple[int, list] | BadRow]:
    """Yields `(line, values)` of the `wanted` keys, or a `BadRow`; absent is `None`.

    Raises:
        DataError: for a wanted key that no object has, and for a JSON array.
    """
    seen: dict[str, None] = {}
    objects = 0
    for line, row in enumerate(text.split("\n"), 1):
        row = row.strip()
        if not row:
            continue
        try:
            value = json.loads(row)
        except (ValueError, RecursionError) as error:
            if not objects and row.startswith("["):
                raise _array(path, line, row) from None
            yield BadRow(
                path, line, None, f"bad JSON: {error}", "one JSON object", shorten(row)
            )
            continue
        if not isinstance(value, dict):
            if not objects and isinstance(value, list) and value:
                raise _array(path, line, row)
            yield BadRow(
                path,
                line,
                None,
                "the line is no object",
                "one JSON object",
                shorten(row),
            )
            continue
        objects += 1
        seen.update(dict.fromkeys(value))
        yield line, [value.get(name) for name in wanted]
    for name in wanted:
        if objects and name not in seen:
            raise missing_column(path, name, list(seen))


def _array(path: str, line: int, row: str) -> DataError:
    return DataError(
        problem(
            path,
            line,
            None,
            "the file holds a JSON array",
            "JSON Lines: one object a line, no brackets around them",
            shorten(row),
        )
    )


def parquet_rows(path: str, wanted: Sequence[str]) -> Iterator[tuple[int, list]]:
    """Yields `(row, values)` of the `wanted` columns, rows counted from 1.

    Raises:
        DataError: without pyarrow, for a damaged file and for a missing column.
    """
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
    """The values of a column; 0.1 in 16 or 32 bits is 0.1, not 0.10000000149."""
    values = column.to_pylist()
    if str(column.type) not in ("halffloat", "float"):
        return values
    kind = column.type.to_pandas_dtype()
    return [value if value is None else float(str(kind(value))) for value in values]
