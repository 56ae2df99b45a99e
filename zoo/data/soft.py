"""Distributions over labels: what a teacher, or several annotators, said of a text."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from zoo.data.cells import CellError, is_blank, read_label_cell
from zoo.data.errors import BadRow, DataError, nearest, shorten
from zoo.data.values import as_number, plain
from zoo.tasks import Task

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.examples import Examples

TOLERANCE = 1e-3  # of the sum of a distribution
_ACCEPTED = "probabilities of at least 0 that add up to 1"


def soft_columns(
    names: Sequence[str], labels: Mapping[str, str]
) -> dict[str, list[str]]:
    """Returns the columns of a table that hold the probabilities of a column's labels.

    Args:
        names: of all columns.
        labels: from label column to its kind; only categories have distributions.

    Example:
        >>> soft_columns(["text", "mood:up", "mood:down"], {"mood": "categories"})
        {'mood': ['mood:up', 'mood:down']}
    """
    found = {
        label: [name for name in names if name.startswith(f"{label}:")]
        for label, kind in labels.items()
        if kind == "categories"
    }
    # A column that is itself a label column holds labels.
    found = {
        label: [name for name in columns if name not in labels and name != f"{label}:"]
        for label, columns in found.items()
    }
    return {label: columns for label, columns in found.items() if columns}


def read_distribution(
    cells: Mapping[str, object], missing: Collection[str] = ()
) -> dict[str, float] | None:
    """Returns the probabilities by label, or `None` if no cell holds one.

    Args:
        cells: from label to the cell with its probability; blank is 0.
        missing: spellings of a missing label, which names none.

    Raises:
        CellError: for cells that are no distribution.

    Example:
        >>> read_distribution({"up": "0.75", "down": 0.25, "so so": ""})
        {'up': 0.75, 'down': 0.25}
    """
    given = {  # NaN, which is blank in a label, is a mistake among probabilities
        name: cell
        for name, cell in cells.items()
        if isinstance(cell, float) or not is_blank(cell)
    }
    if not given:
        return None
    found: dict[str, float] = {}
    for name, cell in given.items():
        label = read_label_cell(name, "categories", missing)
        number = None if isinstance(cell, bool) else as_number(plain(cell))
        if label is None or label in found:
            what = "a label of the distribution has no name or occurs twice"
            raise CellError(what, "each label once", shorten(dict(cells)))
        if number is None or not number >= 0:
            what = f"the probability of {label!r} cannot be used"
            raise CellError(what, _ACCEPTED, f"{name!r}: {shorten(cell)}")
        found[label] = number
    total = math.fsum(found.values())
    if abs(total - 1) > TOLERANCE:
        what = f"the probabilities add up to {total:.6g}"
        raise CellError(what, _ACCEPTED, shorten(dict(given)))
    return {label: number / total for label, number in found.items() if number}


def read_weight(cell) -> float:
    """Returns the weight of a row.

    Raises:
        CellError: unless the cell holds a finite number of at least 0.
    """
    usable = not (is_blank(cell) or isinstance(cell, bool))
    number = as_number(plain(cell)) if usable else None
    if number is None or not number >= 0:
        accepted = "a finite number of at least 0"
        raise CellError("the weight cannot be used", accepted, shorten(cell))
    return number


def soft_names(examples: Examples, task: str) -> set[str]:
    """Returns the labels that the distributions of a task name."""
    rows = examples.soft[task]
    return {label for row in rows if isinstance(row, Mapping) for label in row}


def encode_soft(examples: Examples, tasks: Mapping[str, Task]) -> dict[str, np.ndarray]:
    """Returns arrays of what the rows have of some tasks in place of a label.

    Args:
        examples: the training rows.
        tasks: learnt from them.

    Returns:
        For each task with such rows an array in the form of the targets of
        `zoo.data.encode_labels`, NaN in the other rows: float32 `[rows, labels]` of
        probabilities; of a regression float64 `[rows]`, standardised.

    Raises:
        DataError: for a distribution over labels unknown to the task, with file and
            line.
    """
    import numpy as np  # here, to keep `zoo list` fast

    found = {}
    for name, task in tasks.items():
        rows = examples.soft.get(name, [])
        said = [row for row, value in enumerate(rows) if value is not None]
        if not said:
            continue
        target: np.ndarray = np.full((len(rows), task.outputs), np.nan, np.float32)
        if task.kind == "regression":
            target = np.full(len(rows), np.nan)
            target[said] = task.standardised(np.array([rows[row] for row in said]))
            found[name] = target
            continue
        ids = {label: number for number, label in enumerate(task.labels)}
        found[name], target[said] = target, 0.0
        for row in said:
            for label, probability in rows[row].items():
                if label not in ids:
                    raise _unknown(examples, name, row, label, task)
                target[row, ids[label]] = probability
    return found


def _unknown(examples: Examples, name: str, row: int, label, task: Task) -> DataError:
    shown = ", ".join(map(repr, task.labels[:20]))
    bad = BadRow(
        *examples.where[row],
        examples.columns[name],
        "the distribution has a label that no row has as its only label",
        f"distributions over {shown}",
        shorten(label),
        nearest(str(label), task.labels),
    )
    return DataError(str(bad), [bad])
