"""Learns tasks from labels, and encodes labels as the arrays that a loss reads."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from zoo.data.errors import DataError, problem
from zoo.data.examples import Examples
from zoo.data.parts import Splits
from zoo.data.soft import soft_names
from zoo.data.unknown import ids_of, unknown_error
from zoo.tasks import KINDS, Task, same_labels

if TYPE_CHECKING:
    import numpy as np

MANY_LABELS = 50  # up to so many, many labels on few rows are normal
_LEAVE_OUT = "; --on-single-class skip leaves the task out"
_LEAST = {"categories": 2, "multilabel": 1, "regression": 1}  # different labels


def learn_tasks(
    train: Examples, kinds: Mapping[str, str] | None = None
) -> dict[str, Task]:
    """Learns the tasks from the training rows.

    Label names are sorted: as numbers if all are whole numbers, else as text. Mean
    and scale of a regression are `mean(y)` and `std(y)` of the training rows, in
    float64 (scale 1 if the target is constant).

    Args:
        train: the training rows; other rows must not be passed.
        kinds: kind of each task; by default `train.kinds`.

    Returns:
        A dict from task name to `Task`, in the order of `train.labels`. Tasks with
        equal labels that label the same texts are `apart`.

    Raises:
        DataError: for a task without labels, or with one category only.

    Warns:
        UserWarning: if nearly every row has a label of its own.

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
    tasks = {
        name: _learn_task(train, name, kinds[name], values)
        for name, values in train.labels.items()
    }
    apart = _apart(train, tasks)
    return {
        name: replace(task, apart=True) if name in apart else task
        for name, task in tasks.items()
    }


def _apart(train: Examples, tasks: Mapping[str, Task]) -> set[str]:
    """Returns the tasks with equal labels that label the same texts.

    They ask different questions about a text, while tasks that a task column made ask
    the same question about texts of different kinds.
    """
    apart: set[str] = set()
    for members in same_labels(tasks).values():
        for one, other in combinations(members, 2):
            both = zip(train.labels[one], train.labels[other], strict=True)
            if any(a is not None and b is not None for a, b in both):
                apart |= {one, other}
    return apart


