"""The recommendation to a user: the model or a baseline, with score and latency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.families.classification.chance import by_chance
from zoo.reporting.markdown import in_cell
from zoo.reporting.timing import shown
from zoo.tasks import Task
from zoo.training.metrics import (
    MAIN_METRIC,
    NO_LABELS,
    UNDEFINED,
    mean_main_metric,
    merit,
)

# By model or baseline, then by task.
Results = Mapping[str, Mapping[str, Mapping]]


def recommend(
    name: str, tasks: Mapping[str, Task], results: Results, costs: Mapping[str, Mapping]
) -> dict[str, Any] | None:
    """Selects the model or its best baseline by score; ties go to the baseline.

    Args:
        name: name of the model.
        tasks: the tasks.
        results: metrics of the model and of its baselines.
        costs: costs of some of them, with the milliseconds per text as `ms_a_text`.

    Returns:
        A dict with the names `take` and `against`, the `metric`, and for each of the
        two its score (`score`, `score_against`) and latency (`ms_a_text`,
        `ms_a_text_against`; `None` if it was not measured). `None` if no task has a
        metric.
    """
    means = {one: mean_main_metric(tasks, found) for one, found in results.items()}
    own = means.pop(name)
    if np.isnan(own):
        return None
    best = max(means, key=means.__getitem__)
    take, against = (name, best) if own > means[best] else (best, name)
    scores = {**means, name: own}
    metrics = {MAIN_METRIC[task.kind] for task in tasks.values()}
    metric = metrics.pop() if len(metrics) == 1 else "score"
    return {
        "take": take,
        "against": against,
        "metric": metric if len(tasks) == 1 else f"mean {metric}",
        "score": scores[take],
        "score_against": scores[against],
        "ms_a_text": costs.get(take, {}).get("ms_a_text"),
        "ms_a_text_against": costs.get(against, {}).get("ms_a_text"),
    }


def verdict(
    name: str, tasks: Mapping[str, Task], results: Results, costs: Mapping[str, Mapping]
) -> str:
    """Returns the recommendation as a sentence."""
    found = recommend(name, tasks, results, costs)
    if found is None:
        return _by_error(name, tasks, results)
    said = (
        f"Take {in_cell(found['take'])}: {found['metric']} {found['score']:.4f} "
        f"against {found['score_against']:.4f} of {in_cell(found['against'])}"
    )
    times = [found["ms_a_text"], found["ms_a_text_against"]]
    if all(time is not None and np.isfinite(time) for time in times):
        own, other = map(shown, times)
        said += f", {own} ms per text in Python against {other} ms"
    compared = (results[found[key]] for key in ("take", "against"))
    return f"{said}. {by_chance(tasks, *compared)}".rstrip()


def _by_error(name: str, tasks: Mapping[str, Task], results: Results) -> str:
    """Returns the conclusion if no task has a metric."""
    own, said = results[name], []
    for one, task in tasks.items():
        reason = own[one].get(UNDEFINED, NO_LABELS)
        if reason == NO_LABELS:
            continue
        text = f"`{in_cell(one)}`: {MAIN_METRIC[task.kind]} is undefined, {reason}."
        if "mae" in own[one]:
            others = [model for model in results if model != name]
            best = max(others, key=lambda m: merit(task, results[m][one]))
            text += (
                f" Mean absolute error: {own[one]['mae']:.5g}; best baseline "
                f"({best}): {results[best][one]['mae']:.5g}."
            )
        said.append(text)
    if not said:
        return "The test part has no labels, so the model cannot be evaluated."
    return " ".join(said)
