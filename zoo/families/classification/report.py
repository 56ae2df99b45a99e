"""The report of a classifier's run: a Markdown page with tables and plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zoo.families.classification.baselines import compare_baselines
from zoo.families.classification.chance import cross_validated, intervals
from zoo.families.classification.errors import (
    Error,
    errors_section,
    worst_errors,
    write_errors,
)
from zoo.families.classification.imbalance import advice
from zoo.families.classification.label_tables import (
    MOST_CLASSES,
    label_table,
    metrics_table,
    number,
)
from zoo.families.classification.predicted import evaluate_part, part_outputs
from zoo.families.classification.reliability import describe_calibration
from zoo.families.classification.train import Prepared
from zoo.families.classification.verdict import recommend, verdict
from zoo.reporting.markdown import in_cell, markdown_table
from zoo.reporting.page import (
    NO_PLOTS,
    epoch_names,
    images,
    settings_block,
    write_page,
)
from zoo.reporting.timing import milliseconds
from zoo.reporting.timing import shown as shown_milliseconds
from zoo.tasks import Task
from zoo.training.metrics import (
    MAIN_METRIC,
    NO_LABELS,
    UNDEFINED,
    mean_main_metric,
)
from zoo.training.uncertainty import describe_weights

FEW_TASKS = 3


@dataclass(frozen=True)
class Outcome:
    """The results of a run.

    Args:
        name: name of the model.
        prepared: the data that it was trained on.
        tasks: of the model, with what was tuned after training.
        history: logs of each epoch.
        results: metrics by model or baseline, then by task, on the test part.
        parameters: number of weights.
        seconds: training time.
        settings: metadata of the saved model: name, keywords and settings.
        calibration: by task, the result of `reliability.describe_calibration` on the
            test part.
        costs: by model or baseline: `seconds` of fitting, `ms_a_text` and, for a linear
            baseline, `seconds_choosing` and the `chosen` options of each task.
        errors: the worst ones on the test part.
    """

    name: str
    prepared: Prepared
    tasks: Mapping[str, Task]
    history: Sequence[Mapping]
    results: Mapping[str, Mapping[str, Mapping]]
    parameters: int
    seconds: float
    settings: Mapping
    calibration: Mapping[str, Mapping] = field(default_factory=dict)
    costs: Mapping[str, Mapping] = field(default_factory=dict)
    errors: Sequence[Error] = ()

    def means(self) -> dict[str, float]:
        """Mean over tasks of the main metric, by model or baseline."""
        tasks = self.prepared.tasks
        return {
            name: mean_main_metric(tasks, result)
            for name, result in self.results.items()
        }


def outcome_of(text_model, prepared: Prepared, history) -> Outcome:
    """Collects the contents of the report of a trained model; reads the test part."""
    name = text_model.metadata["name"]
    baselines, costs = (
        _renamed(found, name) for found in compare_baselines(prepared, "test")
    )
    seconds = sum(logs["seconds"] for logs in history)
    outputs = part_outputs(text_model, prepared, "test")
    took = milliseconds(text_model.predict, prepared.splits.test.texts)
    return Outcome(
        name=name,
        prepared=prepared,
        tasks=text_model.tasks,
        history=history,
        results={
            name: evaluate_part(text_model, prepared, "test", outputs),
            **baselines,
        },
        parameters=text_model.model.count_params(),
        seconds=seconds,
        settings=text_model.metadata,
        calibration=describe_calibration(text_model, prepared, outputs),
        costs={name: {"seconds": seconds, "ms_a_text": took}, **costs},
        errors=worst_errors(text_model, prepared, outputs),
    )


def _renamed(found: Mapping, model: str) -> dict:
    """Gives a baseline another name than the model, which may be `linear` too."""
    return {
        f"{one} (scikit-learn)" if one == model else one: value
        for one, value in found.items()
    }


def write_report(outcome: Outcome, folder: str | Path) -> Path:
    """Writes `report.md`, `results.json`, `errors.html` and, with matplotlib, plots.

    Args:
        outcome: outcome of the run.
        folder: created if it does not exist.

    Returns:
        The path of the Markdown page.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plots = _write_plots(outcome, folder)
    write_errors(outcome.errors, folder, outcome.name)
    page = [
        f"# {outcome.name}",
        _summary(outcome),
        "## Test split",
        *shown_results(outcome),
        *_costs(outcome),
        "## Data",
        _data_table(outcome.prepared),
        *(f"- {note}" for note in outcome.prepared.splits.notes),
        "## Training",
        _history_table(outcome),
        *describe_weights(outcome.tasks, outcome.history),
        *images(plots),
        "" if plots else NO_PLOTS,
        "## Classes",
        *(
            label_table(name, task, outcome.results[outcome.name][name])
            for name, task in outcome.tasks.items()
        ),
        *_calibration(outcome),
        *errors_section(outcome.errors),
        "## Settings",
        settings_block(outcome.settings),
    ]
    facts = {
        "name": outcome.name,
        "parameters": outcome.parameters,
        "seconds": outcome.seconds,
        "settings": outcome.settings,
        "means": outcome.means(),
        "results": outcome.results,
        "history": outcome.history,
        "calibration": outcome.calibration,
        "costs": outcome.costs,
        "errors": [error.to_json() for error in outcome.errors],
        "recommendation": recommend(*_compared(outcome)),
    }
    return write_page(folder, page, facts)


