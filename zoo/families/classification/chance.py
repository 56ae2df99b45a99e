"""How sure the scores of a small test part are, in words."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.reporting.markdown import in_cell
from zoo.tasks import Task
from zoo.training.intervals import INTERVAL, overlap
from zoo.training.metrics import MAIN_METRIC


def intervals(tasks: Mapping[str, Task], results: Mapping[str, Mapping]) -> str:
    """Returns a list of the 95 % intervals of each task's main metric, if it has some.

    Args:
        tasks: the tasks by name.
        results: metrics by model, then by task; those of fewer than 1,000 rows have an
            interval.

    Example:
        >>> found = {"label": {"rows": 5, "accuracy": 0.6, "interval": (0.23, 0.88)}}
        >>> intervals({"label": Task("categories", ("a", "b"))}, {"lstm": found})
        '95 % interval of `label` accuracy on 5 rows: lstm 0.23 to 0.88.'
    """
    lines = []
    for name, task in tasks.items():
        bounds = {
            model: found[name][INTERVAL]
            for model, found in results.items()
            if INTERVAL in found[name]
        }
        if bounds:
            rows = next(found[name]["rows"] for found in results.values())
            said = [
                f"{in_cell(model)} {low:.2f} to {high:.2f}"
                for model, (low, high) in bounds.items()
            ]
            lines.append(
                f"95 % interval of `{in_cell(name)}` {MAIN_METRIC[task.kind]} on "
                f"{rows} rows: {', '.join(said)}."
            )
    return "\n".join(lines if len(lines) < 2 else (f"- {line}" for line in lines))


def by_chance(tasks: Mapping[str, Task], one: Mapping, other: Mapping) -> str:
    """Returns a caution if chance may explain how two models differ on every task.

    Args:
        tasks: the tasks by name.
        one: metrics of a model by task.
        other: those of the other model.
    """
    judged = [name for name in tasks if INTERVAL in one[name]]
    if not judged or not all(
        overlap(one[name], other[name], MAIN_METRIC[tasks[name].kind])
        for name in judged
    ):
        return ""
    rows = max(one[name]["rows"] for name in judged)
    return f"With {rows} test rows, chance may explain the difference."
