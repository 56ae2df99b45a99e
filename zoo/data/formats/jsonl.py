"""Rows of JSON Lines files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from zoo.data.errors import BadRow, DataError, missing_column, problem, shorten
from zoo.data.files import Table
from zoo.data.formats.registry import register_format


@register_format("JSONL", (".jsonl", ".ndjson"), rank=3, by_lines=True)
def json_rows(
    table: Table, wanted: Sequence[str]
) -> Iterator[tuple[int, list] | BadRow]:
    """Yields `(line, values)` of the `wanted` keys, or a `BadRow`; absent is `None`.

    Raises:
        DataError: for a wanted key that no object has, and for a JSON array.
    """
    seen: dict[str, None] = dict.fromkeys(table.known)
    path, objects = table.name, len(table.known)
    for line, row in enumerate(table.lines("\n")[1], 1 + table.ahead):
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
                "the line is not an object",
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


def json_keys(table: Table) -> list[str]:
    """Returns the keys of all objects of a file, in the order of their appearance."""
    keys: dict[str, None] = {}
    for line in table.lines("\n")[1]:
        try:
            value = json.loads(line) if line.strip() else {}
        except (ValueError, RecursionError):
            continue  # `json_rows` reports it
        keys.update(dict.fromkeys(value if isinstance(value, dict) else ()))
    return list(keys)


def _array(path: str, line: int, row: str) -> DataError:
    return DataError(
        problem(
            path,
            line,
            None,
            "the file holds a JSON array",
            "JSON Lines: one object per line, without enclosing brackets",
            shorten(row),
        )
    )
