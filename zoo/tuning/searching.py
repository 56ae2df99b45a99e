"""`zoo.tuning.search`: from a model's name and data to the best settings and model."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.parts import without_test
from zoo.families import family_of, get_family
from zoo.models._search_space import Range
from zoo.reporting.report import Report
from zoo.text.locks import locked
from zoo.tuning import workers as cluster
from zoo.tuning.choosing import Candidate
from zoo.tuning.objective import Objective, parse_budget
from zoo.tuning.plan import Plan, fingerprint_of
from zoo.tuning.searched import searched_space

ALGORITHMS = ("hyperband", "bayesian", "random", "grid")
_LONG = 10  # with more trials, each has its own process


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Args:
        trial: name of the best trial.
        model: name of the model.
        settings: settings of its training.
        keywords: of its builder.
        objective: its value on the validation part; the mean over the seeds, if it was
            trained with several.
        test: scores of the test part: of the best trial, and of the defaults.
        reads: how often the test part was read; more than once if a search was
            continued after its end.
        trials: the results of all trials by name.
        folder: folder of the search, with `report.md` and `model/`.
        exported: folder of the exported version, or `None`.
        reevaluated: by trial the `seeds`, validation `scores`, `mean` and `spread` of
            those that were trained again before the choice, the defaults first.
        summary: the first lines of the report.
        table: table of the trials, the best first.
    """

    trial: str
    model: str
    settings: Mapping
    keywords: Mapping
    objective: float
    test: Mapping[str, Mapping[str, float]]
    reads: int
    trials: Mapping[str, Mapping]
    folder: Path
    exported: Path | None
    reevaluated: Mapping[str, Candidate] = field(default_factory=dict)
    summary: str = ""
    table: str = ""

    @property
    def report(self) -> Report:
        """The page of the search, which shows itself."""
        return Report(self.folder / "report.md")

    def __str__(self) -> str:
        return f"{self.summary}\n\n{self.table}"

    def _repr_markdown_(self) -> str:
        return self.report._repr_markdown_()


def search(
    model: str | Sequence[str],
    splits,
    *,
    folder: str | Path,
    trials: int = 30,
    algorithm: str = "hyperband",
    objective: str | None = None,
    max_time: float | None = None,
    ranges: Mapping[str, Range] | None = None,
    fixed: Mapping | None = None,
    only: Sequence[str] = (),
    budget: Mapping[str, float] | None = None,
    seed: int = 0,
    workers: int = 1,
    processes: bool | None = None,
    reevaluate: int = 3,
    retrain: bool = False,
    export_to: str | Path | None = None,
) -> SearchResult | None:
    """Searches settings and architecture; trains, evaluates and exports the best.

    The first trial has the model's defaults. Every trial trains on the training part
    and is compared on the validation part. The best of many first scores is partly the
    luckiest one, so the best few trials and the first one are then trained with two
    more seeds: the mean over the seeds decides, and the first one stays unless the mean
    of another is better by more than one standard error of the difference. The test
    part is read once, at the end, for the chosen model and the first one. Calling it
    again with the same arguments continues a search that was killed; `trials`,
    `max_time`, `workers`, `processes` and `reevaluate` may change.

    Args:
        model: name of a registered model, or names of several of one family, from which
            the search chooses.
        splits: the data, as `zoo.data.load_named` gives.
        folder: folder of the search; receives `report.md`, `trials/` and the best model
            as `model/`.
        trials: maximum number. For Hyperband each round of a configuration is one.
        algorithm: `"hyperband"`, `"bayesian"`, `"random"` or `"grid"`.
        objective: a score of the validation part: `"mean"` over the tasks, a metric
            such as `"macro_f1"`, `"TASK:METRIC"`; by default the family's first.
        max_time: seconds of the search. After 70 % of them, or all with `reevaluate=0`,
            no trial begins and the current epoch ends early; the rest is for training
            the best trials again.
        ranges: such as `zoo.tuning.Int`; they replace or extend the model's own.
        fixed: settings and arguments that do not vary.
        only: names of all that varies besides `ranges`; by default everything with a
            range.
        budget: limits: `parameters`, and `latency` in milliseconds per text of the
            exported model. A model over one of them is not chosen.
        seed: seed of the draws and of the trainings.
        workers: trials that run at once. With the variables of a cluster this process
            is its chief or one of its workers; see `zoo.tuning.workers`.
        processes: whether to run each trial in its own process, which bounds memory; by
            default in searches of more than 10 trials or with a time limit. A
            script then needs `if __name__ == "__main__":`.
        reevaluate: how many of the best trials are trained with new seeds before one of
            them, or the first one, is chosen; with 0 the first scores decide.
        retrain: whether to train the best settings again, on the training and
            validation parts.
        export_to: folder of the exported versions, or `None`.

    Returns:
        The result; `None` in a worker of a cluster.

    Raises:
        ImportError: without the extra `tune`.
        ValueError: for invalid arguments, or a folder that holds another search.
        RuntimeError: if no trial succeeds.

    Example:
        >>> from zoo.data import load_named
        >>> search("bilstm", load_named("sst2"), folder="runs/tune")  # doctest: +SKIP
    """
    check_installed()
    models = [model] if isinstance(model, str) else list(model)
    plan = make_plan(
        models,
        splits,
        folder=folder,
        trials=trials,
        algorithm=algorithm,
        objective=objective,
        max_time=max_time,
        ranges=ranges,
        fixed=fixed,
        only=only,
        budget=budget,
        seed=seed,
        processes=processes,
        reevaluate=reevaluate,
    )
    if workers < 1 or (workers > 1 and cluster.role()):
        raise ValueError(
            "`workers` must be at least 1, and 1 if the variables of a cluster are "
            f"set. Received: {workers}."
        )
    from zoo.tuning.finish import finish

    seen = without_test(splits)
    if cluster.role() == "worker":  # in the folder of its chief
        plan.claim(fingerprint_of(splits))
        _run(plan, seen, 1)
        return None
    with locked(plan.folder, "`folder` (--out)"):
        plan.claim(fingerprint_of(splits))
        _run(plan, seen, workers)
        return finish(
            plan, splits, retrain=retrain, export_to=export_to, workers=workers
        )


