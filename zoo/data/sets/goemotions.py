"""Comments with any of 28 emotions, Demszky et al. 2020."""

from __future__ import annotations

from pathlib import Path

from zoo.data.examples import Examples
from zoo.data.parts import PARTS, Splits
from zoo.data.readers import read_columns
from zoo.data.sets._labelled import TSV, lines_of
from zoo.data.sets.registry import register_set


@register_set(
    "goemotions",
    "comments with any of 28 emotions (ZOO_DATA only)",
    files=TSV.format("numbers of the labels with commas between them, and text")
    + " and labels.txt (number and name)",
    content="labels of texts",
    rank=14,
)
def load_goemotions(folder: Path) -> Splits:
    """Comments and the emotions that they express."""
    lines = lines_of(folder / "labels.txt", "utf-8")
    names = dict(line.split("\t") for line in lines)
    return Splits(*(_part(folder / f"{part}.tsv", names) for part in PARTS))


def _part(path: Path, names: dict[str, str]) -> Examples:
    data = read_columns(
        path,
        ("emotions", "text"),
        text="text",
        labels={"emotions": "multilabel"},
        separator=",",
    )
    found = data.labels["emotions"]
    data.labels["emotions"] = [[names[one] for one in row] for row in found]
    return data
