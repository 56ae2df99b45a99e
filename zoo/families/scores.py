"""Names of scores, which are the objectives of a search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

MEAN = "mean"


def score_names(metrics: Mapping[str, Sequence[str]]) -> list[str]:
    """Returns the names in `named_scores`, from the names of each task's metrics.

    Example:
        >>> score_names({"a": ["accuracy"], "b": ["r2"]})
        ['mean', 'accuracy', 'r2', 'a:accuracy', 'b:r2']
    """
    return list(
        named_scores(
            0.0, {task: dict.fromkeys(names, 0.0) for task, names in metrics.items()}
        )
    )


def named_scores(mean: float, by_task: Mapping[str, Mapping]) -> dict[str, float]:
    """Returns every score under the name that an objective gives it.

    Args:
        mean: mean over tasks of the metric that each is trained for.
        by_task: metrics of each task.

    Returns:
        The numbers; undefined ones, as without labels, are left out.

    Example:
        >>> named_scores(0.8, {"a": {"accuracy": 0.9}, "b": {"accuracy": 0.7}})
        {'mean': 0.8, 'accuracy': 0.8, 'a:accuracy': 0.9, 'b:accuracy': 0.7}
    """
    parts: dict[str, list[float]] = {}
    single: dict[str, float] = {}
    for task, metrics in by_task.items():
        for metric, value in metrics.items():
            if isinstance(value, float) and not math.isnan(value):
                single[f"{task}:{metric}"] = value
                parts.setdefault(metric, []).append(value)
    means = {metric: sum(found) / len(found) for metric, found in parts.items()}
    overall = {} if math.isnan(mean) else {MEAN: mean}
    return {**overall, **means, **single}