def results_table(tasks: Mapping[str, Task], results: Mapping[str, Mapping]) -> str:
    """Returns a Markdown table: one row per task and their mean, one column per model.

    A regression has a second row, its error in the unit of the target. A note below the
    table lists undefined metrics with the reason.
    """
    rows, reasons = [["task", "metric", "rows", *map(in_cell, results)]], []
    for name, task in tasks.items():
        metric = MAIN_METRIC[task.kind]
        found = [result[name] for result in results.values()]
        count, reason = str(found[0]["rows"]), found[0].get(UNDEFINED, NO_LABELS)
        values = [number(one[metric]) for one in found]
        if reason != NO_LABELS:
            values = [UNDEFINED] * len(found)
            reasons.append(f"`{in_cell(name)}` {metric} ({reason})")
        rows.append([in_cell(name), metric, count, *values])
        if "mae" in found[0]:
            errors = [f"{one['mae']:.5g}" for one in found]
            rows.append([in_cell(name), "mae", count, *errors])
    if len(tasks) > 1:
        means = [number(mean_main_metric(tasks, result)) for result in results.values()]
        rows.append(["**mean**", "", "", *means])
    table = markdown_table(rows)
    return f"{table}\n\nUndefined: {', '.join(reasons)}." if reasons else table


def shown_results(outcome: Outcome) -> list[str]:
    """Returns what a run prints: tables of the test part, and advice.

    Of many tasks the table of all metrics, and the intervals, are of the model alone.
    """
    tasks, results = outcome.prepared.tasks, outcome.results
    own = {outcome.name: results[outcome.name]}
    shown = results if len(tasks) <= FEW_TASKS else own
    return [
        results_table(tasks, results),
        intervals(tasks, shown),
        cross_validated(tasks, outcome.costs),
        metrics_table(tasks, shown),
        conclusion(outcome),
        *advice(outcome.prepared, outcome.settings["settings"]),
    ]


def conclusion(outcome: Outcome) -> str:
    """Returns the advice to the user, in a sentence."""
    return verdict(*_compared(outcome))


def _compared(outcome: Outcome):
    return outcome.name, outcome.prepared.tasks, outcome.results, outcome.costs


