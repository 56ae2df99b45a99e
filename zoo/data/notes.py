"""Notes on a column of labels, for the first lines of a run."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from zoo.data.cells import missing_as
from zoo.data.errors import DataError, problem, shorten
from zoo.data.lists import SEPARATOR, list_form, parse_list
from zoo.data.values import as_number, look_alikes

SHOWN = 5  # examples in one note
MANY_NUMBERS = 20  # up to so many different numbers may well be classes
_SUSPECTS = {
    "-",
    "--",
    "---",
    "\u2013",
    "\u2014",
    "?",
    "??",
    ".",
    "..",
    "...",
    "none",
    "na",
    "n.a.",
    "n.a",
    "n/a",
    "#n/a",
    "nan",
    "nat",
    "nil",
    "null",
    "missing",
    "undefined",
}


@dataclass
class Tally:
    """The contents of the cells of a label column, besides the labels read from them.

    Args:
        missing: rows by the spelling of a missing label, `""` for an empty cell.
        rewritten: rows by cell and label, where the two differ.
        cells: rows by cell of a multilabel column, except those in `lists`.
        lists: rows by cell that `parse_list` reads.
        values: rows by label, tuple of labels, or number.
    """

    missing: Counter = field(default_factory=Counter)
    rewritten: Counter = field(default_factory=Counter)
    cells: Counter = field(default_factory=Counter)
    lists: Counter = field(default_factory=Counter)
    values: Counter = field(default_factory=Counter)

    def add(self, cell, value, missing) -> None:
        """Counts a row: its cell, the label, and the spellings of a missing label."""
        if value is None:
            self.missing[missing_as(cell, missing)] += 1
            return
        self.values[value] += 1
        if not isinstance(cell, str):
            return
        if isinstance(value, tuple):
            cells = self.cells if parse_list(cell) is None else self.lists
            cells[cell.strip()] += 1
        elif isinstance(value, str) and value != cell.strip():
            self.rewritten[cell.strip(), value] += 1


def column_notes(path: str, column: str, kind: str, tally: Tally) -> list[str]:
    """Returns sentences on what is missing, rewritten or unusual in a column.

    Args:
        path: name of the file.
        column: name of the column.
        kind: one of `zoo.tasks.KINDS`, or `"tasks"` for the column of task names.
        tally: the counts of the column.

    Example:
        >>> tally = Tally()
        >>> for cell in ["up", "Up", "up", "Up", "", "NA"]:
        ...     tally.add(cell, None if cell in ("", "NA") else cell, ["NA"])
        >>> for note in column_notes("a.csv", "mood", "categories", tally):
        ...     print(note)
        a.csv, column 'mood': 2 of 6 labels are missing (1 empty, 1 'NA').
        a.csv, column 'mood': labels that look alike are kept apart: 'Up' (2 rows) and \
