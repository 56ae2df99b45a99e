"""Model cards: what a trained model is, and how it was measured, on one page.

Source: Mitchell et al. 2019, Model Cards for Model Reporting.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from zoo.reporting.markdown import in_cell, markdown_table, without_nan
from zoo.reporting.page import settings_block
from zoo.text.writing import write_text

PAGE, CARD = "card.md", "card.json"
NOT_MEASURED = "This model was not measured by the command that saved it."
_MOST_LABELS = 12


def write_card(folder: Path, card: Mapping) -> None:
    """Writes `card.md` and `card.json` into a folder."""
    text = json.dumps(without_nan(card), indent=1, ensure_ascii=False)
    write_text(folder / PAGE, card_page(card))
    write_text(folder / CARD, text + "\n")


def described(tasks: Mapping) -> dict[str, dict]:
    """Returns the kind and the labels of each task, as a card has them."""
    return {
        name: {"kind": task.kind, "labels": list(task.labels)}
        for name, task in tasks.items()
    }


def card_page(card: Mapping) -> str:
    """Returns the Markdown page of a card; parts that the card lacks are left out.

    Args:
        card: `title` and, where they are known, `summary`, `model`, `tasks`
            (`kind` and `labels` of each), `rows` of each part of the data, `notes`
            on the data, `sources` (`name`, `licence` and `texts` of each), `table` and
            `sections` of the results in Markdown, `facts` by name, `uses`, `limits`,
            `command` and `settings`.

    Example:
        >>> print(card_page({"title": "spam", "rows": {"train": 90, "test": 10}}))
        # spam
        <BLANKLINE>
        ## Data
        <BLANKLINE>
        Rows: 90 train, 10 test.
        <BLANKLINE>
        ## Results
        <BLANKLINE>
        This model was not measured by the command that saved it.
        <BLANKLINE>
    """
    parts = [
        f"# {card['title']}",
        card.get("summary", ""),
        *_tasks(card.get("tasks", {})),
        *_facts(card.get("facts", {})),
        *_data(card),
        "## Results",
        card.get("table") or NOT_MEASURED,
        *card.get("sections", ()),
        *_listed("Uses", card.get("uses", ())),
        *_listed("Limits", card.get("limits", ())),
        *_command(card),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _tasks(tasks: Mapping) -> list[str]:
    rows = [["task", "kind", "labels"]]
    for name, task in tasks.items():
        labels = list(task.get("labels", ()))
        shown = ", ".join(map(in_cell, labels[:_MOST_LABELS]))
        more = len(labels) - _MOST_LABELS
        shown += f" and {more} more" if more > 0 else ""
        rows.append([in_cell(name), task["kind"], shown])
    return [markdown_table(rows)] if tasks else []


def _facts(facts: Mapping) -> list[str]:
    rows = [["", ""], *([in_cell(k), in_cell(v)] for k, v in facts.items())]
    return [markdown_table(rows)] if facts else []


def _data(card: Mapping) -> list[str]:
    parts = ["## Data"]
    if sources := card.get("sources"):
        rows = [["source", "licence", "texts"]]
        rows += [
            [in_cell(s[key]) for key in ("name", "licence", "texts")] for s in sources
        ]
        parts.append(markdown_table(rows))
    if sizes := card.get("rows"):
        counts = (f"{count:,} {part}" for part, count in sizes.items())
        parts.append(f"Rows: {', '.join(counts)}.")
    if notes := card.get("notes"):
        parts.append("\n".join(f"- {note}" for note in notes))
    return parts if len(parts) > 1 else []


def _listed(title: str, lines) -> list[str]:
    return [f"## {title}", "\n".join(f"- {line}" for line in lines)] if lines else []


def _command(card: Mapping) -> list[str]:
    parts = []
    if command := card.get("command"):
        parts += ["## Command", f"```\n{command}\n```"]
    if settings := card.get("settings"):
        parts += ["## Settings", settings_block(settings)]
    return parts
