"""Several finished runs beside each other, on one page of HTML."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from zoo.reporting.curves import key_svg, line_svg
from zoo.reporting.page import MEMBER
from zoo.reporting.runs import RunFacts, differing
from zoo.reporting.timing import shown as shown_milliseconds
from zoo.text.writing import write_text

_LOWER = {"perplexity", "loss", "mae", "rmse"}  # metrics whose small values are good
_PERPLEXITY = "val_perplexity"
_CURVES = {
    "loss": "training loss",
    "val_loss": "validation loss",
    _PERPLEXITY: "validation perplexity",
    "score": "validation score",
}
_STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.25em; margin: 2em 0 0 }
h3 { font-size: 1em; margin: 1.2em 0 .5em }
div { overflow-x: auto } table { border-collapse: collapse }
th, td { padding: .25em .8em; border-bottom: 1px solid #ddd; text-align: right }
th:first-child, td:first-child { text-align: left; white-space: nowrap }
thead th { border-bottom: 2px solid #888; vertical-align: bottom }
small, figcaption { color: #666 } figure { display: inline-block; margin: 0 1em 1em 0 }
svg text { font: 11px sans-serif; fill: #555 }
"""


def write_comparison(runs: Sequence[RunFacts], path: str | Path) -> Path:
    """Writes the page that compares runs.

    It has their data, sizes and times and, for the runs of each family of models, the
    scores of the test part with their 95 % intervals, the settings in which the runs
    differ, and their learning curves.

    Args:
        runs: at least one, as `zoo.reporting.runs.read_run` returns them.
        path: of the page; its folder is created if it does not exist.

    Returns:
        The path.

    Raises:
        OSError: if it cannot be written.
    """
    path = Path(path)
    names = [f"{number}. {run.model}" for number, run in enumerate(runs, 1)]
    page = [
        "<!doctype html>",
        '<html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{len(runs)} runs</title><style>{_STYLE}</style>",
        f"<h1>{len(runs)} runs</h1>",
        _runs(names, runs, path.parent),
        *_families(names, runs),
        "</html>",
    ]
    write_text(path, "\n".join(page) + "\n")
    return path


def _runs(names: Sequence[str], runs: Sequence[RunFacts], place: Path) -> str:
    parts = list(dict.fromkeys(part for run in runs for part in run.rows))
    heads = ["run", "folder", "family", *(f"{part} rows" for part in parts)]
    heads += ["parameters", "MB", "ms a text", "epochs", "seconds"]
    table = []
    for name, run in zip(names, runs):
        report = os.path.relpath(Path(run.folder, "report.md"), place)
        link = f'<a href="{escape(Path(report).as_posix())}">{escape(run.folder)}</a>'
        took = math.nan if run.ms_a_text is None else run.ms_a_text
        cells = [
            run.family,
            *(f"{run.rows[part]:,}" if part in run.rows else "" for part in parts),
            f"{run.parameters:,}",
            f"{run.size / 1e6:.1f}",
            shown_milliseconds(took),
            str(len(run.history)),
            f"{run.seconds:.0f}",
        ]
        table.append([escape(name), link, *map(escape, cells)])
    return _table(heads, table)


def _families(names: Sequence[str], runs: Sequence[RunFacts]) -> list[str]:
    """Returns what can only be compared within a family of models."""
    page = []
    for family in dict.fromkeys(run.family for run in runs):
        chosen = [index for index, run in enumerate(runs) if run.family == family]
        of = [runs[index] for index in chosen]
        heads = [names[index] for index in chosen]
        page.append(f"<h2>{escape(family.capitalize())}</h2>")
        page += [*_scores(heads, of), *_settings(heads, of), *_curves(heads, of)]
    return page


def _scores(names: Sequence[str], runs: Sequence[RunFacts]) -> list[str]:
    keys = list(dict.fromkeys(key for run in runs for key in run.scores))
    if not keys:
        return []
    rows = []
    for task, metric in keys:
        found = [run.scores.get((task, metric)) for run in runs]
        best = _best(metric, [value for value in found if value is not None])
        cells = [f"{escape(task)} {escape(metric)}".strip()]
        for run, value in zip(runs, found):
            cells.append(_score(value, run.intervals.get((task, metric)), best))
        rows.append(cells)
    note = "Scores of the test part, in brackets with their 95 % intervals."
    sizes = {run.rows.get("test") for run in runs}
    if len(sizes) > 1:
        note += " The test parts have different numbers of rows: they are not the same."
    return [
        "<h3>Scores</h3>",
        f"<p><small>{note}</small></p>",
        _table(["", *names], rows),
    ]


def _best(metric: str, values: Sequence[float]) -> float | None:
    """Returns the best of several different values."""
    if len(set(values)) < 2:
        return None
    return min(values) if metric in _LOWER else max(values)


def _score(
    value: float | None, interval: tuple[float, float] | None, best: float | None
) -> str:
    if value is None:
        return ""
    text = f"<b>{value:.4f}</b>" if value == best else f"{value:.4f}"
    if interval is not None:
        text += f" <small>({interval[0]:.2f} to {interval[1]:.2f})</small>"
    return text


def _settings(names: Sequence[str], runs: Sequence[RunFacts]) -> list[str]:
    if len(runs) < 2:
        return []
    rows = [
        [escape(name), *map(_setting, values)]
        for name, values in differing(runs).items()
    ]
    if not rows:
        return ["<h3>Settings</h3>", "<p>All settings are the same.</p>"]
    return ["<h3>Settings that differ</h3>", _table(["", *names], rows)]


def _setting(value: object) -> str:
    return "" if value is None else escape(json.dumps(value, ensure_ascii=False))


def _curves(names: Sequence[str], runs: Sequence[RunFacts]) -> list[str]:
    keys = dict(_CURVES)
    if any(_PERPLEXITY in logs for run in runs for logs in run.history):
        del keys["score"]  # it is the negative perplexity
    figures = []
    for key, title in keys.items():
        found = {
            index: line
            for index, run in enumerate(runs)
            if (line := _line(run.history, key))
        }
        if found:
            figures.append(
                f"<figure>{line_svg(found, title)}<figcaption>{title}</figcaption>"
                "</figure>"
            )
    if not figures:
        return []
    legend = "<br>".join(
        f"{key_svg(index)} {escape(name)}: {escape(run.folder)}"
        for index, (name, run) in enumerate(zip(names, runs))
    )
    note = "Losses of models with other loss functions are not on one scale."
    return [
        "<h3>Learning curves</h3>",
        f"<p>{legend}</p>",
        *figures,
        f"<p><small>{note}</small></p>",
    ]


def _line(history: Sequence[Mapping], key: str) -> list[float]:
    """Returns the values of a key, up to the first epoch without a number.

    An ensemble has none, because the epochs are those of its members.
    """
    line = []
    for logs in history:
        if MEMBER in logs:
            break
        value = logs.get(key)
        if isinstance(value, Sequence) and not isinstance(value, str):
            value = value[0] if value else None  # the main one of several scores
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            break
        line.append(float(value))
    return line


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table; cells are HTML already, heads are text."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "\n".join(
        f'<tr><th scope="row">{row[0]}</th>'
        f"{''.join(f'<td>{cell}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    table = f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody>"
    return f"<div><table>{table}</table></div>"
