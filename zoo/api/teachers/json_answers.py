"""Reads a line of JSON about the tasks of a text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zoo.data.cells import CellError
from zoo.data.errors import shorten
from zoo.data.soft import read_distribution
from zoo.data.values import render
from zoo.tasks import Task
from zoo.text.objects import parse_json

# Of one task, from label to probability, or from `value` to a regression's value.
Scores = dict[str, float]

_ACCEPTED = {
    "categories": 'an object from label to probability, or a label as a "string"',
    "multilabel": "an object from label to probability, or a list of labels",
    "regression": "a number",
}


def read_answer(line: str, tasks: Mapping[str, Task]) -> dict[str, Scores | None]:
    """Returns the answer about each task that a line has.

    Args:
        line: an object from the name of a task to its answer, `null` for none; names of
            other tasks are ignored. Of a single task also the answer alone. An answer
            about categories is an object from label to probability or a label; about a
            multilabel task an object from label to probability or a list of labels;
            about a regression a number.
        tasks: by name.

    Raises:
        CellError: for something else.

    Example:
        >>> tasks = {"mood": Task("categories", ("up", "down"))}
        >>> read_answer('{"up": 0.25, "down": 0.75}', tasks)
        {'mood': {'up': 0.25, 'down': 0.75}}
        >>> read_answer('{"mood": "up", "stars": 4}', tasks)
        {'mood': {'up': 1.0}}
    """
    try:
        value = parse_json(line)
    except ValueError:
        raise _unreadable(tasks, line) from None
    if len(tasks) == 1:
        [(name, task)] = tasks.items()
        if not _is_named(value, name, task):
            return {name: _scores(task, value, line)}
    if not isinstance(value, dict):
        raise _unreadable(tasks, line)
    found = {
        name: None if value[name] is None else _scores(task, value[name], line)
        for name, task in tasks.items()
        if name in value
    }
    if not found:
        raise _unreadable(tasks, line)
    return found


def _is_named(value: Any, name: str, task: Task) -> bool:
    """Whether an answer about the only task has its name; it may also be a label."""
    if not isinstance(value, dict) or name not in value:
        return False
    number = isinstance(value[name], (int, float)) or value[name] is None
    return task.kind == "regression" or not number


def _scores(task: Task, value: Any, line: str) -> Scores:
    if task.kind == "regression":
        if not _is_number(value):
            what = "the value of a regression cannot be used"
            raise CellError(what, "a finite number", shorten(value))
        return {"value": float(value)}
    if task.kind == "multilabel":
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return {render(name): 1.0 for name in value}
        if isinstance(value, dict):
            return {render(name): _share(name, cell) for name, cell in value.items()}
    elif isinstance(value, str):
        return {render(value): 1.0}
    elif isinstance(value, dict) and (found := read_distribution(value)):
        return found
    raise _unreadable({"": task}, line)


def _share(name: str, cell: Any) -> float:
    if not _is_number(cell) or not 0 <= cell <= 1:
        what = f"the probability of {name!r} cannot be used"
        raise CellError(what, "a number from 0 to 1", shorten(cell))
    return float(cell)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _unreadable(tasks: Mapping[str, Task], line: str) -> CellError:
    kinds = dict.fromkeys(task.kind for task in tasks.values())
    accepted = ", or ".join(_ACCEPTED[kind] for kind in kinds)
    if len(tasks) > 1:
        names = ", ".join(map(repr, tasks))
        accepted = f"an object from some of the tasks {names} to answers: {accepted}"
    return CellError("it is no answer", accepted, repr(line[:80]))
