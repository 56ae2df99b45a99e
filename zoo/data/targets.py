"""From labels to tasks, and from labels to the arrays that a loss reads."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from zoo.data.errors import DataError, nearest, problem, shorten
from zoo.data.examples import Examples
from zoo.tasks import KINDS, Task

if TYPE_CHECKING:
    import numpy as np

MANY_LABELS = 50  # below this, many labels on few rows are no surprise


def learn_tasks(
    train: Examples, kinds: Mapping[str, str] | None = None
) -> dict[str, Task]:
    """Reads the tasks off the training rows.

    Label names are sorted: as numbers where all are whole numbers, else as text. Mean
    and scale of a regression are `mean(y)` and `std(y)` of the training rows, in
    float64 (scale 1 where the target is constant).

    Args:
        train: the training rows; other rows must not be looked at here.
        kinds: kind of each task; by default `train.kinds`.

    Returns:
        A dict from task name to `Task`, in the order of `train.labels`.

    Raises:
        DataError: for a task without labels, or with one category only.

    Warns:
        UserWarning: where nearly every row has a label of its own.

    Example:
        >>> data = Examples(["a", "b"], {"mood": ["up", "down"]})
        >>> learn_tasks(data)["mood"].labels
        ('down', 'up')
    """
    kinds = {**train.kinds, **(kinds or {})}
    for name, kind in kinds.items():
        if kind not in KINDS or name not in train.labels:
            accepted = f"tasks {', '.join(train.labels)}; kinds {', '.join(KINDS)}"
            raise DataError(
                f"`kinds` must map tasks of the data to their kind. Accepted: "
                f"{accepted}. Received: {name!r}: {kind!r}."
            )
    return {
        name: _learn_task(train, name, kinds[name], values)
        for name, values in train.labels.items()
    }


def _learn_task(train: Examples, name: str, kind: str, values: list) -> Task:
    present = [value for value in values if not _is_missing(value)]
    files = ", ".join(dict.fromkeys(file for file, _ in train.where)) or "<no rows>"
    column = train.columns.get(name, name)
    of_task = "" if column == name else f" for task {name!r}"
    if not present:
        raise DataError(
            problem(
                files,
                None,
                column,
                f"all training labels are missing{of_task}",
                "a label in some rows",
                f"{len(values)} rows, none with a label",
            )
        )
    if kind == "regression":
        return Task("regression", (), *_mean_and_scale(present))
    if kind == "multilabel":
        names = {label for value in present for label in value}
    else:
        names = set(present)
    least = 2 if kind == "categories" else 1
    if len(names) < least:
        raise DataError(
            problem(
                files,
                None,
                column,
                f"too few different labels{of_task} in the training rows",
                f"at least {least} different label(s)",
                f"{sorted(names)} in {len(present)} labelled rows",
            )
        )
    if len(names) > MANY_LABELS and 2 * len(names) > len(present):
        warnings.warn(
            f"{files}, column {column!r}: {len(names)} different labels in "
            f"{len(present)} labelled rows{of_task}. If this column holds numbers, use "
            "kind 'regression'; if it holds identifiers or texts, name another column.",
            stacklevel=3,
        )
    return Task(kind, tuple(_sorted_labels(names)))


def _mean_and_scale(values: list[float]) -> tuple[float, float]:
    """Rounding makes no scale of a constant, and no square leaves the range."""
    if min(values) == max(values):
        return float(values[0]), 1.0
    mean = math.fsum(value / len(values) for value in values)
    largest = max(abs(value - mean) for value in values)
    squares = math.fsum(((value - mean) / largest) ** 2 for value in values)
    return mean, largest * math.sqrt(squares / len(values))


def _sorted_labels(names: set[str]) -> list[str]:
    try:
        return sorted(names, key=lambda name: (int(name), name))
    except ValueError:
        return sorted(names)


def encode_labels(
    examples: Examples, tasks: Mapping[str, Task]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Target and weight arrays of every task.

    A missing label becomes a valid dummy target with weight 0, so that it adds nothing
    to a loss; a task that the rows do not have is missing in all of them.

    Args:
        examples: rows to encode.
        tasks: the tasks as learnt from the training rows.

    Returns:
        Two dicts by task name. Targets: categories int32 `[rows]`; multilabel float32
        `[rows, labels]`; regression float64 `[rows]`, standardised as the model learns
        it, see `Task.standardised`. Weights: float32 `[rows]`.

    Raises:
        DataError: for a label or a task that training did not know, with its file and
            line.

    Example:
        >>> data = Examples(["a", "b"], {"mood": ["up", None]})
        >>> targets, weights = encode_labels(
        ...     data, {"mood": Task("categories", ("down", "up"))}
        ... )
        >>> targets["mood"].tolist(), weights["mood"].tolist()
        ([1, 0], [1.0, 0.0])
    """
    for name, values in examples.labels.items():
        if name in tasks:
            continue
        row = next((i for i, value in enumerate(values) if value is not None), None)
        if row is not None:
            raise DataError(
                problem(
                    *examples.where[row],
                    examples.columns.get(name, name),
                    f"the row belongs to task {name!r}, unknown to training",
                    f"tasks {_listed(tasks)}",
                    repr(name),
                )
                + nearest(name, tasks)
            )
    targets, weights = {}, {}
    for name, task in tasks.items():
        values = examples.labels.get(name) or [None] * len(examples)
        targets[name], weights[name] = _encode(examples, name, task, values)
    return targets, weights


def _encode(examples: Examples, name: str, task: Task, values: list):
    import numpy as np  # here, so that `zoo list` does not wait for it

    rows = len(values)
    weights = np.array([not _is_missing(value) for value in values], np.float32)
    if task.kind == "regression":
        target = np.zeros(rows, np.float64)
    elif task.kind == "multilabel":
        target = np.zeros((rows, task.outputs), np.float32)
    else:
        target = np.zeros(rows, np.int32)
    ids = {label: i for i, label in enumerate(task.labels)}
    for row, value in enumerate(values):
        if _is_missing(value):
            continue  # the dummy target 0 is a regression's mean
        try:
            if task.kind == "regression":
                target[row] = task.standardised(_finite(value))
            elif task.kind == "multilabel":
                for label in value:
                    target[row, ids[label]] = 1.0
            else:
                target[row] = ids[value]
        except (KeyError, TypeError, ValueError):
            raise _unknown(examples, row, name, task, value, ids) from None
    return target, weights


def _finite(value) -> float:
    if not math.isfinite(number := float(value)):
        raise ValueError
    return number


def _is_missing(value) -> bool:
    return value is None or value != value  # which NaN alone is not


def _unknown(examples: Examples, row: int, name: str, task: Task, value, ids: dict):
    column = examples.columns.get(name, name)
    if task.kind == "regression":
        what, accepted, hint = "the label is no number", "a finite number", ""
    else:
        strange = value
        if task.kind == "multilabel" and isinstance(value, (tuple, list)):
            strange = next((label for label in value if label not in ids), value)
        what = "a label unknown to training"
        accepted, hint = _listed(ids), nearest(str(strange), ids)
        value = strange
    return DataError(
        problem(*examples.where[row], column, what, accepted, shorten(value)) + hint
    )


def _listed(names, most: int = 20) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
