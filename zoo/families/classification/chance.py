"""How sure the scores of a small test part are, in words."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.reporting.markdown import in_cell
from zoo.tasks import Task
from zoo.training.intervals import INTERVAL, overlap, share_interval
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
        '95 % interval of `label` accuracy on 5 row(s): lstm 0.23 to 0.88.'
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
                f"{rows} row(s): {', '.join(said)}."
            )
    return _listed(lines)


def cross_validated(tasks: Mapping[str, Task], costs: Mapping[str, Mapping]) -> str:
    """Returns how the linear baseline does on rows that did not choose its weights.

    With few rows its options are compared over folds of the training and validation
    parts. They have several times the rows of the test part, so their score is surer;
    it is a little too good, because the best option has it.

    Args:
        tasks: the tasks by name.
        costs: of the baselines, see `zoo.families.classification.report.Outcome`.

    Example:
        >>> found = {"cross_validated": {"score": 0.5, "rows": 40}}
        >>> task = Task("categories", ("a", "b"))
        >>> cross_validated({"label": task}, {"linear": {"chosen": {"label": found}}})
        'Cross-validated on 40 training and validation rows, linear has an accuracy of \
0.50 (0.35 to 0.65) for `label`.'
    """
    lines = []
    for name in tasks:
        options = {one: cost.get("chosen", {}) for one, cost in costs.items()}
        baseline = next((one for one, found in options.items() if name in found), None)
        chosen = {} if baseline is None else options[baseline][name]
        if "cross_validated" not in chosen:
            continue
        score, rows = (chosen["cross_validated"][key] for key in ("score", "rows"))
        low, high = share_interval(round(score * rows), rows)
        lines.append(
            f"Cross-validated on {rows} training and validation rows, {baseline} has "
            f"an accuracy of {score:.2f} ({low:.2f} to {high:.2f}) for "
            f"`{in_cell(name)}`."
        )
    return _listed(lines)


def _listed(lines: list[str]) -> str:
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
    return f"With {rows} test row(s), chance may explain the difference."
