"""`zoo.tune`: searches settings and architecture, and trains the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.api.reading import Reading, check_further
from zoo.api.start import check_writable, load_tensorflow
from zoo.families import family_of
from zoo.models._search_space import Range, parse_range
from zoo.tuning.objective import parse_budget
from zoo.tuning.searched import searched_space
from zoo.tuning.searching import SearchResult, check_installed, search


def tune(
    model: str | Sequence[str],
    data: Any = None,
    *,
    label: str | Sequence[str] | Mapping[str, str] | None = None,
    text: str | Sequence[str] | None = None,
    valid: Any = None,
    test: Any = None,
    task_column: str | None = None,
    out: str | Path | None = None,
    trials: int = 30,
    algorithm: str = "hyperband",
    objective: str | None = None,
    max_time: float | None = None,
    ranges: Mapping[str, Range | str] | None = None,
    fixed: Mapping[str, Any] | None = None,
    only: Sequence[str] = (),
    budget: Mapping[str, float] | None = None,
    seed: int = 0,
    workers: int = 1,
    processes: bool | None = None,
    reevaluate: int = 3,
    retrain: bool = False,
    export: str | Path | None = None,
    **further: Any,
) -> SearchResult | None:
    """Searches as `zoo tune` does; the same call goes on with an interrupted search.

    Args:
        model: a name from `zoo.list()`, or several among which the search chooses.
        data: as of `zoo.train`, and so are `label`, `text`, `valid`, `test`,
            `task_column` and `further`.
        out: folder of the search; by default `runs/tune-<model>`.
        trials: at most this many.
        algorithm: `"hyperband"`, `"bayesian"`, `"random"` or `"grid"`.
        objective: a score of the validation part; by default the family's first.
        max_time: seconds of the search, of which the last 30 % are for `reevaluate`.
        ranges: instead of the model's, or further ones: `zoo.tuning.Int(64, 256)`, or
            as on the command line `"64:256"`.
        fixed: settings and builder arguments that do not vary.
        only: names of all that varies beside `ranges`.
        budget: limits, such as `{"parameters": 2e6, "latency": 5}` (milliseconds).
        seed: of the split, the search and the trainings.
        workers: trials that run at a time.
        processes: each trial in a process of its own; a script then needs
            `if __name__ == "__main__":`. By default in long searches.
        reevaluate: how many of the best trials are trained with two new seeds before
            one of them, or the defaults, is chosen by the mean; 0 for none.
        retrain: trains the best again, on training and validation part.
        export: folder of the exported versions, or `None` for no export.

    Returns:
        A `zoo.tuning.SearchResult`: the `table` of the trials, those that were
        `reevaluated`, the `settings` and `keywords` of the best, `test` scores,
        `report` and `folder`; `None` in a worker of a cluster.

    Raises:
        ImportError: without keras-tuner.
        ValueError: for arguments or data that cannot be used.

    Example:
        >>> found = zoo.tune("text_cnn", "trec", trials=5)  # doctest: +SKIP
        >>> zoo.load(found.folder).predict(["How far is it?"])  # doctest: +SKIP
    """
    check_installed()
    check_further(further)
    models = [model] if isinstance(model, str) else list(model)
    family = family_of(models[0])
    chosen = {
        name: parse_range(value) if isinstance(value, str) else value
        for name, value in (ranges or {}).items()
    }
    # All that can be wrong is looked at before a second of TensorFlow.
    name = "-".join(searched_space(models, chosen, fixed, only).models)
    limits = parse_budget(budget or {})
    folder = Path("runs", f"tune-{name}") if out is None else Path(out)
    check_writable(folder, "`out` (--out)")
    if export is not None:
        check_writable(Path(export), "`export` (--export)")
    reading = Reading(
        data=data,
        label=label,
        text=text,
        task_column=task_column,
        valid=valid,
        test=test,
        seed=seed,
        **further,
    )
    splits = family.read(reading)
    load_tensorflow()
    return search(
        models,
        splits,
        folder=folder,
        trials=trials,
        algorithm=algorithm,
        objective=objective,
        max_time=max_time,
        ranges=chosen,
        fixed=fixed,
        only=only,
        budget=limits,
        seed=seed,
        workers=workers,
        processes=processes,
        reevaluate=reevaluate,
        retrain=retrain,
        export_to=export,
    )
