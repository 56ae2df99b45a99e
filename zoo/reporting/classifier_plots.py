"""Plots of a run of classifiers: learning curves, confusions and reliability."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from zoo.reporting.page import MEMBER
from zoo.reporting.plots import few_ticks, plain, save, twenty_colors, write_shares
from zoo.tasks import Task
from zoo.training.metrics import metric_names


def write_plots(outcome, folder: Path, *, most_classes: int) -> list[tuple[str, str]]:
    """Writes the plots of a run.

    Args:
        outcome: the `Outcome` of a run of classifiers.
        folder: where the files go.
        most_classes: tasks with more classes get no confusion matrix.

    Returns:
        File name and title of each plot.
    """
    written = []
    if outcome.history:
        save(_curves(outcome), folder / "learning_curves.png")
        written.append(("learning_curves.png", "Learning curves"))
    written += write_shares(outcome.history, folder)
    results = outcome.results[outcome.name]
    shown = {
        name: task
        for name, task in outcome.prepared.tasks.items()
        if "confusion" in results[name] and task.outputs <= most_classes
    }
    if shown:
        save(_confusions(shown, results), folder / "confusion.png")
        written.append(("confusion.png", "Confusion matrices of the test part"))
    if outcome.calibration:
        save(_reliability(outcome.calibration), folder / "reliability.png")
        written.append(("reliability.png", "Confidence and accuracy on the test part"))
    return written


def _curves(outcome) -> Figure:
    figure = Figure(figsize=(10, 3.5), layout="constrained")
    loss, score = figure.subplots(1, 2)
    epochs = np.arange(1, len(outcome.history) + 1)
    members = [logs.get(MEMBER, "") for logs in outcome.history]
    # A line ends with a member of an ensemble.
    ends = [i for i in epochs[:-1] if members[i] != members[i - 1]]
    below = "epoch"
    if members[0]:
        below = f"epoch of {', then of '.join(dict.fromkeys(members))}"

    def lines(key: str):
        values = np.array([logs[key] for logs in outcome.history], float)
        return [np.insert(row.astype(float), ends, np.nan) for row in (epochs, values)]

    for key, label in (("loss", "training"), ("val_loss", "validation")):
        if key in outcome.history[0]:
            loss.plot(*lines(key), "o-", label=label)
    loss.set(title="Loss", xlabel=below, xticks=few_ticks(epochs))
    loss.legend()
    score.set_prop_cycle(color=twenty_colors())
    for name, key in metric_names(outcome.prepared.tasks).items():
        if f"val_{key}" in outcome.history[0]:
            score.plot(*lines(f"val_{key}"), "o-", label=plain(name))
    score.set(title="Validation metric", xlabel=below, xticks=few_ticks(epochs))
    if score.lines and len(outcome.prepared.tasks) <= 20:
        figure.legend(
            handles=score.lines, loc="outside right upper", fontsize="x-small"
        )
    return figure


def _confusions(tasks: Mapping[str, Task], results: Mapping) -> Figure:
    columns = min(4, len(tasks))
    rows = -(-len(tasks) // columns)
    largest = max(task.outputs for task in tasks.values())
    size = max(2.8, 0.35 * largest + 1.2)
    figure = Figure(figsize=(size * columns, size * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, (name, task) in zip(axes, tasks.items(), strict=False):
        matrix = np.zeros((task.outputs, task.outputs), int)
        for true, predicted, count in results[name]["confusion"]:
            matrix[true, predicted] = count
        share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(matrix.shape):
            dark = share[row, column] > 0.5
            axis.text(
                column,
                row,
                matrix[row, column],
                ha="center",
                va="center",
                color="white" if dark else "black",
                fontsize="small",
            )
        ticks = np.arange(task.outputs)
        labels = [plain(label) for label in task.labels]
        axis.set_xticks(ticks, labels, rotation=90 if task.outputs > 3 else 0)
        axis.set_yticks(ticks, labels)
        axis.set(title=plain(name), xlabel="predicted", ylabel="true")
    for axis in axes[len(tasks) :]:
        axis.set_axis_off()
    return figure


def _reliability(calibration: Mapping[str, Mapping]) -> Figure:
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="dotted")
    axes.set_prop_cycle(color=twenty_colors())
    for name, facts in calibration.items():
        rows = facts["reliability"]
        x, y = ([row[key] for row in rows] for key in ("confidence", "accuracy"))
        [line] = axes.plot(x, y, label=plain(f"{name}, ECE {facts['ece']:.3f}", 60))
        share = np.array([row["answers"] for row in rows])
        axes.scatter(x, y, s=4 + 96 * share / share.sum(), color=line.get_color())
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    axes.set_aspect("equal")
    if len(calibration) <= 20:
        axes.legend(fontsize="x-small", loc="upper left")
    return figure
