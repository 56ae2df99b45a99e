"""Plots as PNG files: learning curves, confusion matrices and others."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from zoo.models._search_space import Float, Int, Range, as_json
from zoo.text.writing import replaced
from zoo.training.callbacks import SHARES

_COLOURS = 10  # of matplotlib's cycle; then the next marker
_MARKERS = "os^D"


def write_perplexities(curves: Mapping[str, list], path: Path) -> None:
    """Draws validation perplexity over seconds of training.

    Args:
        curves: pairs `(seconds, perplexity)` by model.
        path: path of the PNG file.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for name, points in curves.items():
        axis.plot(*zip(*points, strict=True), "o-", markersize=3, label=_row(name))
    axis.set(xlabel="seconds of training", ylabel="validation perplexity", yscale="log")
    figure.legend(loc="outside lower center", fontsize="small")
    save(figure, path)


def write_capacities(measured: Mapping[str, Sequence[Mapping]], path: Path) -> None:
    """Draws the perplexity of language models over their size, one point per seed.

    Args:
        measured: results of each seed, by model; see `zoo.families.language.results`.
        path: path of the PNG file.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for name, facts in measured.items():
        points = [(fact["weights"], fact["test"]) for fact in facts]
        axis.plot(*zip(*points, strict=True), "o", label=_row(name))
    axis.set(
        xlabel="weights without embedding and softmax",
        ylabel="test perplexity",
        xscale="log",
    )
    figure.legend(loc="outside lower center", fontsize="small")
    save(figure, path)


def write_scores(history: Sequence[Mapping], path: Path) -> None:
    """Draws the validation scores `val_...` of a tagger over its epochs.

    Args:
        history: logs of each epoch.
        path: path of the PNG file.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    epochs = np.arange(1, len(history) + 1)
    for key in (key for key in history[0] if key.startswith("val_")):
        values = [100 * logs[key] for logs in history]
        axes.plot(epochs, values, label=plain(key.removeprefix("val_")))
    axes.set(xlabel="epoch", ylabel="validation, %", xticks=few_ticks(epochs))
    axes.legend()
    save(figure, path)


