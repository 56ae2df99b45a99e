"""The report of a tagger: a Markdown page with a plot of its learning curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.data.sentences import TaggedSentences
from zoo.families.tagging.coverage import Coverage
from zoo.families.tagging.fitting import main_score, metric_of
from zoo.families.tagging.settings import TaggingSettings
from zoo.reporting.markdown import in_cell, markdown_table
from zoo.reporting.page import (
    drawn,
    history_table,
    images,
    settings_block,
    write_page,
)
from zoo.tasks import TAGS, Task
from zoo.training.metrics import UNDEFINED
from zoo.training.uncertainty import describe_weights

PROTOCOL = (
    "F1 counts entities with the right type and both ends right, as conlleval and "
    "seqeval do. The epoch was selected on the validation part; the test part was read "
    "once. The baseline gives each word its most frequent tag of the training part."
)


def results_table(tasks: Mapping[str, Task], results: Mapping[str, Mapping]) -> str:
    """Returns a Markdown table: one row per task and metric, one column per model."""
    rows = [["task", "metric", *map(in_cell, results)]]
    for name, task in tasks.items():
        metrics = [metric_of(task)]
        if task.kind == TAGS and task.scheme:
            metrics = ["f1", "precision", "recall", "token_accuracy"]
        for metric in metrics:
            values = [_percent(result[name][metric]) for result in results.values()]
            rows.append([in_cell(name), metric, *values])
    return markdown_table(rows)


def write_tagging_report(
    name: str,
    tasks: Mapping[str, Task],
    data: Mapping[str, TaggedSentences],
    results: Mapping,
    baseline: Mapping[str, Mapping],
    history: Sequence[Mapping],
    settings: TaggingSettings,
    folder: str | Path,
    *,
    coverage: Mapping[str, Coverage],
) -> None:
    """Writes `report.md`, `results.json` and, with matplotlib, `scores.png`.

    Args:
        name: name of the model.
        tasks: the tasks by name.
        data: the sentences by part.
        results: the results of the family.
        baseline: scores of the baseline on the test part.
        history: logs of each epoch.
        settings: settings of the training.
        folder: folder of the run.
        coverage: which share of the words of each part is unknown.
    """

    def draw(plots) -> list[tuple[str, str]]:
        plots.write_scores(history, Path(folder) / "scores.png")
        return [("scores.png", "Validation scores")]

    Path(folder).mkdir(parents=True, exist_ok=True)
    page = [
        f"# {name}",
        f"{results['parameters']:,} parameters, "
        f"trained in {results['seconds']:.0f} s over "
        f"{results['epochs']} epochs, seed {settings.seed}.",
        "## Test part",
        results_table(tasks, {name: results["test"], "most frequent": baseline}),
        PROTOCOL,
        *(_types(task, results["test"][task], baseline[task]) for task in tasks),
        "## Data",
        _data_table(data, coverage),
        "## Training",
        _history_table(tasks, results, history),
        *describe_weights(tasks, history),
        *images(drawn(draw)),
        "## Settings",
        settings_block(settings.to_config()),
    ]
    kept = {"name": name, **results, "baseline": baseline, "history": list(history)}
    write_page(folder, page, kept)


def _types(name: str, scores: Mapping, baseline: Mapping) -> str:
    """Returns the scores of each type of entity, the most frequent one first."""
    if "by_type" not in scores:
        return ""
    rows = [["type", "entities", "precision", "recall", "F1", "F1, most frequent"]]
    found = scores["by_type"]
    for kind in sorted(found, key=lambda kind: (-found[kind]["support"], kind)):
        entry = found[kind]
        values = [_percent(entry[key]) for key in ("precision", "recall", "f1")]
        beside = baseline["by_type"].get(kind, {"f1": 0.0})["f1"]
        rows.append([in_cell(kind), str(entry["support"]), *values, _percent(beside)])
    return f"### {in_cell(name)}\n\n{markdown_table(rows)}"


def _data_table(
    data: Mapping[str, TaggedSentences], coverage: Mapping[str, Coverage]
) -> str:
    """Returns a row for each part; a word is unknown if it is not in training, or too
    rarely, and has no vector."""
    known = {word for words in data["train"].tokens for word in words}
    rows = [["part", "sentences", "words", "longest", "not in training", "unknown"]]
    for part, sentences in data.items():
        words = [word for row in sentences.tokens for word in row]
        unseen = sum(word not in known for word in words) / max(len(words), 1)
        longest = max(map(len, sentences.tokens))
        rows.append(
            [
                part,
                f"{len(sentences):,}",
                f"{len(words):,}",
                str(longest),
                f"{unseen:.1%}",
                f"{coverage[part].share:.1%}",
            ]
        )
    return markdown_table(rows)


def _history_table(tasks, results: Mapping, history: Sequence[Mapping]) -> str:
    columns = {"seconds": "seconds:.0f", "loss": "loss:.4f", "valid": "val_score:.2%"}
    table = history_table(history, columns)
    scores = ", ".join(
        f"{in_cell(name)} {metric_of(task)} "
        f"{_percent(main_score(task, results['valid'][name]))}"
        for name, task in tasks.items()
    )
    return f"{table}\n\nValidation at the best epoch: {scores}."


def _percent(value: float) -> str:
    return UNDEFINED if math.isnan(value) else f"{100 * value:.2f}"
