"""Turns the rows of a table into examples, with notes about them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from zoo.data.cells import CellError, is_blank, read_label_cell, read_text_cell
from zoo.data.errors import (
    Argument,
    BadRow,
    DataError,
    bad_rows_error,
    problem,
    shorten,
)
from zoo.data.examples import Examples
from zoo.data.lists import SEPARATOR
from zoo.data.notes import Tally, check_separator, column_notes
from zoo.text.pairs import joined, sides


@dataclass(frozen=True)
class Columns:
    """The columns of a table to read, and how.

    Args:
        texts: column of the texts, or the two columns of pairs of texts.
        labels: from label column to its kind.
        task_column: column whose values split the one label column into tasks.
        missing: spellings of a missing label.
        separator: separates the labels of a multilabel cell; `None` for the default,
            unless the cells seem to use another one.
    """

    texts: Sequence[str]
    labels: Mapping[str, str]
    task_column: str | None
    missing: Collection[str]
    separator: str | None

    @property
    def wanted(self) -> list[str]:
        """Returns the columns in the order in which `collect` takes their cells."""
        return [*self.texts, *self.labels, *self._task]

    @property
    def pairs(self) -> bool:
        """Returns whether a row has two texts."""
        return len(self.texts) == 2

    @property
    def _task(self) -> list[str]:
        return [self.task_column] if self.task_column else []


@dataclass
class _Found:
    """The rows read so far."""

    texts: list[str] = field(default_factory=list)
    where: list[tuple[str, int]] = field(default_factory=list)
    labels: dict[str, list] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)
    blank: int = 0


def collect(path: str, rows: Iterable, columns: Columns, *, skip: bool) -> Examples:
    """Reads the cells of every row.

    Args:
        path: name of the file, for messages.
        rows: `(line, cells)` in the order of `columns.wanted`, or a `BadRow`.
        columns: what the cells are.
        skip: whether to leave out and list bad rows.

    Raises:
        DataError: for bad rows, which it lists; if there are no rows or no labels;
            for multilabel cells with another separator than the default one, unless
            a separator is given.
    """
    found = _Found()
    for name in columns.wanted[len(columns.texts) :]:
        found.tallies[name] = Tally()
    found.labels = {name: [] for name in columns.labels}
    for row in rows:
        if isinstance(row, BadRow):
            found.bad.append(row)
        else:
            line, cells = row
            _read(path, line, cells, columns, found)
    if found.bad and not (skip and found.texts):
        raise bad_rows_error(found.bad)
    _check(path, columns, found)
    notes = _notes(path, columns, found)
    labels, kinds = found.labels, dict(columns.labels)
    origin = {name: name for name in labels}
    if columns.task_column:
        (column, kind), names = next(iter(kinds.items())), sorted(set(found.tasks))
        labels = {
            name: [
                value if task == name else None
                for value, task in zip(found.labels[column], found.tasks, strict=True)
            ]
            for name in names
        }
        origin, kinds = dict.fromkeys(names, column), dict.fromkeys(names, kind)
    return Examples(
        found.texts,
        labels,
        found.where,
        kinds,
        origin,
        found.bad,
        notes,
        columns.pairs,
    )


def blank_note(path, count: int) -> list[str]:
    """Returns a sentence about the blank rows that were left out, if any.

    Example:
        >>> blank_note("a.csv", 80)
        ['a.csv: 80 blank rows are left out.']
    """
    rows = "row is" if count == 1 else "rows are"
    return [f"{path}: {count:,} blank {rows} left out."] if count else []


def _read(path: str, line: int, cells: list, columns: Columns, found: _Found) -> None:
    first = len(columns.texts)
    if all(is_blank(cell) for cell in cells[: first + len(columns.labels)]):
        found.blank += 1
        return
    column, texts, parsed, task = "", [], [], []
    try:
        for name, cell in zip(columns.texts, cells, strict=False):
            column = name  # for the message below
            texts.append(read_text_cell(cell))
        for (name, kind), cell in zip(columns.labels.items(), cells[first:]):
            column = name
            parsed.append(
                read_label_cell(
                    cell, kind, columns.missing, columns.separator or SEPARATOR
                )
            )
        if columns.task_column:
            column = columns.task_column
            task = [_task_name(cells[-1], columns.missing)]
    except CellError as error:
        said = error.what, error.accepted, error.received
        found.bad.append(BadRow(path, line, column, *said))
        return
    found.texts.append(str(joined(*texts)) if columns.pairs else texts[0])
    found.where.append((path, line))
    found.tasks += task
    for name, value in zip(columns.labels, parsed, strict=True):
        found.labels[name].append(value)
    for name, cell, value in zip(
        found.tallies, cells[first:], parsed + task, strict=True
    ):
        found.tallies[name].add(cell, value, columns.missing)


def _task_name(cell, missing: Collection[str]) -> str:
    accepted = "the name of the task"
    name = read_label_cell(cell, "categories", missing)
    if name is None:
        raise CellError("the row has no task", accepted, shorten(cell))
    return name


def _check(path: str, columns: Columns, found: _Found) -> None:
    if not found.texts:
        in_memory = isinstance(path, Argument)
        what = "there are no rows" if in_memory else "the file has no rows"
        received = "none" if in_memory else "a header only"
        received = f"{found.blank} blank row(s)" if found.blank else received
        raise DataError(problem(path, None, None, what, "at least one row", received))
    if columns.labels and not any(
        found.tallies[name].values for name in columns.labels
    ):
        raise DataError(
            problem(
                path,
                None,
                next(iter(columns.labels)),
                "all labels are missing",
                "a label in some rows",
                f"{len(found.texts)} rows without a label",
            )
        )


def _notes(path: str, columns: Columns, found: _Found) -> list[str]:
    notes = blank_note(path, found.blank)
    for place, name in enumerate(columns.texts):
        texts = found.texts
        if columns.pairs:
            texts = [sides(text)[place] for text in texts]
        empty = sum(not text.strip() for text in texts)
        if empty:
            verb = "text is" if empty == 1 else "texts are"
            notes.append(f"{path}, column {name!r}: {empty:,} {verb} empty.")
    kinds = {**columns.labels, **dict.fromkeys(columns._task, "tasks")}
    for name, tally in found.tallies.items():
        if kinds[name] == "multilabel" and columns.separator is None:
            notes += check_separator(path, name, tally)
        notes += column_notes(path, name, kinds[name], tally)
    return notes
