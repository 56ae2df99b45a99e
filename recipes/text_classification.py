"""Text classification, from a table of texts to a served model.

`zoo train` calls `run`. Run as a module, it measures models over several seeds beside
the baselines and prints the table that the README shows:

    python -m recipes.text_classification --data trec --models text_cnn bilstm
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from zoo.reporting.markdown import markdown_table

from recipes import seeds
from zoo.data import Splits, encode_labels, load_named
from zoo.families.base import Recipe
from zoo.families.classification import train as runs
from zoo.families.classification.calibration import calibrate, with_abstain
from zoo.families.classification.model import TextModel
from zoo.families.classification.reliability import describe_calibration
from zoo.families.classification.report import (
    Outcome,
    results_table,
    verdict,
    write_report,
)
from zoo.families.classification.settings import Settings
from zoo.families.overrides import parse_overrides
from zoo.training.metrics import (
    MAIN_METRIC,
    METRICS,
    evaluate,
    mean_main_metric,
    mean_of_known,
)
from zoo.tuning.objective import named_scores, score_names


class TextClassification(Recipe):
    """Labelled texts, one task or several."""

    settings = Settings
    invitation = "Predict with it"

    def prepare(self, splits, settings):
        prepared = runs.prepare(splits, settings)
        if settings.abstain is not None:  # refuses tasks that cannot, before it trains
            with_abstain(prepared.tasks, settings.abstain)
        return prepared

    def describe(self, name, prepared):
        splits = prepared.splits
        sizes = [f"{len(getattr(splits, part)):,} {part}" for part in runs.PARTS]
        return f"{name} on {len(prepared.tasks)} task(s): {', '.join(sizes)} texts"

    def train(
        self,
        name: str,
        prepared: runs.Prepared,
        settings: Settings,
        keywords: Mapping,
        *,
        folder: Path,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        verbose: bool = True,
    ) -> tuple[TextModel, list[dict]]:
        """Joint training; then, if the settings say so, each task alone, whose seconds
        the last epoch gets; then temperatures."""
        text_model, history = runs.train(
            name, prepared, settings, keywords, folder=folder, callbacks=callbacks,
            verbose=verbose,
        )  # fmt: skip
        if settings.fine_tune:
            start = time.perf_counter()
            text_model = runs.fine_tune_all(text_model, prepared, settings)
            history[-1]["seconds"] += time.perf_counter() - start
        return calibrate(text_model, prepared, settings.abstain), history

    def outcome(self, text_model: TextModel, prepared, history) -> Outcome:
        """What the report says."""
        name = text_model.metadata["name"]
        return Outcome(
            name=name,
            prepared=prepared,
            history=history,
            results={
                name: runs.evaluate_part(text_model, prepared, "test"),
                **runs.evaluate_baselines(prepared, "test"),
            },
            parameters=text_model.model.count_params(),
            seconds=sum(logs["seconds"] for logs in history),
            settings=text_model.metadata,
            calibration=describe_calibration(text_model, prepared),
        )

    def report(self, text_model, prepared, history, settings, folder):
        outcome = self.outcome(text_model, prepared, history)
        write_report(outcome, folder)
        return f"{results_table(prepared.tasks, outcome.results)}\n{verdict(outcome)}"

    def facts(self, text_model, prepared, history):
        return {
            "test": runs.evaluate_part(text_model, prepared, "test"),
            "valid": runs.evaluate_part(text_model, prepared, "valid"),
            "parameters": text_model.model.count_params(),
            "epochs": len(history),
            "seconds": sum(logs["seconds"] for logs in history),
        }

    def brief(self, facts):
        return f"{_mean(facts['valid']):.4f} (valid), {_mean(facts['test']):.4f} (test)"

    def objectives(self, splits):
        """By the kinds of the tasks; the mean over them takes the metric of
        `zoo.training.metrics.MAIN_METRIC`."""
        kinds = splits.train.kinds
        return score_names({task: METRICS[kind] for task, kind in kinds.items()})

    def score(self, text_model, splits, part):
        examples = getattr(splits, part)
        targets, weights = encode_labels(examples, text_model.tasks)
        outputs = text_model.logits(examples.texts)
        results = {
            name: evaluate(task, targets[name], weights[name], outputs[name])
            for name, task in text_model.tasks.items()
        }
        return named_scores(mean_main_metric(text_model.tasks, results), results)

    def prompt(self, splits: Splits):
        texts = [text for text in splits.test.texts if 20 < len(text) < 80]
        return next(iter(texts), "What a day!")


RECIPE = TextClassification()


def baseline_rows(splits: Splits, options: argparse.Namespace) -> list[list[str]]:
    """The rows of the baselines, which have no seed."""
    overrides, _ = parse_overrides(options.overrides)
    prepared = runs.prepare(splits, Settings(**{**overrides, "pretrain_epochs": 0}))
    results = runs.evaluate_baselines(prepared, "test")
    return [
        [name, f"{100 * _mean(result):.1f}", "", "", ""]
        for name, result in results.items()
    ]


def row_of(name: str, facts: list[Mapping]) -> list[str]:
    """A row of the table, from the facts of each seed."""
    scores = [
        seeds.spread(100 * np.array([_mean(fact[part]) for fact in facts]))
        for part in ("test", "valid")
    ]
    return [name, *scores, *seeds.costs(facts)]


def table(options: argparse.Namespace, rows: list[list[str]]) -> str:
    """The Markdown table, and what its figures are."""
    header = [options.data, "test, %", "valid, %", "parameters", "training, s"]
    note = f"mean ± standard deviation over {options.seeds} seeds"
    return f"{markdown_table([header, *rows])}\n\n{note}"


def _mean(results: Mapping[str, Mapping]) -> float:
    """Mean over tasks of whichever main metric each task has."""
    values = [
        next(result[metric] for metric in MAIN_METRIC.values() if metric in result)
        for result in results.values()
    ]
    return mean_of_known(values)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    seeds.add_arguments(parser, models=["text_cnn", "lstm", "bilstm"])
    options = parser.parse_args(arguments)
    splits = load_named(options.data)
    rows = baseline_rows(splits, options)
    for model in options.models:
        rows.append(row_of(model, seeds.measured(RECIPE, model, splits, options)))
    print(table(options, rows))


if __name__ == "__main__":
    main()
