"""What all recipes share: the steps of `zoo train`, of a search, of a measurement."""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.parts import valid_as_train
from zoo.data.shares import share_table, share_warnings
from zoo.reporting.markdown import in_cell, markdown_table
from zoo.training.settings import Checked
from zoo.tuning.trial import best_epoch

if TYPE_CHECKING:
    import keras

    from zoo.data import Examples
    from zoo.families.classification.model import TextModel

PARTS = ("train", "valid", "test")
CLASSES = 20  # of a task whose rows `run` prints, and the report shows
CLASSES_REPORTED = 200
EXAMPLES = 1000  # validation texts that an export is warmed up and checked with


class Recipe(ABC):
    """How one family of models is trained, reported on, searched and measured.

    A family has a kind of data set, a dataclass of `train`, `valid`, `test` and `notes`
    whose parts have `texts`; a class of settings; and the steps below. The orders in
    which `zoo train`, `zoo tune` and the tables take them stand here once.
    """

    settings: type[Checked]
    invitation: str  # begins the line of `run` that shows how to use the model

    @abstractmethod
    def prepare(self, splits, settings):
        """What the training part teaches before a model, and all parts read with it."""

    @abstractmethod
    def describe(self, name: str, prepared) -> str:
        """The line that says what is trained, and on how much."""

    @abstractmethod
    def train(
        self,
        name: str,
        prepared,
        settings,
        keywords: Mapping,
        *,
        folder: Path,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        verbose: bool = True,
    ) -> tuple[TextModel, list[dict]]:
        """Builds a registered model and trains it.

        Args:
            name: of the model.
            prepared: what `prepare` returns.
            settings: how to train.
            keywords: arguments of the model's builder.
            folder: for checkpoints; a run that was killed there continues.
            callbacks: further Keras callbacks.
            verbose: shows progress.

        Returns:
            The model with its best weights, and one dict of logs an epoch, with its
            `score` and its `seconds`.
        """

    @abstractmethod
    def report(
        self, text_model: TextModel, prepared, history, settings, folder: Path
    ) -> str:
        """Reads the test part, writes the report, and returns what `run` prints."""

    @abstractmethod
    def facts(self, text_model: TextModel, prepared, history: list[dict]) -> dict:
        """What a table shows of one seed: scores of `valid` and `test`, and costs."""

    @abstractmethod
    def brief(self, facts: Mapping) -> str:
        """`facts` in a few words."""

    @abstractmethod
    def objectives(self, splits) -> list[str]:
        """The scores that `zoo tune` can look for in this data, the default first."""

    @abstractmethod
    def score(self, text_model: TextModel, splits, part: str) -> dict[str, float]:
        """Scores of a part by the names of `objectives`."""

    @abstractmethod
    def prompt(self, splits) -> str:
        """A text to try the model with."""

    def tables(self, splits) -> dict[str, Examples]:
        """The texts of each part with the labels that the model learns from."""
        return {part: getattr(splits, part) for part in PARTS}

    def shares(self, splits, most: int) -> str:
        """A table of the rows of each class in each part, and what to beware of."""
        tables = self.tables(splits)
        rows = [[*map(in_cell, row)] for row in share_table(tables, most)]
        parts = [markdown_table(rows)] if rows else []
        return "\n\n".join(parts + share_warnings(tables))

    def choose(self, name: str, splits, overrides: Mapping) -> Checked:
        """The model's settings: its defaults, what the data ask for, `overrides`."""
        wanted = getattr(splits, "settings", {})
        return self.settings.of(name, **{**wanted, **overrides})

    def run(
        self,
        name: str,
        splits,
        overrides: Mapping,
        keywords: Mapping,
        *,
        folder: Path,
        export_to: Path | None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        """What `zoo train` does, with its messages: train, report, export.

        Args:
            name: of a registered model of this family.
            splits: the data.
            overrides: settings that differ from the model's defaults.
            keywords: arguments of the model's builder.
            folder: of the run; gets `model/`, `report.md`, `results.json`, plots. A run
                that was killed there continues from its last epoch.
            export_to: folder of the exported versions, or `None`.
            callbacks: further Keras callbacks.
        """
        settings = self.choose(name, splits, overrides)
        for note in splits.notes:
            print(note)
        if shares := self.shares(splits, CLASSES):
            print(shares)
        prepared = self.prepare(splits, settings)
        print(self.describe(name, prepared))
        checkpoints = folder / "checkpoints"
        text_model, history = self.train(
            name, prepared, settings, keywords, folder=checkpoints, callbacks=callbacks
        )
        text_model.save(folder / "model")
        print(self.report(text_model, prepared, history, settings, folder))
        page = folder / "report.md"
        if shares := self.shares(splits, CLASSES_REPORTED):
            with page.open("a", encoding="utf-8") as file:
                file.write(f"\n## Rows of each class\n\n{shares}\n")
        print(f"Report: {page}")
        shutil.rmtree(checkpoints, ignore_errors=True)
        place = folder
        if export_to is not None:
            place = self.export(text_model, splits, export_to).parent
            print(f"Exported and checked: {place}")
        shown = json.dumps(self.prompt(splits), ensure_ascii=False)
        print(f"{self.invitation}: zoo predict {place} {shown}")

    def export(self, text_model: TextModel, splits, folder: str | Path) -> Path:
        """Exports a trained model as the next version under `folder`."""
        return text_model.export(folder, splits.valid.texts[:EXAMPLES])

    def trial(
        self,
        name: str,
        splits,
        overrides: Mapping,
        keywords: Mapping,
        *,
        folder: Path,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> tuple[TextModel, list[dict]]:
        """One trial of `zoo tune`: a training whose checkpoints stay in `folder`."""
        settings = self.choose(name, splits, overrides)
        return self.train(
            name, self.prepare(splits, settings), settings, keywords, folder=folder,
            callbacks=callbacks, verbose=False,
        )  # fmt: skip

    def measure(
        self, name: str, splits, settings, keywords: Mapping, folder: Path
    ) -> dict:
        """The facts of one training, whose checkpoints stand in `folder` meanwhile."""
        prepared = self.prepare(splits, settings)
        checkpoints = folder / "checkpoints"
        text_model, history = self.train(
            name, prepared, settings, keywords, folder=checkpoints
        )
        facts = self.facts(text_model, prepared, history)
        shutil.rmtree(checkpoints, ignore_errors=True)
        return {**facts, "best_epoch": best_epoch(history)}

    def measure_retrained(
        self, name: str, splits, settings, keywords: Mapping, folder: Path
    ) -> dict:
        """The same, then trained again on training and validation part together.

        The second training takes as many epochs as were best in the first, whose are
        the validation scores; the test scores are its own.
        """
        chosen = self.measure(name, splits, settings, keywords, folder / "chosen")
        again = self.measure(
            name, valid_as_train(splits),
            replace(settings, epochs=chosen["best_epoch"]), keywords, folder / "again",
        )  # fmt: skip
        return {
            **again,
            "valid": chosen["valid"],
            "seconds": chosen["seconds"] + again["seconds"],
        }