'up' (2 rows).
    """
    said = [*_missing(kind, tally), *_rewritten(tally), *_parsed(tally)]
    labels: Counter[str] = Counter()
    for value, rows in tally.values.items():
        for label in value if kind == "multilabel" else (value,):
            labels[label] += rows
    numbers = [*_numbers(labels, column)] if kind == "categories" else []
    if kind != "regression":
        said += [*_suspects(labels), *alike_notes(labels)]
        said += numbers or _single(labels)
    if kind == "categories":
        said += _lists(labels, column)
    return [f"{path}, column {column!r}: {sentence}" for sentence in said]


def alike_notes(labels: Mapping[str, int], noun: str = "row") -> list[str]:
    """Returns a sentence on labels that look alike, if there are any.

    Args:
        labels: how often each occurs.
        noun: name of the units that are labelled.

    Example:
        >>> alike_notes({"B-LOC": 9, "B-Loc": 1, "O": 70}, "word")
        ["labels that look alike are kept apart: 'B-LOC' (9 words) and \
'B-Loc' (1 word)."]
    """
    groups = look_alikes(labels)
    if not groups:
        return []
    shown = "; ".join(
        " and ".join(f"{label!r} ({_count(labels[label], noun)})" for label in group)
        for group in groups[:SHOWN]
    )
    more = f"; and {len(groups) - SHOWN} more" if len(groups) > SHOWN else ""
    return [f"labels that look alike are kept apart: {shown}{more}."]


def _single(labels: Mapping[str, int]) -> Iterable[str]:
    single = sorted(label for label, rows in labels.items() if rows == 1)
    if single:
        verb = "occurs" if len(single) == 1 else "occur"
        count = _count(len(single), "label")
        yield f"{count} {verb} in one row only: {_listed(single)}."


def check_separator(path: str, column: str, tally: Tally) -> list[str]:
    """Returns a note on multilabel cells that seem to use another separator.

    Raises:
        DataError: if no cell holds the default separator.
    """
    form = list_form(tally.cells, SEPARATOR)
    if form is None:
        return []
    name = shlex.quote(form.separator)
    cells = "1 cell looks" if form.rows == 1 else f"{form.rows:,} cells look"
    what = f"{cells} like labels separated by {form.separator!r}"
    if any(SEPARATOR in cell for cell in tally.cells if cell != SEPARATOR):
        return [
            f"{path}, column {column!r}: {what}, such as {shorten(form.example)}; each "
            f"is read as one label, because other cells use {SEPARATOR!r}."
        ]
    raise DataError(
        problem(
            path,
            None,
            column,
            f"{what}, and none uses the default {SEPARATOR!r}",
            f"separator={form.separator!r} (--separator {name}) to split them, or "
            f"separator={SEPARATOR!r} (--separator '{SEPARATOR}') to keep them whole",
            shorten(form.example),
        )
    )


def _missing(kind: str, tally: Tally) -> Iterable[str]:
    count = sum(tally.missing.values())
    if not count:
        return
    spelled = ", ".join(
        f"{rows:,} {'empty' if not text else 'null' if text == 'null' else repr(text)}"
        for text, rows in tally.missing.most_common()
    )
    hint = ""
    if kind == "multilabel":
        hint = f" {SEPARATOR!r} or an empty list means that no label applies."
    total = count + sum(tally.values.values())
    yield f"{count:,} of {total:,} labels are missing ({spelled}).{hint}"


def _rewritten(tally: Tally) -> Iterable[str]:
    if tally.rewritten:
        count = sum(tally.rewritten.values())
        pairs = [
            f"{cell!a} is {label!r}"
            for (cell, label), _ in tally.rewritten.most_common(SHOWN)
        ]
        yield f"{_count(count, 'label')} read as in all formats: {', '.join(pairs)}."


def _parsed(tally: Tally) -> Iterable[str]:
    if tally.lists:
        count = _count(sum(tally.lists.values()), "cell")
        yield f"{count} read as bracketed lists, such as {next(iter(tally.lists))}."


def _suspects(labels: Mapping[str, int]) -> Iterable[str]:
    found = sorted(label for label in labels if label.casefold() in _SUSPECTS)
    if found:
        shown = ", ".join(f"{label!r} ({_rows(labels[label])})" for label in found)
        options = " ".join(f"--missing={shlex.quote(label)}" for label in found)
        yield f"kept as labels: {shown}; if they mean a missing label: {options}."


def _lists(labels: Mapping[str, int], column: str) -> Iterable[str]:
    lists = [label for label in labels if parse_list(label) is not None]
    separator, example = "", ""
    if lists:
        rows, example = sum(labels[label] for label in lists), lists[0]
    elif form := list_form(labels):
        rows, example = form.rows, form.example
        if form.separator != SEPARATOR:
            separator = f" --separator {shlex.quote(form.separator)}"
    if example:
        yield (
            f"labels of {_count(rows, 'row')} look like lists, such as "
            f"{shorten(example)}; each is read as one category. For several labels per "
            f"row use --label {shlex.quote(column + ':multilabel')}{separator}."
        )


def _numbers(labels: Mapping[str, int], column: str) -> Iterable[str]:
    found = (as_number(label) for label in labels)
    numbers = [number for number in found if number is not None]
    if len(numbers) <= MANY_NUMBERS or len(numbers) < len(labels):
        return
    whole = all(number == int(number) for number in numbers)
    span = max(numbers) - min(numbers) + 1
    rows = sum(labels.values())
    if whole and 2 * len(numbers) >= span and rows >= 10 * len(numbers):
        return  # class ids
    yield (
        f"{len(numbers):,} different numbers in {rows:,} rows are read as categories; "
        f"for a quantity use --label {shlex.quote(column + ':regression')}."
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(shorten(name) for name in names[:SHOWN]) + more


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _rows(number: int) -> str:
    return _count(number, "row")
