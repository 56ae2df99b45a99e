"""A family of models as one object, used by the command line, searches and tables."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.parts import valid_as_train
from zoo.families.card import add_card, card_of
from zoo.families.run import Run
from zoo.families.steps import EXAMPLES, Steps
from zoo.reporting.report import Report
from zoo.reporting.terminal import one_line
from zoo.text.locks import locked
from zoo.text.pairs import SEPARATOR
from zoo.text.writing import append_text
from zoo.training.history import best_epoch

if TYPE_CHECKING:
    import keras

    from zoo.families.text_model import BaseTextModel

CLASSES = 20  # of a task whose rows `run` prints and the report shows
CLASSES_REPORTED = 200


class Family(Steps):
    """The order in which `zoo train`, `zoo tune` and the tables take a family's steps.

    A family is a subclass that defines the steps of `zoo.families.steps.Steps`.
    """

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
        verbose: bool = True,
    ) -> Run:
        """Does what `zoo.train` does, with its messages: trains, reports, exports.

        Args:
            name: name of a registered model of this family.
            splits: the data.
            overrides: settings that differ from the model's defaults.
            keywords: arguments of the model's builder.
            folder: folder of the run; receives `model/`, `report.md`, `results.json`,
                plots. A run that was killed continues from its last epoch there.
            export_to: folder of the exported versions, or `None`.
            callbacks: further Keras callbacks.
            verbose: prints notes, progress and results.

        Raises:
            ValueError: if another process is writing the folder.
            OSError: if a file cannot be written whole.
        """
        from zoo.training.distributed.context import leads
        from zoo.training.distributed.placing import settle

        say = print if verbose else silent
        settings = self.settings_for(name, splits, overrides, keywords)
        checkpoints = folder / "checkpoints"
        # Of several processes the first writes the folder.
        with locked(folder, "`out` (--out)") if leads() else nullcontext():
            self.introduce(splits, say)
            prepared = self.prepare(splits, settings)
            say(self.describe(name, prepared))
            text_model, history = self.train(
                name,
                prepared,
                settings,
                keywords,
                folder=checkpoints,
                callbacks=callbacks,
                verbose=verbose,
            )
            settle(text_model.model)  # ends here in all processes but the first
            done = prepared, history, settings, splits, folder, say
            run = self.finish(text_model, *done)
            shutil.rmtree(checkpoints, ignore_errors=True)
        return run if export_to is None else self.publish(run, splits, export_to, say)

    def introduce(self, splits, say: Callable) -> None:
        """Says what reading the data noticed, and the rows of each class."""
        for note in splits.notes:
            say(note)
        if shares := self.shares(splits, CLASSES):
            say(shares)

    def finish(
        self,
        text_model: BaseTextModel,
        prepared,
        history: list[dict],
        settings,
        splits,
        folder: Path,
        say: Callable,
    ) -> Run:
        """Saves a trained model in the folder of its run, and reports on it."""
        _remember(text_model, splits)
        text_model.save(folder / "model")
        scores = self.report(text_model, prepared, history, settings, folder)
        sections = self.card_sections(text_model, scores)
        card = card_of(self, text_model, splits, scores, sections)
        add_card(folder / "model", text_model, card)
        say(scores)
        page = folder / "report.md"
        prompt = self.prompt(splits).split(SEPARATOR)
        if shares := self.shares(splits, CLASSES_REPORTED):
            append_text(page, f"\n## Rows of each class\n\n{shares}\n")
        say(f"Report: {page}")
        return Run(
            model=text_model,
            folder=folder,
            metrics=scores,
            report=Report(page),
            history=history,
            exported=None,
            prompt=SEPARATOR.join(map(one_line, prompt)),
        )

    def publish(self, run: Run, splits, export_to: Path, say: Callable) -> Run:
        """Exports the model of a run."""
        from zoo.families.elsewhere import export_on_tensorflow, on_tensorflow

        if on_tensorflow():
            exported = self.export(run.model, splits, export_to)
        else:
            texts = splits.valid.texts[:EXAMPLES]
            exported = export_on_tensorflow(run.folder, export_to, texts)
        say(f"Exported and checked: {exported.parent}{_speed_of(exported)}")
        return replace(run, exported=exported)

    def trial(
        self,
        name: str,
        splits,
        overrides: Mapping,
        keywords: Mapping,
        *,
        folder: Path,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> tuple[BaseTextModel, list[dict]]:
        """Trains once, as one trial of `zoo tune`; checkpoints stay in `folder`."""
        settings = self.settings_for(name, splits, overrides, keywords)
        text_model, history = self.train(
            name,
            self.prepare(splits, settings),
            settings,
            keywords,
            folder=folder,
            callbacks=callbacks,
            verbose=False,
        )
        _remember(text_model, splits)
        return text_model, history

    def measure(
        self,
        name: str,
        splits,
        settings,
        keywords: Mapping,
        folder: Path,
        *,
        save_to: Path | None = None,
    ) -> dict:
        """Trains once, with checkpoints in `folder`, and returns the results.

        The model is saved if there is a folder for that.
        """
        prepared = self.prepare(splits, settings)
        checkpoints = folder / "checkpoints"
        text_model, history = self.train(
            name, prepared, settings, keywords, folder=checkpoints
        )
        results = self.results(text_model, prepared, history)
        if save_to is not None:
            text_model.save(save_to)
        shutil.rmtree(checkpoints, ignore_errors=True)
        return {**results, "best_epoch": best_epoch(history)}

    def measure_retrained(
        self, name: str, splits, settings, keywords: Mapping, folder: Path
    ) -> dict:
        """Trains twice: the second time on the training and validation parts together.

        The second training takes the number of epochs that was best in the first. The
        validation scores are from the first, the test scores from the second.
        """
        chosen = self.measure(name, splits, settings, keywords, folder / "chosen")
        again = self.measure(
            name,
            valid_as_train(splits),
            replace(settings, epochs=chosen["best_epoch"]),
            keywords,
            folder / "again",
        )
        return {
            **again,
            "valid": chosen["valid"],
            "seconds": chosen["seconds"] + again["seconds"],
        }


def _speed_of(exported: Path) -> str:
    """Says how long an export takes for one text, as its check measured it here."""
    from zoo.reporting.timing import shown
    from zoo.serving.served import read_metadata

    took = read_metadata(exported).get("milliseconds")
    return "" if took is None else f" ({shown(took)} ms for one text)"


def silent(*_: object) -> None:
    """Prints nothing."""


def _remember(text_model: BaseTextModel, splits) -> None:
    """Records in the metadata how the files were read, for `zoo evaluate`."""
    if splits.reading:
        text_model.metadata["reading"] = splits.reading
