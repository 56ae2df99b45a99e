"""The tables of a classifier's report that have a row a label, or a column a metric."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.reporting.markdown import in_cell, markdown_table
from zoo.tasks import Task
from zoo.training.metrics import metrics_of

MOST_CLASSES = 30  # limit for readable tables and confusion matrices


def metrics_table(
    tasks: Mapping[str, Task], results: Mapping[str, Mapping[str, Mapping]]
) -> str:
    """Returns a Markdown table: one row per task and model, one column per metric.

    Args:
        tasks: the tasks by name.
        results: metrics by model, then by task.
    """
    metrics = list(
        dict.fromkeys(name for task in tasks.values() for name in metrics_of(task))
    )
    rows = [["task", "model", *metrics]]
    for name in tasks:
        for model, found in results.items():
            values = [found[name].get(metric, np.nan) for metric in metrics]
            rows.append([in_cell(name), in_cell(model), *map(number, values)])
    return markdown_table(rows)


def label_table(name: str, task: Task, result: Mapping) -> str:
    """Returns the scores of each label of a task, the most frequent ones first.

    Args:
        name: name of the task.
        task: the task of the model, with its thresholds.
        result: metrics of the task, by `zoo.training.metrics.evaluate`.

    Returns:
        A heading and a Markdown table; nothing for a regression and without rows.
    """
    if "confusion" in result:
        table, true_rows = _of_categories(task, result["confusion"])
    elif "by_label" in result:
        table, true_rows = _of_labels(task, result["by_label"])
    else:
        return ""
    order = np.argsort(-true_rows, kind="stable")[:MOST_CLASSES]
    rows = [table[0], *(table[1 + label] for label in order)]
    left = task.outputs - len(order)
    more = f"\n\n{left} rarer labels are not shown." if left else ""
    return f"### {in_cell(name)}\n\n{markdown_table(rows)}{more}"


def _of_categories(task: Task, confusion) -> tuple[list[list[str]], np.ndarray]:
    true_rows, said_rows, hit_rows = np.zeros((3, task.outputs), int)
    mistakes: list[dict[int, int]] = [{} for _ in task.labels]
    for true, predicted, count in confusion:
        true_rows[true] += count
        said_rows[predicted] += count
        if true == predicted:
            hit_rows[true] = count
        else:
            mistakes[true][predicted] = count
    mostly = [""] * task.outputs
    for label, wrong in enumerate(mistakes):
        if wrong:
            most = max(wrong, key=wrong.__getitem__)
            mostly[label] = f"{in_cell(task.labels[most])} ({wrong[most]})"
    rows = [["label", "rows", "precision", "recall", "F1", "mostly confused with"]]
    for label, numbers in enumerate(zip(true_rows, said_rows, hit_rows, strict=True)):
        rows.append([*_scores(task, label, *numbers), mostly[label]])
    return rows, true_rows


def _of_labels(task: Task, by_label) -> tuple[list[list[str]], np.ndarray]:
    counts = np.zeros((task.outputs, 3), int)
    for label, *numbers in by_label:
        counts[label] = numbers
    rows = [["label", "rows", "precision", "recall", "F1", "threshold"]]
    for label, cut in enumerate(task.cuts):
        rows.append([*_scores(task, label, *counts[label]), number(cut)])
    return rows, counts[:, 0]


def _scores(task: Task, label: int, true: int, said: int, hits: int) -> list[str]:
    return [
        in_cell(task.labels[label]),
        str(true),
        number(hits / said if said else np.nan),
        number(hits / true if true else np.nan),
        number(2 * hits / (true + said) if true + said else np.nan),
    ]


def number(value: float) -> str:
    """Formats a metric; nothing for NaN."""
    return "" if np.isnan(value) else f"{value:.4f}"
