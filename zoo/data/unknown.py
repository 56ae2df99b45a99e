"""Labels and tasks unknown to training: reported, left out, or counted as wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.data.errors import BadRow, DataError, nearest, shorten
from zoo.data.examples import Examples
from zoo.data.values import render
from zoo.tasks import THRESHOLD, Task

if TYPE_CHECKING:
    import numpy as np


def ids_of(task: Task) -> dict[str, int]:
    """Returns the id of each label, raw and as readers write it, for older models.

    Example:
        >>> ids_of(Task("categories", ("True", "2.0")))
        {'true': 0, '2': 1, 'True': 0, '2.0': 1}
    """
    exact = {label: number for number, label in enumerate(task.labels)}
    return {**{render(label): number for label, number in exact.items()}, **exact}


def unknown_rows(examples: Examples, tasks: Mapping[str, Task]) -> dict[int, BadRow]:
    """Returns, by row, its label or its task if the model does not know it.

    Example:
        >>> data = Examples(["a", "b"], {"mood": ["up", "odd"]})
        >>> found = unknown_rows(data, {"mood": Task("categories", ("down", "up"))})
        >>> found[1].received
        "'odd'"
    """
    found: dict[int, BadRow] = {}
    for name, values in examples.labels.items():
        column = examples.columns.get(name, name)
        task = tasks.get(name)
        known = ids_of(task) if task else {}
        said = {}  # by label, as many rows may have the same unknown label
        for row, value in enumerate(values):
            strange = _strange(value, task, known)
            if strange is None:
                continue
            key = repr(strange)
            if key not in said:
                said[key] = _said(name, strange, task, tasks)
            found.setdefault(row, BadRow(*examples.where[row], column, *said[key]))
    return dict(sorted(found.items()))


def unknown_error(examples: Examples, tasks: Mapping[str, Task]) -> DataError:
    """Returns the error for `unknown_rows`: the first one, and the number of each."""
    rows = unknown_rows(examples, tasks).values()
    counts = Counter(row.received for row in rows)
    shown = ", ".join(f"{label} ({n})" for label, n in counts.most_common(5))
    more = f" and {len(counts) - 5} more" if len(counts) > 5 else ""
    return DataError(
        f"{next(iter(rows))}\n{len(rows)} row(s) in all: {shown}{more}. "
        "on_bad_rows='skip' (--on-bad-rows skip) leaves them out; `zoo evaluate "
        "--unknown-labels wrong` counts unknown labels as wrong.",
        rows,
    )


def leave_out_unknown(examples: Examples, tasks: Mapping[str, Task]) -> Examples:
    """Leaves out the rows of `unknown_rows`, and lists them in `skipped`.

    Raises:
        DataError: if no row is left.
    """
    unknown = unknown_rows(examples, tasks)
    if len(unknown) == len(examples) and unknown:
        raise unknown_error(examples, tasks)
    kept = examples.select(row for row in range(len(examples)) if row not in unknown)
    return replace(
        kept, skipped=[*examples.skipped, *unknown.values()], notes=examples.notes
    )


def with_unknown(tasks: Mapping[str, Task], examples: Examples) -> dict[str, Task]:
    """Appends the unknown labels of `examples` to those of the tasks.

    Example:
        >>> data = Examples(["a"], {"mood": ["odd"]})
        >>> tasks = {"mood": Task("categories", ("down", "up"))}
        >>> with_unknown(tasks, data)["mood"].labels
        ('down', 'up', 'odd')
    """
    wider = dict(tasks)
    for name, task in tasks.items():
        if task.kind not in ("categories", "multilabel"):
            continue
        known = ids_of(task)
        new: set[str] = set()
        for value in examples.labels.get(name, []):
            labels = value if task.kind == "multilabel" else (value,)
            new.update(label for label in labels or () if label not in known and label)
        cuts = task.thresholds and (*task.thresholds, *[THRESHOLD] * len(new))
        labels = (*task.labels, *sorted(new))
        wider[name] = replace(task, labels=labels, thresholds=cuts)
    return wider


def never_said(
    outputs: Mapping[str, np.ndarray], tasks: Mapping[str, Task]
) -> dict[str, np.ndarray]:
    """Appends a column for each further label of `tasks` to outputs `[rows, labels]`.

    The logits there are so low that such a label is never predicted.
    """
    import numpy as np

    low = float(np.finfo("float32").min)
    return {
        name: np.pad(
            values,
            ((0, 0), (0, tasks[name].outputs - values.shape[1])),
            constant_values=low,
        )
        for name, values in outputs.items()
    }


def _strange(value, task: Task | None, known: Mapping[str, int]):
    """Returns what is unknown to a task about a value, or `None`."""
    if value is None or value != value:  # true of NaN only
        return None
    if task is None:
        return value
    if task.kind == "regression":
        try:
            return None if math.isfinite(float(value)) else value
        except (TypeError, ValueError):
            return value
    if task.kind == "multilabel" and isinstance(value, (tuple, list)):
        return next((label for label in value if label not in known), None)
    return None if task.kind == "categories" and value in known else value


def _said(name: str, strange, task: Task | None, tasks: Mapping[str, Task]) -> tuple:
    """Returns the last fields of a `BadRow`."""
    if task is None:
        what = f"the row belongs to task {name!r}, unknown to training"
        return what, f"tasks {_listed(tasks)}", repr(name), nearest(name, tasks)
    if task.kind == "regression":
        return "the label is not a number", "a finite number", shorten(strange)
    hint = nearest(str(strange), task.labels)
    accepted = _listed(task.labels)
    return "a label unknown to training", accepted, shorten(strange), hint


def _listed(names: Iterable[str], most: int = 20) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
