"""Tagging: from sentences with a tag a word to a model that tags raw texts.

`zoo train` calls `run`. Run as a module, it measures models over several seeds and
prints the table that the README shows:

    python -m recipes.tagging --data conll2003 --models bilstm_tagger bilstm_crf

Protocol: entity F1 as conlleval and seqeval count it, accuracy for labels of sentences
and for tags without a scheme. The epoch is chosen by the validation part, by the mean
over the tasks; the test part is read once.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

import zoo
from recipes import seeds
from zoo.artifact import TextModel
from zoo.data import load_named
from zoo.report import markdown_table
from zoo.settings import TaggingSettings, parse_overrides
from zoo.tagging.baseline import most_frequent
from zoo.tagging.report import results_table, write_tagging_report
from zoo.tagging.runs import evaluate, facts_of, prepare, train
from zoo.tagging.splits import PARTS, TaggedSplits
from zoo.tagging.training import learn_tag_tasks, main_score, mean_score, metrics_of
from zoo.tuning.objective import named_scores, score_names


def run(
    name: str,
    splits: TaggedSplits,
    overrides: Mapping,
    keywords: Mapping,
    *,
    folder: Path,
    export_to: Path | None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """What `zoo train` does, with its messages: train, report, export.

    Args:
        name: of a registered tagger.
        splits: the data.
        overrides: settings that differ from the model's defaults.
        keywords: arguments of the model's builder.
        folder: of the run; gets `model/`, `report.md`, `results.json` and the plot.
        export_to: folder of the exported versions, or `None`.
        callbacks: further Keras callbacks.
    """
    settings = TaggingSettings.of(name, **overrides)
    for note in splits.notes:
        print(note)
    tagged = prepare(splits, settings)
    sizes = [f"{len(tagged.data[part]):,} {part}" for part in PARTS]
    print(f"{name} on {len(tagged.tasks)} task(s): {', '.join(sizes)} sentences")
    checkpoints = folder / "checkpoints"
    text_model, history = train(
        name, tagged, settings, keywords, folder=checkpoints, callbacks=callbacks
    )
    facts = facts_of(text_model, tagged, history)
    baseline = most_frequent(tagged.tasks, tagged.data["train"], tagged.data["test"])
    text_model.save(folder / "model")
    write_tagging_report(
        name, tagged.tasks, tagged.data, facts, baseline, history, settings, folder
    )
    print(results_table(tagged.tasks, {name: facts["test"], "most frequent": baseline}))
    print(f"Report: {folder / 'report.md'}")
    shutil.rmtree(checkpoints, ignore_errors=True)
    place = folder
    texts = tagged.data["valid"].texts
    if export_to is not None:
        place = zoo.export(
            text_model.model, text_model.pipeline, export_to, tasks=tagged.tasks,
            examples=texts[:1000], metadata=text_model.metadata,
        ).parent  # fmt: skip
        print(f"Exported and checked: {place}")
    shown = json.dumps(min(texts, key=lambda text: abs(len(text) - 50)))
    print(f"Tag with it: zoo predict {place} {shown}")


def objectives(splits: TaggedSplits) -> list[str]:
    """The scores that `zoo tune` can look for in this data.

    The mean over the tasks takes entity F1, the accuracy of tags without a scheme, and
    the accuracy of labels.
    """
    tasks = learn_tag_tasks(splits.train, splits.schemes)
    return score_names({name: metrics_of(task) for name, task in tasks.items()})


def trial(
    name: str,
    splits: TaggedSplits,
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
    settings = TaggingSettings.of(name, **overrides)
    return train(
        name, prepare(splits, settings), settings, keywords, folder=folder,
        callbacks=callbacks, verbose=False,
    )  # fmt: skip


def score(text_model: TextModel, splits: TaggedSplits, part: str) -> dict[str, float]:
    """Scores of a part by the names of `objectives`."""
    results = evaluate(text_model, getattr(splits, part), splits.schemes)
    return named_scores(mean_score(text_model.tasks, results), results)


def measure(
    name: str, splits: TaggedSplits, settings: TaggingSettings, keywords, folder: Path
) -> dict:
    """One seed of one model: scores of both parts, and the cost."""
    tagged = prepare(splits, settings)
    text_model, history = train(
        name, tagged, settings, keywords, folder=folder / "checkpoints", verbose=False
    )
    facts = facts_of(text_model, tagged, history)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return facts


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    seeds.add_arguments(parser, models=["bilstm_tagger", "bilstm_crf"])
    options = parser.parse_args(arguments)
    splits = load_named(options.data)
    if not isinstance(splits, TaggedSplits):
        parser.error(f"{options.data} has no tags; accepted: conll2003, snips")
    tasks = learn_tag_tasks(splits.train, splits.schemes)
    columns = [f"{name} {part}, %" for name in tasks for part in ("test", "valid")]
    rows = [[options.data, *columns, "parameters", "training, s"]]
    baseline = most_frequent(tasks, splits.train, splits.test)
    cells = [[f"{100 * main_score(t, baseline[n]):.1f}", ""] for n, t in tasks.items()]
    rows.append(["most frequent", *sum(cells, []), "", ""])
    for model in options.models:
        facts = [_kept(model, splits, options, seed) for seed in range(options.seeds)]
        row = [model]
        for task, spec in tasks.items():
            for part in ("test", "valid"):
                values = [main_score(spec, fact[part][task]) for fact in facts]
                row.append(seeds.spread(100 * np.array(values)))
        seconds = np.array([fact["seconds"] for fact in facts])
        row += [f"{facts[0]['parameters']:,}", seeds.spread(seconds, 0)]
        rows.append(row)
    print(markdown_table(rows))
    print(f"\nmean ± standard deviation over {options.seeds} seed(s)")


def _kept(model: str, splits: TaggedSplits, options, seed: int) -> dict:
    """The facts of one seed, measured or read back."""
    name, own = seeds.parse_model(model)
    overrides, keywords = parse_overrides([*options.overrides, *own], name)
    settings = TaggingSettings.of(name, **{**overrides, "seed": seed})
    folder = options.folder / options.data / model / str(seed)
    tasks = learn_tag_tasks(splits.train, splits.schemes)

    def said(facts: Mapping) -> str:
        found = [
            f"{task} {100 * main_score(spec, facts['valid'][task]):.2f}"
            for task, spec in tasks.items()
        ]
        return f"{model} seed {seed}, valid: {', '.join(found)}"

    return seeds.facts_of_seed(
        name, splits, settings, keywords, folder, measure, said=said
    )


if __name__ == "__main__":
    main()
