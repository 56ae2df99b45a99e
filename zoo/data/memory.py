"""Rows that are in memory already: frames, datasets, lists and generators.

No library is imported for that: each kind of data is recognised by what it can do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from zoo.data.errors import (
    Argument,
    BadRow,
    DataError,
    missing_column,
    problem,
    shorten,
)
from zoo.data.values import of_memory

ACCEPTED = (
    "a file, a named set, a pandas or Polars frame, a pyarrow table, a "
    "datasets.Dataset, a tf.data.Dataset, a dict of columns, or an iterable of dicts, "
    "of (text, label) pairs or of texts"
)
# Types of columns whose values Python would show with digits that they do not have.
_SHORT = {"float16", "float32", "halffloat", "float"}


class Memory:
    """Rows in memory, which readers take in place of a file.

    Args:
        data: one of `ACCEPTED`. An iterator is read once, by the first reader.
        argument: name of the caller's argument, for messages.

    Raises:
        DataError: for anything else.

    Example:
        >>> memory = Memory([("good", 1), ("bad", 0)], "data")
        >>> list(memory.rows(["text", "label"]))
        [(1, ['good', 1]), (2, ['bad', 0])]
    """

    def __init__(self, data: Any, argument: str) -> None:
        self.name = Argument(f"`{argument}`")
        self._data = data
        self._read = _reader(data, self.name)

    def __str__(self) -> str:
        return self.name

    def rows(
        self, columns: Sequence[str], *, lists: bool = False
    ) -> Iterator[tuple[int, list] | BadRow]:
        """`(row, cells)` of the columns, in that order, rows counted from 1.

        Args:
            columns: names; rows without names hold their cells in this order.
            lists: whether cells are lists, as the words of a sentence are. A
                `tf.data.Dataset` of vectors then is one of rows, and not of batches.

        Raises:
            DataError: for a column that no row has.
        """
        return self._read(self._data, self.name, columns, lists)

    def names(self, columns: Sequence[str]) -> list[str]:
        """Returns the names of all columns; none if the rows name them, or nothing."""
        return _names(self._data) if self._read is _of_columns else []


def from_python(value: Any, argument: str) -> Any:
    """A path or a name as a `str`, anything else as `Memory`; `None` stays."""
    if value is None or isinstance(value, (str, os.PathLike)):
        return value and os.fspath(value)
    return Memory(value, argument)


def _reader(data: Any, name: Argument) -> Callable:
    kind = type(data).__name__
    if hasattr(data, "element_spec"):
        return _of_tensors
    if hasattr(data, "collect_schema") and hasattr(data, "collect"):  # of Polars, lazy
        return lambda data, *rest: _of_columns(data.collect(), *rest)
    if isinstance(data, Mapping) and data:
        if any(hasattr(part, "column_names") for part in data.values()):
            parts = ", ".join(map(repr, data))
            raise DataError(
                f"{name} must be one part of a set. Accepted: data=parts['train'], "
                "valid=parts['validation'], test=parts['test']. Received: a "
                f"{kind} of the parts {parts}."
            )
        if not any(isinstance(part, (str, bytes)) for part in data.values()):
            return _of_columns
    elif _has_columns(data):
        return _of_columns
    no_rows = isinstance(data, (str, bytes, bytearray, Mapping))
    if no_rows or not isinstance(data, Iterable):
        raise DataError(
            f"{name} must hold rows of texts. Accepted: {ACCEPTED}. "
            f"Received: {shorten(data)} of type {kind}."
        )
    return _of_rows


def _has_columns(data: Any) -> bool:
    """Whether it is a frame of pandas or Polars, a table of pyarrow, or a
    `datasets.Dataset`, which gives a column by its name."""
    named = hasattr(data, "columns") or hasattr(data, "column_names")
    return named and hasattr(data, "__getitem__") and hasattr(data, "__len__")


def _of_columns(
    data: Any, name: Argument, columns: Sequence[str], lists: bool
) -> Iterator[tuple[int, list]]:
    names = _names(data)
    keys = dict(zip(names, _keys(data)))
    values = []
    for column in columns:
        if column not in keys:
            raise missing_column(name, column, names)
        if names.count(column) > 1:
            what, accepted = "the name is not unique", "one column of each name"
            received = f"{names.count(column)} columns {column!r}"
            raise DataError(problem(name, None, column, what, accepted, received))
        values.append(_values(data, keys[column]))
    lengths = {len(column) for column in values}
    if len(lengths) > 1:
        sizes = zip(columns, map(len, values))
        received = ", ".join(f"{size} in {column!r}" for column, size in sizes)
        what = "the columns differ in length"
        accepted = "columns of as many rows"
        raise DataError(problem(name, None, None, what, accepted, received))
    for row, cells in enumerate(zip(*values), 1):
        yield row, [of_memory(cell) for cell in cells]


def _keys(data: Any) -> Any:
    found = getattr(data, "column_names", None)  # a list, where it is no column
    return found if isinstance(found, list) else getattr(data, "columns", data)


def _names(data: Any) -> list[str]:
    return [str(column) for column in _keys(data)]


def _values(data: Any, key: Any) -> list:
    """The values of a column; ids of named classes become their names."""
    column = data[key]
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, method):
            values = list(getattr(column, method)())
            break
    else:
        values = list(column)
    kind = str(getattr(column, "dtype", getattr(column, "type", ""))).lower()
    if kind in _SHORT:
        short = "float16" if "16" in kind or kind == "halffloat" else "float32"
        return [of_memory(value, short) for value in values]
    names = _classes(data, key)
    return [_named(value, names) for value in values]


def _classes(data: Any, key: Any) -> Sequence[str] | None:
    """Names of the classes of a column of `datasets`, where it holds their ids."""
    features = getattr(data, "features", None)
    feature = features.get(key) if isinstance(features, Mapping) else None
    names = getattr(feature, "names", None)
    return names or getattr(getattr(feature, "feature", None), "names", None)


def _named(value: Any, names: Sequence[str] | None) -> Any:
    """The names of class ids; -1 is a label that is missing."""
    if names is None:
        return value
    if isinstance(value, (list, tuple)):
        return [_named(item, names) for item in value]
    return value if value is None else names[value] if value >= 0 else None


def _of_tensors(
    data: Any, name: Argument, columns: Sequence[str], lists: bool
) -> Iterator[tuple[int, list] | BadRow]:
    """Of a `tf.data.Dataset`; batches are taken apart."""
    spec = data.element_spec
    parts = spec.values() if isinstance(spec, Mapping) else spec
    parts = parts if isinstance(parts, Iterable) else [parts]
    batched = not lists and all(part.shape.rank for part in parts)
    if data.cardinality() == -1:
        raise DataError(
            f"{name} must come to an end. Accepted: a dataset without `.repeat()`, or "
            f"with `.take(rows)` after it. Received: {type(data).__name__} without end."
        )
    data = data.unbatch() if batched else data
    return _of_rows(data.as_numpy_iterator(), name, columns, lists)


def _of_rows(
    data: Iterable, name: Argument, columns: Sequence[str], lists: bool
) -> Iterator[tuple[int, list] | BadRow]:
    seen: dict[str, None] = {}
    classes = [_classes(data, column) for column in columns]
    named = 0
    for row, value in enumerate(data, 1):
        if isinstance(value, Mapping):
            named += 1
            seen.update(dict.fromkeys(map(str, value)))
            cells = [of_memory(value.get(column)) for column in columns]
            yield row, list(map(_named, cells, classes))
            continue
        one = isinstance(value, (str, bytes)) or not isinstance(value, Iterable)
        cells = [value] if one else list(value)
        if len(cells) == len(columns):
            yield row, [of_memory(cell) for cell in cells]
            continue
        what = f"the row holds {len(cells)} value(s)"
        accepted = f"({', '.join(columns)}), or a dict with these keys"
        if len(columns) == 1:
            accepted = f"a text, or a dict with the key {columns[0]!r}"
        yield BadRow(name, row, None, what, accepted, shorten(value))
    for column in columns:
        if named and column not in seen:
            raise missing_column(name, column, list(seen))
