"""Scores: with the table that shows them, and by the names a search looks for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

MEAN = "mean"


class Scores(dict):
    """Scores of a model on a part of data, which print as their table.

    Args:
        scores: by name; of models with tasks by task, and then by name.
        table: in Markdown, with what a reader should know beside it.

    Example:
        >>> scores = Scores({"bleu": 36.2}, "| BLEU |")
        >>> print(scores, scores["bleu"])
        | BLEU | 36.2
    """

    def __init__(self, scores: Mapping, table: str) -> None:
        super().__init__(scores)
        self.table = table

    def __str__(self) -> str:
        return self.table

    def _repr_markdown_(self) -> str:
        return self.table


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
