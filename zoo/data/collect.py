"""Turns the rows of a table into examples, with notes about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

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
from zoo.text.pairs import joined


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
    """The rows of a part of a table, and counts of all rows read so far.

    Args:
        columns: what is read.
        bad: rows that cannot be read, of the whole table.
        tallies: of the cells of each label column, and of that of the tasks.
        blank: number of blank rows.
        total: number of the others.
        empty: number of empty texts, by column.
        said: number of distributions, by label column.
    """

    columns: Columns
    bad: list[BadRow] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    blank: int = 0
    total: int = 0
    empty: Counter = field(default_factory=Counter)
    said: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        columns = self.columns
        self.tallies = {name: Tally() for name in (*columns.labels, *columns._task)}
        self.begin_part()

    def begin_part(self) -> None:
        """Forgets the rows, and keeps the counts."""
        self.texts: list[str] = []
        self.where: list[tuple[str, int]] = []
        self.labels: dict[str, list] = {name: [] for name in self.columns.labels}
        self.tasks: list[str] = []
        self.soft: dict[str, list] = {name: [] for name in self.columns.labels}
        self.weights: list[float] = []


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
    [examples] = collect_parts(path, rows, columns, skip=skip, size=None)
    return examples


def collect_parts(
    path: str, rows: Iterable, columns: Columns, *, skip: bool, size: int | None
) -> Iterator[Examples]:
    """Yields the rows in parts of `size`, as `collect` reads them.

    What can only be said of the whole table, and its bad rows, come with the last part,
    which may be empty. A task column makes tasks of the values in each part.

    Raises:
        DataError: as `collect`; bad rows are listed to the end of their part.
    """
    found, rows = _Found(columns), iter(rows)
    while _read_rows(path, islice(rows, size), found) == size:
        _check_bad(found, skip)
        yield _examples(columns, found)
        found.begin_part()
    _check_bad(found, skip and found.total > 0)
    _check(path, columns, found)
    examples = _examples(columns, found)
    examples.skipped, examples.notes = found.bad, _notes(path, columns, found)
    yield examples


def _read_rows(path: str, rows: Iterable, found: _Found) -> int:
    """Reads rows into `found`, and returns their number."""
    read = 0
    for row in rows:
        read += 1
        if isinstance(row, BadRow):
            found.bad.append(row)
        else:
            line, cells = row
            given = dict(zip(found.columns.wanted, cells, strict=True))
            _read(path, line, given, found)
    return read


def _check_bad(found: _Found, skip: bool) -> None:
    if found.bad and not skip:
        raise bad_rows_error(found.bad)


def _examples(columns: Columns, found: _Found) -> Examples:
    """Returns the rows of a part, those of each task with their labels."""
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
        pairs=columns.pairs,
        soft=soft,
        weights=found.weights,
    )


def blank_note(path, count: int) -> list[str]:
    """Returns a sentence about the blank rows that were left out, if any.

    Example:
        >>> blank_note("a.csv", 80)
        ['a.csv: 80 blank rows are left out.']
    """
    rows = "row is" if count == 1 else "rows are"
    return [f"{path}: {count:,} blank {rows} left out."] if count else []


def _read(path: str, line: int, cells: dict, found: _Found) -> None:
    columns = found.columns
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
    found.total += 1
    for name, text in zip(columns.texts, texts, strict=True):
        found.empty[name] += not text.strip()
    found.texts.append(str(joined(*texts)) if columns.pairs else texts[0])
    found.where.append((path, line))
    found.tasks += task
    for name, value, distribution in zip(columns.labels, parsed, said, strict=True):
        found.labels[name].append(value)
        found.soft[name].append(distribution)
        found.said[name] += distribution is not None
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
    if not found.total:
        in_memory = isinstance(path, Argument)
        what = "there are no rows" if in_memory else "the file has no rows"
        received = "none" if in_memory else "a header only"
        received = f"{found.blank} blank row(s)" if found.blank else received
        raise DataError(problem(path, None, None, what, "at least one row", received))
    if columns.labels and not any(
        found.tallies[name].values or found.said[name] for name in columns.labels
    ):
        raise DataError(
            problem(
                path,
                None,
                next(iter(columns.labels)),
                "all labels are missing",
                "a label in some rows",
                f"{found.total} rows without a label",
            )
        )


def _notes(path: str, columns: Columns, found: _Found) -> list[str]:
    notes = blank_note(path, found.blank)
    for name in columns.texts:
        if empty := found.empty[name]:
            verb = "text is" if empty == 1 else "texts are"
            notes.append(f"{path}, column {name!r}: {empty:,} {verb} empty.")
    for name, count in found.said.items():
        if count:
            rows = "1 row has" if count == 1 else f"{count:,} rows have"
            notes.append(f"{path}, column {name!r}: {rows} a distribution over labels.")
    kinds = {**columns.labels, **dict.fromkeys(columns._task, "tasks")}
    for name, tally in found.tallies.items():
        if kinds[name] == "multilabel" and columns.separator is None:
            notes += check_separator(path, name, tally)
        notes += column_notes(path, name, kinds[name], tally)
    return notes
