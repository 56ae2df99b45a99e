"""What a family of models defines: how to read, train, report, search and serve."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from zoo._lazy import RenamedAttributes
from zoo.data.parts import PARTS
from zoo.data.shares import share_table, share_warnings
from zoo.families.pretrained import settled
from zoo.families.reading import (
    check_stream,
    check_texts,
    check_weight,
    is_named,
    read_named,
)
from zoo.families.scores import Scores
from zoo.families.tables import read_labelled, read_table_splits
from zoo.reporting.markdown import in_cell, markdown_table
from zoo.reporting.page import history_table, settings_block, write_page
from zoo.reporting.parts import Part, plain_parts
from zoo.training.settings import Checked

if TYPE_CHECKING:
    import keras

    from zoo.data import Examples
    from zoo.families.text_model import BaseTextModel
    from zoo.serving.servable import Servable
    from zoo.tasks import Task

EXAMPLES = 1000  # validation texts for the warmup and the check of an export


class Steps(RenamedAttributes, ABC):
    """How to read data for a family of models, and train, report, search and serve it.

    A family has a kind of data, `Splits` whose parts have `texts`; a class of settings;
    a class of trained models; and the steps below. `zoo.families.base.Family` takes
    them in order. Importing a family loads no TensorFlow: each step imports what it
    needs when it runs.

    Attributes:
        name: name of the family; registered models and saved models refer to it.
        content: content of its data, for messages.
        pairs: whether a text may be a pair of texts, from two columns of a table.
        weighs: whether rows may have weights.
        streams: whether it trains on rows that stay in their files.
        in_order: whether the lines of a text file continue each other, so that the
            parts of the data are runs of lines.
        reads: contents of the named sets that it can learn from.
        default_labels: label columns of a table if the user names none.
        default_data: named set that is read if the user names no data.
        settings: class of its settings.
        next_step: first words of the line of `zoo train` that shows how to use the
            model.
    """

    renamed = {
        "brief": "summary",
        "choose": "settings_for",
        "facts": "results",
        "invitation": "next_step",
    }
    name: str
    content: str
    pairs: bool = False
    weighs: bool = False
    streams: bool = False
    in_order: bool = False
    reads: tuple[str, ...]
    default_labels: tuple[str, ...] = ("label",)
    default_data: str
    settings: type[Checked]
    next_step: str

    @abstractmethod
    def text_model(self) -> type[BaseTextModel]:
        """Returns the class of the family's trained models."""

    def read(self, options):
        """Reads the parts of the named set or of the files in the options.

        The files of most families are tables of texts; others override `read_files`.

        Args:
            options: a `zoo.api.reading.Reading`, whose data may be rows in memory.

        Raises:
            ValueError: for a named set of another family, or pairs of texts for a
                family that does not read them.
            DataError: for files that cannot be read.
        """
        check_texts(options, self)
        if options.data is None:
            options.data = self.default_data
        check_weight(options, self)
        check_stream(options, self)
        if is_named(options):
            return read_named(options, self)
        return self.read_files(options)

    def read_files(self, options):
        """Reads the parts of the user's files."""
        return read_table_splits(options, self)

    def read_part(self, text_model: BaseTextModel, options):
        """Reads a named set's test part, or a whole file, to evaluate a model on."""
        if is_named(options):
            return read_named(options, self).test
        return read_labelled(text_model, options)

    @abstractmethod
    def prepare(self, splits, settings):
        """Learns what precedes a model from the training part, and reads all parts."""

    def describe(self, name: str, prepared) -> str:
        """Returns the line that announces a training, with the size of its data."""
        return name

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
    ) -> tuple[BaseTextModel, list[dict]]:
        """Builds a registered model and trains it.

        Args:
            name: name of the model.
            prepared: what `prepare` returns.
            settings: the training settings.
            keywords: arguments of the model's builder.
            folder: for checkpoints; a run that was killed continues from there.
            callbacks: further Keras callbacks.
            verbose: whether to show progress.

        Returns:
            The model with its best weights, and one dict of logs per epoch, with its
            `score` and its `seconds`.
        """

    def report(
        self, text_model: BaseTextModel, prepared, history, settings, folder: Path
    ) -> Scores:
        """Reads the test part, writes the report, and returns the test scores, whose
        table `run` prints."""
        results = self.results(text_model, prepared, history)
        table = self.table({part: results[part] for part in ("valid", "test")})
        name = text_model.metadata["name"]
        columns = {"seconds": "seconds:.0f", "loss": "loss:.4f"}
        page = [
            f"# {name}",
            f"{results['parameters']:,} parameters, {results['seconds']:.0f} s.",
            table,
            "## Training",
            history_table(history, columns),
            "## Settings",
            settings_block(settings.to_config()),
        ]
        write_page(folder, page, {**results, "history": list(history)})
        return Scores(results["test"], table)

    def card_sections(self, text_model: BaseTextModel, scores: Scores) -> list[str]:
        """Returns further parts of the results on a model's card, in Markdown."""
        return []

    def results(self, text_model: BaseTextModel, prepared, history: list[dict]) -> dict:
        """Returns the results of one seed: scores of `valid` and `test`, and costs.

        By default `prepared` is, or holds as `splits`, the data as they were read.
        """
        splits = getattr(prepared, "splits", prepared)
        return {
            **{part: self.score(text_model, splits, part) for part in PARTS[1:]},
            "parameters": text_model.model.count_params(),
            "epochs": len(history),
            "seconds": sum(logs["seconds"] for logs in history),
        }

    def summary(self, results: Mapping) -> str:
        """Returns the main `results` as a few words."""
        scores = (f"{next(iter(results[p].values())):.4f} ({p})" for p in PARTS[1:])
        return ", ".join(scores)

    def evaluate(self, text_model: BaseTextModel, options, name: str) -> Scores:
        """Returns scores of a model on data; `zoo evaluate` prints their table.

        Args:
            text_model: a model of this family.
            options: a `zoo.api.reading.Reading`, whose data may be rows in memory.
            name: name of the model in the table.
        """
        part = self.read_part(text_model, options)
        scores = self.score_part(text_model, part)
        return Scores(scores, self.table({name: scores}))

    def score_part(self, text_model: BaseTextModel, part) -> dict[str, float]:
        """Returns scores, by name, of texts from `read_part`."""
        return self.score(text_model, SimpleNamespace(test=part), "test")

    def table(self, scores: Mapping[str, Mapping[str, float]]) -> str:
        """Returns a Markdown table: one row per model or part, one column per score."""
        names = list(dict.fromkeys(name for row in scores.values() for name in row))
        rows = [["", *names]]
        for row, found in scores.items():
            cells = [f"{found[name]:.4f}" if name in found else "" for name in names]
            rows.append([in_cell(row), *cells])
        return markdown_table(rows)

    @abstractmethod
    def objectives(self, splits) -> list[str]:
        """Returns the objectives of `zoo tune` on this data, the default first."""

    @abstractmethod
    def score(self, text_model: BaseTextModel, splits, part: str) -> dict[str, float]:
        """Returns the scores of a part by the names of `objectives`."""

    def prompt(self, splits) -> str:
        """Returns a text to try the model with."""
        texts = splits.test.texts or splits.train.texts
        return min(texts, key=lambda text: abs(len(text) - 50))

    @abstractmethod
    def servable(
        self, model, pipeline, tasks, texts: Sequence[bytes], metadata: Mapping
    ) -> Servable:
        """Returns what `zoo.export` writes, with the expected answers.

        Args:
            model: a Keras model of this family.
            pipeline: the one that it was trained with.
            tasks: what `zoo.tasks.as_tasks` reads.
            texts: examples to compare the answers on.
            metadata: metadata of the trained model, with its settings.

        Raises:
            ValueError: for a model or a pipeline that cannot be served.
        """

    def explaining(self, servable: Servable, texts: Sequence[bytes]) -> Servable:
        """Returns a servable model with the signature `explain` besides.

        Args:
            servable: result of `servable`.
            texts: examples to compare the explanations of.

        Raises:
            ValueError: for a family whose answers are not explained, and for a model
                that cannot be explained.
        """
        raise ValueError(
            "`explain` needs a classifier. Accepted: explain=False for other models. "
            f"Received: a model of the family {self.name!r}."
        )

    def fields(self, pairs: bool) -> tuple[str, ...]:
        """Returns the names of the texts that `zoo demo` asks for.

        Args:
            pairs: whether the model answers pairs of texts.
        """
        return ("First text", "Second text") if pairs else ("Text",)

    def answer_parts(
        self,
        ask: Callable[[list[str]], list[dict]],
        tasks: Mapping[str, Task],
        sides: Sequence[str],
    ) -> Sequence[Part]:
        """Asks a model, and returns its answer as parts to look at, for `zoo demo`.

        Args:
            ask: `predict` of a model of this family, or of an export of one.
            tasks: of the model, by name.
            sides: a text for each of `fields`.
        """
        [answer] = ask([*sides])
        return plain_parts(answer)

    def tables(self, splits) -> dict[str, Examples]:
        """Returns the texts of each part with the labels that the model learns."""
        return splits.parts

    def shares(self, splits, most: int) -> str:
        """Returns a table of the rows of each class in each part, and warnings."""
        tables = self.tables(splits)
        rows = [[*map(in_cell, row)] for row in share_table(tables, most)]
        parts = [markdown_table(rows)] if rows else []
        return "\n\n".join(parts + share_warnings(tables))

    def settings_for(
        self, name: str, splits, overrides: Mapping, keywords: Mapping | None = None
    ) -> Checked:
        """Returns the model's settings: its defaults, those that the data require, then
        `overrides`; without weights that do not fit the builder's arguments."""
        settings = self.settings.of(name, **{**splits.settings, **overrides})
        return settled(settings, name, keywords or {})

    def candidates(self, splits) -> list[str]:
        """Returns the models that `zoo train auto` compares, the cheapest first.

        Raises:
            ValueError: for a family that has no such choice.
        """
        raise ValueError(
            "`model` can be 'auto' for texts with labels. Accepted for other data: a "
            f"name from `zoo list`. Received: auto, with {self.content}."
        )

    def ensemble(
        self, models: Sequence[BaseTextModel], prepared, settings
    ) -> BaseTextModel | None:
        """Returns the trained candidates as one model; `None` if that has no use."""
        return None

    def with_abstain(self, text_model: BaseTextModel, probability: float):
        """Returns the model with an abstention threshold for its labels.

        Args:
            text_model: a model of this family.
            probability: from 0 to below 1.

        Raises:
            ValueError: for a family, or a model, without probabilities of labels.
        """
        raise ValueError(
            "`abstain` (--abstain) needs a model that gives the probabilities of "
            "labels. Accepted: a model of a family that can abstain, such as "
            f"classification. Received: {probability} for a model of the family "
            f"{self.name!r}."
        )

    def export(self, text_model: BaseTextModel, splits, folder: str | Path) -> Path:
        """Exports a trained model as the next version under `folder`."""
        return text_model.export(folder, splits.valid.texts[:EXAMPLES])
