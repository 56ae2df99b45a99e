"""Sentences of reviews on three sites, Kotzias et al. 2015."""

from __future__ import annotations

from pathlib import Path

from zoo.data.examples import Examples
from zoo.data.parts import PARTS, Splits
from zoo.data.readers import read_columns
from zoo.data.sets._labelled import BINARY, TSV
from zoo.data.sets.registry import register_set


@register_set(
    "uci_sentences",
    "amazon, imdb and yelp sentences as 3 tasks (ZOO_DATA only)",
    files=TSV.format("label, domain and text"),
    content="labels of texts",
    rank=10,
)
def load_uci(folder: Path) -> Splits:
    """Sentences of three sites, each a task."""
    return Splits(*(_part(folder / f"{part}.tsv") for part in PARTS))


def _part(path: Path) -> Examples:
    data = read_columns(
        path,
        ("label", "domain", "text"),
        text="text",
        labels={"label": "categories"},
        task_column="domain",
    )
    for task, values in data.labels.items():
        data.labels[task] = [BINARY.get(value, value) for value in values]
    return data
