"""The result of a training: the model, its scores and the paths of its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.families.scores import Scores
from zoo.reporting.report import Report

if TYPE_CHECKING:
    from zoo.families.text_model import BaseTextModel


@dataclass(frozen=True)
class Run:
    """A finished training; a notebook shows its report.

    Args:
        model: with its text pipeline and tasks, ready to predict.
        folder: of the run, with `model/`, `report.md` and `results.json`;
            `zoo.load(folder)` gives the model again.
        metrics: scores of the test part, which print as a table.
        report: the page, which shows itself.
        history: one dict of logs an epoch.
        exported: folder of the exported version, or `None`.
        prompt: a text of the data to try the model with, or a pair of texts, as
            `zoo.text.pairs.joined` makes it.
    """

    model: BaseTextModel
    folder: Path
    metrics: Scores
    report: Report
    history: list[dict]
    exported: Path | None
    prompt: str

    def __str__(self) -> str:
        return f"{self.folder}\n\n{self.metrics}"

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def _repr_markdown_(self) -> str:
        return self.report._repr_markdown_()
