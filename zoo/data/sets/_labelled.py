"""Rows of a label and a text, from folders and from public files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from zoo.data.examples import Examples
from zoo.data.parts import PARTS, Splits
from zoo.data.readers import read_columns

BINARY = {"0": "negative", "1": "positive"}
# The files of a folder, for users who supply it themselves.
TSV = "train.tsv, valid.tsv and test.tsv ({}, separated by tabs, no header)"
LABEL_AND_TEXT = TSV.format("label and text")


def read_labelled(
    path: Path,
    task: str,
    names: dict | None = None,
    columns: Sequence[str] = ("label", "text"),
) -> Examples:
    """Reads the rows of a file as one task, with its labels renamed by `names`."""
    data = read_columns(path, columns, text="text", labels={"label": "categories"})
    return rename(data, task, names)


def read_parts(folder: Path, *options) -> Splits:
    """Reads a folder of three files, each with `read_labelled`."""
    files = (folder / f"{part}.tsv" for part in PARTS)
    return Splits(*(read_labelled(file, *options) for file in files))


def rename(data: Examples, task: str, names: dict | None = None) -> Examples:
    """Renames the one task of `data` to `task`, and its labels by `names`."""
    values = data.labels["label"]
    if names:
        values = [names.get(value, value) for value in values]
    kinds, columns = {task: "categories"}, {task: "label"}
    return Examples(data.texts, {task: values}, data.where, kinds, columns)


def lines_of(path: Path, encoding: str) -> list[str]:
    """Yields lines split at line feeds only: texts hold other line separators."""
    text = path.read_bytes().decode(encoding)
    return text.removesuffix("\n").split("\n")


def examples_of(rows: Iterable[tuple]) -> Examples:
    """Builds examples from `(label, text, (path, line))`, as the task `label`."""
    rows = list(rows)
    return Examples(
        [text for _, text, _ in rows],
        {"label": [label for label, _, _ in rows]},
        [place for _, _, place in rows],
    )
