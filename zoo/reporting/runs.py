"""What the folders of finished runs say of them, in one form for all families."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from zoo.text.objects import DAMAGES, read_object
from zoo.training.intervals import INTERVAL
from zoo.training.metrics import MAIN_METRIC

RESULTS, METADATA = "results.json", Path("model", "metadata.json")


@dataclass(frozen=True)
class RunFacts:
    """A finished run.

    Args:
        folder: its folder, as it was given.
        model: name of the registered model.
        family: name of its family.
        rows: number of rows of each part of the data.
        settings: settings of the training and arguments of the builder, by name.
        scores: of the test part, by task (`""` without tasks) and metric.
        intervals: 95 % intervals of some of them.
        parameters: number of weights.
        size: bytes of the saved model.
        ms_a_text: milliseconds a text, if it was measured.
        seconds: of the training.
        history: logs of each epoch.
    """

    folder: str
    model: str
    family: str
    rows: Mapping[str, int]
    settings: Mapping[str, object]
    scores: Mapping[tuple[str, str], float]
    intervals: Mapping[tuple[str, str], tuple[float, float]]
    parameters: int
    size: int
    ms_a_text: float | None
    seconds: float
    history: Sequence[Mapping]

    def to_json(self) -> dict:
        """Returns a dict that JSON holds; scores and intervals are lists of dicts."""
        scores = [
            {
                "task": task,
                "metric": metric,
                "value": value,
                INTERVAL: self.intervals.get((task, metric)),
            }
            for (task, metric), value in self.scores.items()
        ]
        found = {**asdict(self), "scores": scores}
        del found["intervals"], found["history"]
        return found


def read_run(folder: str | Path) -> RunFacts:
    """Reads the folder of a finished run.

    Raises:
        ValueError: if it is none.
    """
    folder = Path(folder)
    try:
        results = read_object(folder / RESULTS)
        metadata = read_object(folder / METADATA)
        name, card = metadata["name"], metadata["card"]
        parameters, seconds = results["parameters"], results["seconds"]
    except DAMAGES as error:
        raise ValueError(
            "`runs` must be folders of finished runs. Accepted: what `zoo train` or "
            f"`zoo distill` wrote, with {RESULTS} and {METADATA.as_posix()}. "
            f"Received: {folder} ({type(error).__name__}: {error})."
        ) from None
    kinds = {task: about["kind"] for task, about in card.get("tasks", {}).items()}
    by_task = _by_task(card.get("test", {}))
    return RunFacts(
        folder=str(folder),
        model=name,
        family=metadata.get("family", ""),
        rows=card.get("rows", {}),
        settings={**metadata.get("settings", {}), **metadata.get("keywords", {})},
        scores=dict(_scores(by_task)),
        intervals={
            (task, MAIN_METRIC[kinds[task]]): tuple(found[INTERVAL])
            for task, found in by_task.items()
            if kinds.get(task) in MAIN_METRIC and found.get(INTERVAL)
        },
        parameters=parameters,
        size=sum(
            path.stat().st_size
            for path in (folder / METADATA).parent.rglob("*")
            if path.is_file()
        ),
        ms_a_text=results.get("costs", {}).get(name, {}).get("ms_a_text"),
        seconds=seconds,
        history=results.get("history") or _curve(results),
    )


def differing(runs: Sequence[RunFacts]) -> dict[str, list[object]]:
    """Returns the settings that not all runs share, with the value of each run.

    A run whose model does not have a setting has `None` there.
    """
    names = dict.fromkeys(name for run in runs for name in run.settings)
    values = {name: [run.settings.get(name) for run in runs] for name in names}
    return {
        name: found
        for name, found in values.items()
        if any(value != found[0] for value in found)
    }


def _curve(results: Mapping) -> list[dict]:
    """Returns the logs of a language model, whose curve has seconds and perplexity."""
    return [{"val_perplexity": value} for _, value in results.get("curve", [])]


def _by_task(scores: Mapping) -> dict[str, Mapping]:
    """Returns scores by task; those of models without tasks have the task `""`."""
    found = {task: s for task, s in scores.items() if isinstance(s, Mapping)}
    alone = {name: s for name, s in scores.items() if not isinstance(s, Mapping)}
    return {**({"": alone} if alone else {}), **found}


def _scores(by_task: Mapping[str, Mapping]) -> Iterator[tuple[tuple[str, str], float]]:
    for task, found in by_task.items():
        for metric, value in found.items():
            if isinstance(value, float) and math.isfinite(value):  # others are counts
                yield (task, metric), value
