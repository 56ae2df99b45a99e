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
from zoo.data.soft import read_distribution, read_weight
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
        soft: from label column to the columns `label:name` with probabilities.
        absent: label columns that the table lacks, because it has those instead.
        weight: column of the weights of the rows.
    """

    texts: Sequence[str]
    labels: Mapping[str, str]
    task_column: str | None
    missing: Collection[str]
    separator: str | None
    soft: Mapping[str, Sequence[str]] = field(default_factory=dict)
    absent: Sequence[str] = ()
    weight: str | None = None

    @property
    def wanted(self) -> list[str]:
        """Returns the columns in the order in which `collect` takes their cells."""
        labels = [name for name in self.labels if name not in self.absent]
        parts = [name for names in self.soft.values() for name in names]
        weight = [self.weight] if self.weight else []
        return [*self.texts, *labels, *self._task, *parts, *weight]

    @property
    def content(self) -> list[str]:
        """Returns the columns of texts and labels, which a blank row leaves empty."""
        parts = [name for names in self.soft.values() for name in names]
        return [*self.texts, *self.labels, *parts]

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
    soft: dict[str, list] = field(default_factory=dict)
    weights: list[float] = field(default_factory=list)
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
    found.tallies = {name: Tally() for name in (*columns.labels, *columns._task)}
    found.labels = {name: [] for name in columns.labels}
    found.soft = {name: [] for name in columns.labels}
    for row in rows:
        if isinstance(row, BadRow):
            found.bad.append(row)
        else:
            line, cells = row
            given = dict(zip(columns.wanted, cells, strict=True))
            _read(path, line, given, columns, found)
    if found.bad and not (skip and found.texts):
        raise bad_rows_error(found.bad)
    _check(path, columns, found)
    notes = _notes(path, columns, found)
    labels, soft, kinds = found.labels, found.soft, dict(columns.labels)
    origin = {name: name for name in labels}
    if columns.task_column:
        (column, kind), names = next(iter(kinds.items())), sorted(set(found.tasks))
        labels, soft = (
            {
                name: [
                    value if task == name else None
                    for value, task in zip(values[column], found.tasks, strict=True)
                ]
                for name in names
            }
            for values in (labels, soft)
        )
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
        soft,
        found.weights,
    )


def blank_note(path, count: int) -> list[str]:
    """Returns a sentence about the blank rows that were left out, if any.

    Example:
        >>> blank_note("a.csv", 80)
        ['a.csv: 80 blank rows are left out.']
    """
    rows = "row is" if count == 1 else "rows are"
    return [f"{path}: {count:,} blank {rows} left out."] if count else []


def _read(path: str, line: int, cells: dict, columns: Columns, found: _Found) -> None:
    if all(is_blank(cells.get(name)) for name in columns.content):
        found.blank += 1
        return
    column, texts, parsed, said, task = "", [], [], [], []
    try:
        for column in columns.texts:  # the name is for the message below
            texts.append(read_text_cell(cells[column]))
        for column, kind in columns.labels.items():
            value, distribution = _read_label(column, kind, cells, columns)
            parsed.append(value)
            said.append(distribution)
        if columns.task_column:
            column = columns.task_column
            task = [_task_name(cells[column], columns.missing)]
        if columns.weight:
            column = columns.weight
            found.weights.append(read_weight(cells[column]))
    except CellError as error:
        bad = error.what, error.accepted, error.received
        found.bad.append(BadRow(path, line, column, *bad))
        return
    found.texts.append(str(joined(*texts)) if columns.pairs else texts[0])
    found.where.append((path, line))
    found.tasks += task
    for name, value, distribution in zip(columns.labels, parsed, said, strict=True):
        found.labels[name].append(value)
        found.soft[name].append(distribution)
        if distribution is None or value is not None:
            found.tallies[name].add(cells.get(name), value, columns.missing)
    for name in columns._task:
        found.tallies[name].add(cells[name], task[0], columns.missing)


def _read_label(column: str, kind: str, cells: dict, columns: Columns):
    """Returns the label of a row and the distribution over labels; each may lack."""
    cell, separator = cells.get(column), columns.separator or SEPARATOR
    if kind == "categories" and isinstance(cell, dict):
        return None, read_distribution(cell, columns.missing)
    value = read_label_cell(cell, kind, columns.missing, separator)
    start = len(column) + 1  # of the label in the name of the column `label:good`
    parts = {name[start:]: cells[name] for name in columns.soft.get(column, ())}
    return value, read_distribution(parts, columns.missing)


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
        found.tallies[name].values or any(found.soft[name]) for name in columns.labels
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
    for name, said in found.soft.items():
        if count := sum(row is not None for row in said):
            rows = "1 row has" if count == 1 else f"{count:,} rows have"
            notes.append(f"{path}, column {name!r}: {rows} a distribution over labels.")
    kinds = {**columns.labels, **dict.fromkeys(columns._task, "tasks")}
    for name, tally in found.tallies.items():
        if kinds[name] == "multilabel" and columns.separator is None:
            notes += check_separator(path, name, tally)
        notes += column_notes(path, name, kinds[name], tally)
    return notes
