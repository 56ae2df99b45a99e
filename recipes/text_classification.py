"""Text classification, from a table of texts to a served model.

`zoo train` calls `run`. Run as a module, it measures models over several seeds beside
the baselines and prints the table that the README shows:

    python -m recipes.text_classification --data trec --models text_cnn bilstm
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras

import zoo
from recipes import seeds
from zoo import runs
from zoo.artifact import TextModel
from zoo.calibration import calibrate, with_abstain
from zoo.data import Splits, encode_labels, load_named
from zoo.metrics import METRICS, evaluate, mean_main_metric
from zoo.reliability import describe_calibration
from zoo.report import Outcome, results_table, verdict, write_report
from zoo.settings import Settings
from zoo.tuning.objective import named_scores, score_names


def run(
    name: str,
    splits: Splits,
    overrides: Mapping,
    keywords: Mapping,
    *,
    folder: Path,
    export_to: Path | None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """What `zoo train` does, with its messages: train, report, export.

    Args:
        name: of a registered model.
        splits: the data.
        overrides: settings that differ from the model's defaults.
        keywords: arguments of the model's builder.
        folder: of the run.
        export_to: folder of the exported versions, or `None`.
        callbacks: further Keras callbacks.
    """
    settings = Settings.of(name, **overrides)
    for note in splits.notes:
        print(note)
    sizes = [f"{len(getattr(splits, part)):,} {part}" for part in runs.PARTS]
    print(f"{name} on {len(splits.train.labels)} task(s): {', '.join(sizes)} texts")
    text_model, outcome = train(
        name, splits, settings, keywords, folder=folder, callbacks=callbacks
    )
    print(results_table(outcome.prepared.tasks, outcome.results))
    print(verdict(outcome))
    print(f"Report: {folder / 'report.md'}")
    place = folder
    if export_to is not None:
        place = export(text_model, export_to, splits.valid.texts).parent
        print(f"Exported and checked: {place}")
    sentence = json.dumps(_sentence(splits), ensure_ascii=False)
    print(f"Predict with it: zoo predict {place} {sentence}")


def export(text_model: TextModel, folder: Path, texts: Sequence[str] = ()) -> Path:
    """Exports a trained model as the next version under `folder`."""
    return zoo.export(
        text_model.model, text_model.pipeline, folder, tasks=text_model.tasks,
        examples=texts, metadata=text_model.metadata,
    )  # fmt: skip


def _sentence(splits: Splits) -> str:
    """A short text of the test part, to show how to predict."""
    texts = [
        text for text in splits.test.texts if 20 < len(text) < 80 and "$" not in text
    ]
    return texts[0] if texts else "What a day!"


def train(
    name: str,
    splits: Splits,
    settings: Settings,
    keywords: Mapping | None = None,
    *,
    folder: str | Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> tuple[TextModel, Outcome]:
    """Trains a model, evaluates it on the test part beside the baselines, saves it.

    Args:
        name: of a registered model.
        splits: the data.
        settings: how to train.
        keywords: arguments of the model's builder.
        folder: of the run; gets `model/`, `report.md`, `results.json` and the plots. If
            a run was killed there, it continues from its last epoch.
        callbacks: further Keras callbacks.
        verbose: shows progress.

    Returns:
        The trained model, and what the report says.
    """
    folder = Path(folder)
    prepared = runs.prepare(splits, settings)
    if settings.abstain is not None:  # refuses tasks that cannot, before it trains
        with_abstain(prepared.tasks, settings.abstain)
    text_model, history, seconds = fit(
        name, prepared, settings, keywords, folder=folder, callbacks=callbacks,
        verbose=verbose,
    )  # fmt: skip
    text_model = calibrate(text_model, prepared, settings.abstain)
    results = {
        name: runs.evaluate_part(text_model, prepared, "test"),
        **runs.evaluate_baselines(prepared, "test"),
    }
    outcome = Outcome(
        name=name,
        prepared=prepared,
        history=history,
        results=results,
        parameters=text_model.model.count_params(),
        seconds=seconds,
        settings=text_model.metadata,
        calibration=describe_calibration(text_model, prepared),
    )
    text_model.save(folder / "model")
    write_report(outcome, folder)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return text_model, outcome


def objectives(splits: Splits) -> list[str]:
    """The scores that `zoo tune` can look for in this data, by the kinds of its tasks.

    The mean over the tasks takes the metric of `zoo.metrics.MAIN_METRIC`.
    """
    kinds = splits.train.kinds
    return score_names({task: METRICS[kind] for task, kind in kinds.items()})


def trial(
    name: str,
    splits: Splits,
    overrides: Mapping,
    keywords: Mapping,
    *,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[TextModel, list[dict]]:
    """One trial of `zoo tune`: a training whose checkpoints stay in `folder`.

    Returns:
        The model of the best epoch, and one dict of logs an epoch with its `score`.
    """
    settings = Settings.of(name, **overrides)
    prepared = runs.prepare(splits, settings)
    text_model, history = runs.train(
        name, prepared, settings, keywords, folder=folder, callbacks=callbacks,
        verbose=False,
    )  # fmt: skip
    return text_model, history


def score(text_model: TextModel, splits: Splits, part: str) -> dict[str, float]:
    """Scores of a part by the names of `objectives`."""
    examples = getattr(splits, part)
    targets, weights = encode_labels(examples, text_model.tasks)
    outputs = text_model.logits(examples.texts)
    results = {
        name: evaluate(task, targets[name], weights[name], outputs[name])
        for name, task in text_model.tasks.items()
    }
    return named_scores(mean_main_metric(text_model.tasks, results), results)


def fit(name, prepared, settings, keywords, *, folder, verbose, callbacks=()):
    """Joint training, then, if the settings say so, each task alone."""
    start = time.perf_counter()
    text_model, history = runs.train(
        name, prepared, settings, keywords,
        folder=Path(folder) / "checkpoints", callbacks=callbacks, verbose=verbose,
    )  # fmt: skip
    if settings.fine_tune:
        text_model = runs.fine_tune_all(text_model, prepared, settings)
    seconds = sum(logs["seconds"] for logs in history)
    return text_model, history, max(seconds, time.perf_counter() - start)


def measure(
    name: str, splits: Splits, settings: Settings, keywords: Mapping, folder: Path
) -> dict:
    """One seed of one model: the mean over tasks on the test part, and the cost."""
    prepared = runs.prepare(splits, settings)
    text_model, history, seconds = fit(
        name, prepared, settings, keywords, folder=folder, verbose=False
    )
    facts = {
        "test": runs.evaluate_part(text_model, prepared, "test"),
        "valid": runs.evaluate_part(text_model, prepared, "valid"),
        "parameters": text_model.model.count_params(),
        "epochs": len(history),
        "seconds": seconds,
    }
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return facts


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    seeds.add_arguments(parser, models=["text_cnn", "lstm", "bilstm"])
    options = parser.parse_args(arguments)
    splits = load_named(options.data)
    rows = [seeds.baseline_rows(splits, options)]
    for name in options.models:
        rows.append(seeds.measure_seeds(name, name, splits, options, measure))
    print(seeds.table(options, rows))


if __name__ == "__main__":
    main()