def _run(plan: Plan, splits, workers: int) -> None:
    if workers > 1:
        cluster.run_workers(plan, splits, workers)
    else:
        from zoo.tuning.tuner import run_search

        run_search(plan, splits)


def check_installed() -> None:
    """Raises ImportError unless the packages of the extra `tune` are installed."""
    for module, package in (("keras_tuner", "keras-tuner"), ("tensorboard",) * 2):
        if importlib.util.find_spec(module) is None:
            raise ImportError(
                f"A search needs the package {package}: pip install -e '.[tune]'. "
                "Accepted: keras-tuner>=1.4.8,<1.5 and tensorboard. "
                "Received: no such package."
            )


def make_plan(
    models: Sequence[str],
    splits,
    *,
    folder: str | Path,
    trials: int,
    algorithm: str,
    objective: str | None,
    max_time: float | None,
    ranges: Mapping[str, Range] | None,
    fixed: Mapping | None,
    only: Sequence[str],
    budget: Mapping[str, float] | None,
    seed: int,
    processes: bool | None,
    reevaluate: int = 0,
    family: str | None = None,
) -> Plan:
    """Returns the plan of a search, with all of its arguments checked; see `search`.

    `family` names the family that trains the models, by default that of the registry.
    The search uses three of its methods: `objectives`, `trial` and `score`.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(
            f"`algorithm` must be one of {', '.join(ALGORITHMS)}. "
            f"Received: {algorithm!r}."
        )
    for name, value in (("trials", trials), ("max_time", max_time)):
        if value is not None and not value > 0:
            raise ValueError(f"`{name}` must be above 0. Received: {value!r}.")
    if isinstance(reevaluate, bool) or not (
        isinstance(reevaluate, int) and reevaluate >= 0
    ):
        raise ValueError(
            "`reevaluate` must be a number of trials. Accepted: a whole number of at "
            f"least 0, where 0 trains none again. Received: {reevaluate!r}."
        )
    searched = searched_space(models, ranges, fixed, only)
    names = [name for name, _ in searched.parameters]
    if algorithm == "hyperband" and "epochs" in names:
        raise ValueError(
            "`epochs` cannot be searched by Hyperband, which sets them. Accepted: a "
            f"fixed value, or another algorithm. Received: ranges of {names}."
        )
    if not len(splits.valid):
        raise ValueError(
            "`splits` must have a validation part, on which trials are compared. "
            "Received: an empty one."
        )
    family = family or family_of(searched.models[0]).name
    accepted = get_family(family).objectives(splits)
    chosen = Objective(objective or accepted[0])
    chosen.check(accepted)
    if processes is None:
        processes = trials > _LONG or max_time is not None
    return Plan(
        Path(folder),
        searched,
        chosen,
        algorithm,
        trials,
        max_time,
        parse_budget(budget or {}),
        seed,
        processes,
        family,
        reevaluate,
    )
