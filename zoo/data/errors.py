"""Errors in data: where, what was expected and what was received."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.data.formats.registry import find_format

SHOWN = 10  # bad rows listed in one message


class DataError(ValueError):
    """Input data that cannot be used; `rows` holds any bad rows."""

    def __init__(self, message: str, rows: Iterable[BadRow] = ()) -> None:
        super().__init__(message)
        self.rows = list(rows)


class Argument(str):
    """The name of an argument that holds rows, where a message else names a file."""


@dataclass(frozen=True)
class BadRow:
    """One row that cannot be used.

    Args:
        file: the path as the caller gave it, or the `Argument` that holds the rows.
        line: physical line where the row begins, from 1 (Parquet, and data in memory:
            the row's number).
        column: name of the column at fault, or `None` for the whole row.
        problem: what is wrong.
        accepted: what is accepted there.
        received: what was received.
        hint: a sentence on what may be meant, as `nearest` gives it, or nothing.

    Example:
        >>> print(BadRow("a.csv", 7, "stars", "not a number", "a number", "'x'"))
        a.csv, line 7, column 'stars': not a number. Accepted: a number. Received: 'x'.
    """

    file: str
    line: int
    column: str | None
    problem: str
    accepted: str
    received: str
    hint: str = ""

    def __str__(self) -> str:
        said = problem(
            self.file,
            self.line,
            self.column,
            self.problem,
            self.accepted,
            self.received,
        )
        return said + self.hint


def problem(
    file: str | Path,
    line: int | None,
    column: str | None,
    what: str,
    accepted: str,
    received: str,
) -> str:
    """Returns a message about data, in the form common to all of them."""
    if isinstance(file, Argument):
        place = [str(file) if line is None else f"row {line} of {file}"]
    else:
        found = find_format(file)
        unit = "line" if found is None or found.text else "row"
        place = [str(file)] if line is None else [str(file), f"{unit} {line}"]
    if column is not None:
        place.append(f"column {column!r}")
    return f"{', '.join(place)}: {what}. Accepted: {accepted}. Received: {received}."


def missing_column(path: str, name: str, columns: Sequence[str]) -> DataError:
    """Returns the error for a column that a file lacks."""
    there = ", ".join(repr(column) for column in list(columns)[:50]) or "none"
    message = problem(
        path, None, name, "no such column", "an existing column", f"columns {there}"
    )
    return DataError(message + nearest(name, columns))


def bad_rows_error(rows: list[BadRow], *, can_skip: bool = True) -> DataError:
    """Returns the error for a file with bad rows: the first ones, and the number.

    Args:
        rows: the bad rows.
        can_skip: whether the caller has the argument `on_bad_rows`.
    """
    lines = [str(row) for row in rows[:SHOWN]]
    if len(rows) > SHOWN:
        lines.append(f"... and {len(rows) - SHOWN} more bad rows.")
    advice = f"{len(rows)} bad row(s) in {rows[0].file}"
    if can_skip:
        advice += (
            "; on_bad_rows='skip' (--on-bad-rows skip) leaves them out and lists them"
        )
    advice += "."
    return DataError("\n".join([*lines, advice]), rows)


def check_on_bad_rows(on_bad_rows: str) -> None:
    """Raises a `ValueError` unless `on_bad_rows` is a known choice."""
    if on_bad_rows not in ("error", "skip"):
        raise DataError(
            "`on_bad_rows` sets how to treat rows that cannot be used. Accepted: "
            f"'error', 'skip'. Received: {on_bad_rows!r}."
        )


def shorten(value, width: int = 60) -> str:
    """Returns the `repr` of a value; long texts are cut."""
    if isinstance(value, str) and len(value) > width:
        return f"{value[:width]!r}... ({len(value)} characters)"
    shown = repr(value)
    return shown if len(shown) <= 2 * width else shown[: 2 * width] + "..."


def nearest(name: str, names: Iterable[str]) -> str:
    """Returns `" Did you mean 'text'?"`, or nothing if no name is close."""
    by_lower = {str(other).strip().lower(): str(other) for other in names}
    close = difflib.get_close_matches(str(name).strip().lower(), by_lower, 1, 0.6)
    return f" Did you mean {by_lower[close[0]]!r}?" if close else ""
