"""The page of a report: `report.md`, the figures in `results.json`, and plots."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from zoo.reporting.markdown import markdown_table, without_nan
from zoo.text.writing import write_text

MEMBER = "member"  # key of the name of what an epoch trained, in an ensemble
NO_PLOTS = "No plots: `pip install matplotlib` adds them."


def write_page(folder: str | Path, parts: Sequence[str], results: Mapping) -> Path:
    """Writes `report.md` and `results.json`.

    Args:
        folder: created if it does not exist.
        parts: parts of the page, in Markdown; empty ones are left out.
        results: the figures of the page; numbers that are not finite become `null`.

    Returns:
        The path of the page.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.md"
    write_text(path, "\n\n".join(part for part in parts if part) + "\n")
    text = json.dumps(without_nan(results), indent=1, ensure_ascii=False)
    write_text(folder / "results.json", text)
    return path


def history_table(history: Sequence[Mapping], columns: Mapping[str, str]) -> str:
    """Returns a table with one row per epoch.

    Args:
        history: logs of each epoch.
        columns: from heading to a key of the logs and a format, such as
            `{"loss": "loss:.4f"}`; a key that an epoch lacks gives an empty cell.

    Example:
        >>> print(history_table([{"loss": 0.5, "seconds": 3}], {"loss": "loss:.2f"}))
        | epoch | loss |
        | ----- | ---- |
        | 1     | 0.50 |
    """
    rows = [["epoch", *columns]]
    for epoch, logs in zip(epoch_names(history), history, strict=True):
        cells = []
        for key, _, form in (column.partition(":") for column in columns.values()):
            value = logs.get(key)
            cells.append("" if value is None or value != value else f"{value:{form}}")
        rows.append([epoch, *cells])
    return markdown_table(rows)


def epoch_names(history: Sequence[Mapping]) -> list[str]:
    """Returns the number of each epoch, of an ensemble that of its member.

    Example:
        >>> epoch_names([{MEMBER: "cnn"}, {MEMBER: "cnn"}, {MEMBER: "lstm"}])
        ['cnn 1', 'cnn 2', 'lstm 1']
    """
    counts: Counter[str] = Counter()
    names = []
    for logs in history:
        member = logs.get(MEMBER, "")
        counts[member] += 1
        names.append(f"{member} {counts[member]}".lstrip())
    return names


def settings_block(settings: Mapping) -> str:
    """Returns settings as a block of JSON."""
    return f"```json\n{json.dumps(settings, indent=2, ensure_ascii=False)}\n```"


def drawn(draw: Callable) -> list[tuple[str, str]]:
    """Returns file names and titles of drawn plots; none without matplotlib.

    Args:
        draw: takes the module `zoo.reporting.plots`.
    """
    try:
        from zoo.reporting import plots
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        return []
    return draw(plots)


def images(plots: Sequence[tuple[str, str]]) -> list[str]:
    """Returns the Markdown of plots."""
    return [f"![{title}]({name})" for name, title in plots]