def _costs(outcome: Outcome) -> list[str]:
    if not outcome.costs:
        return []
    rows = [["model", "fitting, s", "choosing, s", "ms per text", "chosen"]]
    for name, cost in outcome.costs.items():
        found = {in_cell(n): _choice(c) for n, c in cost.get("chosen", {}).items()}
        chosen = [f"{task}: {what}" for task, what in found.items()]
        if len(found) == 1:
            chosen = list(found.values())
        times = [cost["seconds"], cost.get("seconds_choosing", np.nan)]
        shown = ["" if np.isnan(t) else f"{t:.1f}" for t in times]
        took = cost["ms_a_text"]
        shown.append(shown_milliseconds(took))
        rows.append([in_cell(name), *shown, "; ".join(chosen)])
    note = (
        "Milliseconds per text, one at a time in this process, median of up to 100. "
        "The linear baselines are scikit-learn, chosen on the validation part or, with "
        "few rows, by cross-validation on it and the training part."
    )
    return ["## Costs", markdown_table(rows), note]


def _choice(chosen: Mapping) -> str:
    if chosen["words"] == "none":
        return "the most frequent answer"
    kinds = chosen["words"] + (", characters" if chosen["characters"] else "")
    strength = f"{chosen['parameter']} {chosen['strength']:g}"
    return f"{kinds}, min_df {chosen['min_df']}, {strength}"


def _summary(outcome: Outcome) -> str:
    seed = outcome.settings["settings"]["seed"]
    return (
        f"{outcome.parameters:,} parameters, trained in {outcome.seconds:.0f} s over "
        f"{len(outcome.history)} epochs, seed {seed}. The model "
        "and the linear baseline were chosen on the validation part; the test part was "
        "read once."
    )


def _data_table(prepared: Prepared) -> str:
    heads = ["part", "texts", "tokens, median", "tokens, longest", "read", "unknown"]
    rows = [[*heads, "labels"]]
    for part, encoded in prepared.parts.items():
        lengths = [len(ids) for ids in encoded.tokens] or [0]
        found = prepared.coverage[part]
        labels = ", ".join(
            f"{in_cell(task)} {int((weight > 0).sum())}"
            for task, weight in encoded.weights.items()
        )
        rows.append(
            [
                part,
                f"{len(encoded.tokens):,}",
                f"{np.median(lengths):.0f}",
                str(max(lengths)),
                f"{found.read / found.tokens:.1%}" if found.tokens else "",
                f"{found.unknown / found.read:.2%}" if found.read else "",
                labels,
            ]
        )
    return markdown_table(rows)


def _history_table(outcome: Outcome) -> str:
    rows = [["epoch", "seconds", "loss", "valid loss", "valid, mean over tasks"]]
    names = epoch_names(outcome.history)
    for epoch, logs in zip(names, outcome.history, strict=True):
        score = logs["score"]
        rows.append(
            [
                epoch,
                f"{logs['seconds']:.0f}",
                number(logs["loss"]),
                number(logs.get("val_loss", np.nan)),
                _score(score),
            ]
        )
    table = markdown_table(rows)
    if outcome.history and rows[-1][-1] == UNDEFINED:
        table += "\n\nThe epoch with the lowest validation loss was kept."
    return table


def _calibration(outcome: Outcome) -> list[str]:
    if not outcome.calibration:
        return []
    rows = [
        ["task", "temperature", "ECE before", "ECE", "answered", "accuracy of these"]
    ]
    for name, facts in outcome.calibration.items():
        shares = [facts.get("answered", 1.0), facts.get("answered_accuracy", np.nan)]
        numbers = [facts[key] for key in ("temperature", "ece_uncalibrated", "ece")]
        rows.append([in_cell(name), *map(number, [*numbers, *shares])])
    note = (
        "Logits are divided by the temperature, which was fitted on the "
        "validation part. ECE: mean distance between confidence and accuracy on the "
        "test part. Answered: share of texts on which the model does not abstain."
    )
    return ["## Calibration", markdown_table(rows), note]


def _write_plots(outcome: Outcome, folder: Path) -> list[tuple[str, str]]:
    try:
        from zoo.reporting import classifier_plots
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        return []
    return classifier_plots.write_plots(outcome, folder, most_classes=MOST_CLASSES)


def _score(score: Sequence[float] | None) -> str:
    if score is None:
        return ""
    return UNDEFINED if score[0] is None or np.isnan(score[0]) else number(score[0])
