"""Trains the best trials of a search again, with new seeds.

Each training has a folder beside `trials/`, so that a call after a kill continues it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping

from zoo.training.kept import read_json, write_json
from zoo.tuning.plan import ORACLE, Plan, remedy
from zoo.tuning.trial import FAILED, LATE, Job, in_processes, read_result, run_trial
from zoo.tuning.workers import THREADS, threads_of

SEEDS = 2  # new ones for each trial
FOLDER, CLOCK = "reevaluated", "reevaluated.json"


def retrained(
    plan: Plan, splits, results: Mapping[str, Mapping], workers: int = 1
) -> dict[str, list[Job]]:
    """Trains the candidates of a search with new seeds, as far as the time lasts.

    Args:
        plan: plan of a search whose trials have ended.
        splits: the data, without a test part.
        results: results of the trials.
        workers: trainings that run at once.

    Returns:
        By trial its trainings, whose folders hold the results of those that ended.
    """
    before = _spent(plan, CLOCK)
    deadline = None
    if plan.seconds is not None:
        deadline = time.monotonic() + plan.seconds - _spent(plan, ORACLE) - before
    names = plan.candidates(results)
    jobs = {name: _jobs(plan, name, results[name], deadline) for name in names}
    # In turns, so that every trial has a new seed before one has two.
    turns = range(max(map(len, jobs.values()), default=0))
    ordered = [own[turn] for turn in turns for own in jobs.values() if turn < len(own)]
    missing = [job for job in ordered if not _is_kept(job)]
    began = time.monotonic()
    for job, result in _run(plan, missing, splits, workers):
        spent = before + time.monotonic() - began
        write_json(plan.folder / CLOCK, {"spent": spent})
        _say(plan, job, result)
        if result["status"] == LATE:
            continue
        shutil.rmtree(job.folder / "checkpoints", ignore_errors=True)
        if job.settings["seed"] != results[_trial_of(job)]["settings"]["seed"]:
            shutil.rmtree(job.folder / "model", ignore_errors=True)
    return jobs


def _spent(plan: Plan, name: str) -> float:
    """Returns the seconds that a file of the search states."""
    path = plan.folder / name
    return read_json(path, remedy(plan.folder))["spent"] if path.exists() else 0.0


def _jobs(plan: Plan, name: str, result: Mapping, deadline: float | None) -> list[Job]:
    """Returns the trainings of a candidate: with new seeds, and with that of the search
    as well if that training was cut short or its model was removed."""
    settings = dict(result["settings"])
    seed, again = settings["seed"], []
    if plan.cut_short(result):
        settings["epochs"] = plan.epochs
    if plan.cut_short(result) or not (plan.trials_folder / name / "model").exists():
        again = [seed]
    return [
        Job(
            plan.folder / FOLDER / f"{name}-seed{one}",
            plan.family,
            result["model"],
            {**settings, "seed": one},
            result["keywords"],
            plan.objective.name,
            deadline=deadline,
            whole=True,
        )
        for one in [*again, *range(seed + 1, seed + 1 + SEEDS)]
    ]


def _trial_of(job: Job) -> str:
    return job.folder.name.partition("-")[0]


def _is_kept(job: Job) -> bool:
    """Returns whether a training has a result; that of another one is removed."""
    kept = read_result(job.folder)
    if kept is None:
        return False
    same = kept["settings"] == job.settings and kept["keywords"] == job.keywords
    if not same or kept["model"] != job.model:
        shutil.rmtree(job.folder)
        return False
    return True


def _run(plan: Plan, jobs: list[Job], splits, workers: int) -> Iterator:
    """Runs jobs that begin before the deadline; yields each with its result."""
    timely = (
        job for job in jobs if job.deadline is None or time.monotonic() < job.deadline
    )
    if workers > 1 or plan.processes:
        with _cores(workers):
            yield from in_processes(timely, splits, workers)
        return
    import keras

    for job in timely:
        yield job, run_trial(job, splits)
        keras.backend.clear_session()


@contextlib.contextmanager
def _cores(workers: int) -> Iterator[None]:
    """Gives each process its share of the cores."""
    given = os.environ.get(THREADS)
    if workers > 1:
        os.environ[THREADS] = threads_of(workers)
    try:
        yield
    finally:
        if given is None:
            os.environ.pop(THREADS, None)


def _say(plan: Plan, job: Job, result: Mapping) -> None:
    """Prints one line for a training, and the traceback of a failure."""
    text = result["status"]
    if result["objective"] is not None:
        text = f"{plan.objective.name} {result['objective']:.4f}"
    line = f"trial {_trial_of(job)} again, seed {job.settings['seed']}: {text}"
    print(line, file=sys.stderr, flush=True)
    if result["status"] == FAILED:
        print(result["error"]["traceback"], file=sys.stderr, flush=True)