def _learn_task(train: Examples, name: str, kind: str, values: list) -> Task:
    present = _present(train, name, values)
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
                "a label in some rows" + (_LEAVE_OUT if len(train.labels) > 1 else ""),
                f"{len(values)} rows without a label",
            )
        )
    if kind == "regression":
        return Task("regression", (), *_mean_and_scale(present))
    names, least = _different(present, kind), _LEAST[kind]
    if len(names) < least:
        raise DataError(
            problem(
                files,
                None,
                column,
                f"too few different labels{of_task} in the training rows",
                f"at least {least} different label(s)"
                + (_LEAVE_OUT if len(train.labels) > 1 else ""),
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


def _present(train: Examples, name: str, values: list) -> list:
    """The labels of the rows; if none has one, those that distributions name."""
    present = [value for value in values if not _is_missing(value)]
    return present or sorted(soft_names(train, name))


def _mean_and_scale(values: list[float]) -> tuple[float, float]:
    """Rounding gives no scale to a constant, and no square overflows."""
    if min(values) == max(values):
        return float(values[0]), 1.0
    mean = math.fsum(value / len(values) for value in values)
    largest = max(abs(value - mean) for value in values)
    squares = math.fsum(((value - mean) / largest) ** 2 for value in values)
    return mean, largest * math.sqrt(squares / len(values))


def leave_out_single(splits: Splits) -> tuple[Splits, list[str]]:
    """Leaves out the tasks that cannot be learnt from the training part.

    Those are categories with one class in the training rows, and tasks without a
    label there. Rows that have labels of such tasks only are left out too.

    Returns:
        The parts, and a sentence on each task that is left out; the same parts and
        no sentences if all tasks can be learnt, or none.

    Example:
        >>> data = Examples(["a", "b"], {"x": ["1", "2"], "y": ["1", None]})
        >>> found, said = leave_out_single(Splits(data, data, data))
        >>> list(found.train.labels), said
        (['x'], ["task 'y' is left out: its training rows have '1' only."])
    """
    train, said = splits.train, {}
    for name, values in train.labels.items():
        present = _present(train, name, values)
        names = _different(present, train.kinds[name])
        if len(names) < _LEAST[train.kinds[name]]:
            only = f"{min(names)!r} only" if names else "no label"
            said[name] = f"task {name!r} is left out: its training rows have {only}."
    if not said or len(said) == len(train.labels):
        return splits, []
    train, valid, test = (without_tasks(part, said) for part in splits.parts.values())
    return replace(splits, train=train, valid=valid, test=test), list(said.values())


def without_tasks(examples: Examples, names: Collection[str]) -> Examples:
    """Leaves out some tasks, and the rows that have labels of those only."""
    left = [name for name in examples.labels if name not in names]
    rest, gone = examples.with_tasks(left), set(names) & set(examples.labels)

    def labelled(row: int, tasks: Iterable[str]) -> bool:
        parts = examples.labels, examples.soft
        return any(part[name][row] is not None for part in parts for name in tasks)

    def stays(row: int) -> bool:
        return labelled(row, left) or not labelled(row, gone)

    kept = rest.select(row for row in range(len(rest)) if stays(row))
    return replace(kept, skipped=rest.skipped, notes=rest.notes)


def _different(present: list, kind: str) -> set:
    if kind == "multilabel":
        return {label for value in present for label in value}
    return set(present)


def _sorted_labels(names: set[str]) -> list[str]:
    try:
        return sorted(names, key=lambda name: (int(name), name))
    except ValueError:
        return sorted(names)


def encode_labels(
    examples: Examples, tasks: Mapping[str, Task]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns the target and weight arrays of every task.

    A missing label becomes a valid dummy target with weight 0, which adds nothing to
    a loss; a task that the rows do not have is missing in all of them.

    Args:
        examples: rows to encode.
        tasks: the tasks learnt from the training rows.

    Returns:
        Two dicts by task name. Targets: categories int32 `[rows]`; multilabel float32
        `[rows, labels]`; regression float64 `[rows]`, standardised as the model learns
        it, see `Task.standardised`. Weights: float32 `[rows]`.

    Raises:
        DataError: for a label or a task unknown to training, with its file and line.

    Example:
        >>> data = Examples(["a", "b"], {"mood": ["up", None]})
        >>> targets, weights = encode_labels(
        ...     data, {"mood": Task("categories", ("down", "up"))}
        ... )
        >>> targets["mood"].tolist(), weights["mood"].tolist()
        ([1, 0], [1.0, 0.0])
    """
    if any(
        name not in tasks and any(value is not None for value in values)
        for name, values in examples.labels.items()
    ):
        raise unknown_error(examples, tasks)
    targets, weights = {}, {}
    for name, task in tasks.items():
        values = examples.labels.get(name) or [None] * len(examples)
        try:
            targets[name], weights[name] = _encode(task, values)
        except (KeyError, TypeError, ValueError):
            raise unknown_error(examples, tasks) from None
    return targets, weights


def _encode(task: Task, values: list) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np  # here, to keep `zoo list` fast

    rows = len(values)
    weights = np.array([not _is_missing(value) for value in values], np.float32)
    if task.kind == "regression":
        target = np.zeros(rows, np.float64)
    elif task.kind == "multilabel":
        target = np.zeros((rows, task.outputs), np.float32)
    else:
        target = np.zeros(rows, np.int32)
    ids = ids_of(task)
    for row, value in enumerate(values):
        if _is_missing(value):
            continue  # the dummy target 0 is a regression's mean
        if task.kind == "regression":
            target[row] = task.standardised(_finite(value))
        elif task.kind == "multilabel":
            for label in value:
                target[row, ids[label]] = 1.0
        else:
            target[row] = ids[value]
    return target, weights


def _finite(value) -> float:
    if not math.isfinite(number := float(value)):
        raise ValueError
    return number


def _is_missing(value) -> bool:
    return value is None or value != value  # true of NaN only