def write_speeds(
    speeds: Mapping[int, Mapping[str, float]], right: Mapping[str, float], path: Path
) -> None:
    """Draws accuracy over speed, with a panel per batch size.

    A line connects the models that no other one beats in both. The legend names them
    from the most accurate down, as points may be too close to be named where they are.

    Args:
        speeds: by batch size, texts per second by model.
        right: share of correct answers by model.
        path: path of the PNG file.
    """
    figure = Figure(figsize=(4 * len(speeds) + 2, 4), layout="constrained")
    panels = figure.subplots(1, len(speeds), sharey=True, squeeze=False)[0]
    for axes, (size, found) in zip(panels, speeds.items()):
        points = {name: (speed, 100 * right[name]) for name, speed in found.items()}
        front: list[tuple[float, float]] = []
        for point in sorted(points.values(), reverse=True):
            if not front or point[1] > front[-1][1]:
                front.append(point)
        for number, name in enumerate(
            sorted(points, key=right.__getitem__, reverse=True)
        ):
            marker = _MARKERS[number // _COLOURS % len(_MARKERS)]
            axes.plot(*points[name], marker, label=plain(name), color=f"C{number}")
        axes.plot(*zip(*front, strict=True), color="0.7", zorder=0)
        axes.set(title=f"batch {size}", xlabel="texts per second", xscale="log")
    panels[0].set_ylabel("accuracy, %")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right center", fontsize="small")
    save(figure, path)


def write_attention(
    weights: np.ndarray, rows: Sequence[str], columns: Sequence[str], path: Path
) -> None:
    """Draws a heat map of attention weights.

    Args:
        weights: `[rows, columns]`, of each target piece over the source pieces.
        rows: the target pieces.
        columns: the source pieces.
        path: path of the PNG file.
    """
    size = 1.5 + 0.25 * len(columns), 1.5 + 0.25 * len(rows)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(np.arange(len(columns)), map(plain, columns), rotation=90)
    axes.set_yticks(np.arange(len(rows)), map(plain, rows))
    axes.xaxis.tick_top()
    save(figure, path)


def write_shares(history: Sequence[Mapping], folder: Path) -> list[tuple[str, str]]:
    """Draws a heat map of the experts' shares over the epochs, one panel per layer.

    Args:
        history: logs of each epoch; see `zoo.training.callbacks.ExpertShares`.
        folder: where the file goes.

    Returns:
        File name and title of the plot, if the model has experts.
    """
    names = [name for name in history[0] if name.endswith(SHARES)] if history else []
    if not names:
        return []
    figure = Figure(figsize=(6, 1 + 3 * len(names)), layout="constrained")
    for axis, name in zip(figure.subplots(len(names), squeeze=False)[:, 0], names):
        shares = np.array([logs[name] for logs in history])  # [epochs, experts]
        relative = shares.T * shares.shape[1]
        top = max(2.0, relative.max())
        image = axis.imshow(
            relative,
            cmap="viridis",
            vmin=0,
            vmax=top,
            aspect="auto",
            origin="lower",
            extent=(0.5, len(shares) + 0.5, -0.5, shares.shape[1] - 0.5),
        )
        figure.colorbar(image, ax=axis, label="tokens over the mean")
        title = f"Load of {plain(name.removesuffix(SHARES))}"
        epochs = np.arange(1, len(shares) + 1)
        axis.set(title=title, xlabel="epoch", ylabel="expert", xticks=few_ticks(epochs))
    save(figure, folder / "experts.png")
    return [("experts.png", "Load of the experts")]


def write_search(
    trials: Sequence[tuple[Mapping, float]],
    ranges: Mapping[str, Range],
    folder: Path,
    *,
    name: str,
    minimise: bool,
) -> list[tuple[str, str]]:
    """Draws a search: each trial as a line through its values, and the best so far.

    Args:
        trials: values and objective of each trial, in their order.
        ranges: ranges of each parameter.
        folder: where the files go.
        name: name of the objective.
        minimise: whether smaller values are better.

    Returns:
        File name and title of each plot.
    """
    scores = np.array([score for _, score in trials])
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    order = np.arange(1, len(scores) + 1)
    best = (np.minimum if minimise else np.maximum).accumulate(scores)
    axes.plot(order, scores, "o", markersize=4, label="trial")
    axes.step(order, best, where="post", label="best so far")
    axes.set(
        xlabel="trial", ylabel=f"validation {plain(name)}", xticks=few_ticks(order)
    )
    axes.legend()
    save(figure, folder / "objective.png")

    columns = {key: _heights(key, ranges[key], trials) for key in ranges}
    ends = scores.min(), scores.max()
    height = (scores - ends[0]) / ((ends[1] - ends[0]) or 1.0)
    figure = Figure(figsize=(1.2 * len(columns) + 2, 4.5), layout="constrained")
    axes = figure.subplots()
    colors = colormaps["viridis"](1.0 - height if minimise else height)
    for row in np.argsort(-scores if minimise else scores):  # the best one on top
        line = [*(places[row] for places, _ in columns.values()), height[row]]
        axes.plot(range(len(line)), line, "o-", color=colors[row], markersize=3)
    for at, (_, labels) in enumerate(columns.values()):
        axes.axvline(at, color="0.85", linewidth=0.8, zorder=0)
        for place, label in labels:
            axes.annotate(plain(label, 12), (at, place), fontsize="x-small")
    for place, value in enumerate(ends):
        axes.annotate(f"{value:.4g}", (len(columns), place), fontsize="x-small")
    names = [plain(key) for key in [*columns, name]]
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right")
    axes.set(yticks=[], ylim=(-0.08, 1.12))
    save(figure, folder / "parallel_coordinates.png")
    return [
        ("objective.png", "Objective over the trials"),
        ("parallel_coordinates.png", "Values and objective of each trial"),
    ]


def _heights(key: str, range_: Range, trials) -> tuple[list[float], list]:
    """Returns positions of a parameter's values between 0 and 1, and tick labels.

    A trial in which the parameter does not apply has no point.
    """
    grid = range_.grid()
    if isinstance(range_, (Int, Float)):
        log = range_.log or getattr(range_, "factor", None)
        scale = np.log if log else float
        low, high = scale(range_.low), scale(range_.high)

        def place(value) -> float:
            return (scale(value) - low) / (high - low)
    else:
        texts = [as_json(value) for value in grid]

        def place(value) -> float:
            text = as_json(value)
            known = text in texts  # else it is of another model's range of that name
            return texts.index(text) / max(len(texts) - 1, 1) if known else np.nan

    places = [
        place(values[key]) if key in values else float("nan") for values, _ in trials
    ]
    return places, [(place(value), as_json(value).strip('"')) for value in grid]


def few_ticks(epochs: np.ndarray) -> np.ndarray:
    """Returns at most 12 of the epochs."""
    return epochs[:: -(-len(epochs) // 12)]


def twenty_colors():
    """Returns distinct colours in order, for this number of tasks."""
    found = colormaps["tab20"]
    assert isinstance(found, ListedColormap)  # by its documentation
    return found.colors


def _row(name: str) -> str:
    """Returns a model with its settings, as in a table; these may be many."""
    return plain(name, 80)


def plain(name: str, width: int = 40) -> str:
    """Returns a name that is drawn literally and fits into the plot."""
    name = " ".join(name.split())
    name = name if len(name) <= width else f"{name[:width]}..."
    # Matplotlib reads $...$ as a formula and hides lines whose label begins with "_".
    return ("\u200b" if name.startswith("_") else "") + name.replace("$", r"\$")


def save(figure: Figure, path: Path) -> None:
    with warnings.catch_warnings():
        # Its font lacks Chinese, among others; the tables hold every name.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        with replaced(path) as partial:
            FigureCanvasAgg(figure).print_png(partial, metadata={"Software": None})
