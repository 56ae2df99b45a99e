"""One trial: the training of a model and its validation scores, in one folder.

This module loads no TensorFlow: a separate process imports what its family needs.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Any

from zoo.families import get_family
from zoo.text.writing import Unwritten
from zoo.training.history import best_epoch
from zoo.training.kept import intact, read_json, write_json
from zoo.tuning.objective import Objective

RESULT = "result.json"
DONE, FAILED, OVER, LATE = "done", "failed", "over budget", "out of time"
_UNWRITTEN = 74  # exit code of a process that could not write: EX_IOERR of sysexits.h


class OverBudget(Exception):
    """The model exceeds the budget; it was not trained.

    Args:
        parameters: its number of parameters.
    """

    def __init__(self, parameters: int) -> None:
        super().__init__(f"{parameters:,} parameters")
        self.parameters = parameters


class OutOfTime(Exception):
    """The deadline cut a training that counts only as a whole; it has no result."""


@dataclass(frozen=True)
class Job:
    """The definition of a trial.

    Args:
        folder: its folder, for checkpoints, the trained model and the result.
        family: name of the family that trains the models.
        model: name of the model.
        settings: settings that differ from the model's defaults.
        keywords: arguments of the model's builder.
        objective: name of the objective.
        budget: limits by name.
        deadline: `time.monotonic()` at which the training stops, or `None`.
        parent: folder of the trial whose training this one continues, or `None`.
        whole: whether the training counts only as a whole: at the deadline it stops
            without a result, and continues from its last epoch when it runs again.
    """

    folder: Path
    family: str
    model: str
    settings: Mapping
    keywords: Mapping
    objective: str = "mean"
    budget: Mapping | None = None
    deadline: float | None = None
    parent: Path | None = None
    whole: bool = False


def read_result(folder: Path) -> dict | None:
    """Returns the result of a finished trial, or `None`."""
    path = folder / RESULT
    remedy = f"Remove the folder {folder}; the search then continues without it."
    if not path.exists():
        return None
    result = read_json(path, remedy)
    with intact(path, remedy):
        if missing := {"status", "objective"} - set(result):
            raise KeyError(*sorted(missing))
    return result


def run_trial(job: Job, splits) -> dict:
    """Trains, scores and writes the result; a failure is a result too.

    Args:
        job: the trial. It continues from checkpoints in its folder or its parent's.
        splits: the data; the test part is not used.

    Returns:
        The content of `result.json`: `status`, `objective`, `scores`, `parameters`,
        `latency` of the exported model in milliseconds per text, `epochs`,
        `best_epoch` from 1, `seconds` of training, `memory` of the process in MB, and
        the `error` of a failure. Out of time, there is only a `status` and no file.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    results: dict = {
        "model": job.model,
        "settings": dict(job.settings),
        "keywords": dict(job.keywords),
        "objective": None,
        "parent": job.parent and job.parent.name,
    }
    try:
        results.update(_trained(job, splits))
    except OverBudget as over:
        results.update(status=OVER, parameters=over.parameters)
    except OutOfTime:
        return {"status": LATE, "objective": None}
    except Unwritten:  # a full disk says nothing about the trial
        raise
    except Exception as error:  # of any kind: the search continues without this trial
        results.update(status=FAILED, error=_described(error))
    results["wall"] = time.perf_counter() - start
    results["memory"] = _peak_memory()
    write_json(job.folder / RESULT, results)
    return results


def _trained(job: Job, splits) -> dict:
    family = get_family(job.family)
    checkpoints = job.folder / "checkpoints"
    if job.parent is not None and not checkpoints.exists():
        # Only one trial continues another, so the files need no copy. A parent that
        # failed has none.
        with contextlib.suppress(FileNotFoundError):
            os.rename(job.parent / "checkpoints", checkpoints)
    text_model, history = family.trial(
        job.model,
        splits,
        job.settings,
        job.keywords,
        folder=checkpoints,
        callbacks=_callbacks(job),
    )
    scores = family.score(text_model, splits, "valid")
    value = scores.get(job.objective, math.nan)
    if not math.isfinite(value):
        raise ValueError(
            f"The objective {job.objective!r} must be a finite number on the "
            "validation part; the data may leave it undefined. Accepted: another "
            f"objective, if there is one among these scores. Received: {scores}."
        )
    text_model.save(job.folder / "model")
    results = {
        "status": DONE,
        "objective": value,
        "scores": scores,
        "parameters": text_model.model.count_params(),
        "epochs": len(history),
        "best_epoch": best_epoch(history),
        "curve": [logs["score"][0] for logs in history],
        "seconds": sum(logs["seconds"] for logs in history),
    }
    limit = (job.budget or {}).get("latency")
    if limit is not None:
        from zoo.tuning.latency import served_latency  # it loads TensorFlow

        with tempfile.TemporaryDirectory(dir=job.folder) as place:
            exported = family.export(text_model, splits, place)
            results["latency"] = served_latency(exported, splits.valid.texts)
        if results["latency"] > limit:
            results["status"] = OVER
    return results


def in_process(job: Job, splits) -> dict:
    """Runs `run_trial` in a separate process, whose memory is freed at its end.

    Its output goes to `log.txt`. A process that was killed is a failed trial; it ends
    with this process.
    """
    [(_, result)] = in_processes([job], splits, 1)
    return result


def in_processes(jobs: Iterable[Job], splits, most: int) -> Iterator[tuple[Job, dict]]:
    """Runs jobs as `in_process` does, and yields each with its result as it ends.

    Args:
        jobs: the jobs; each is taken when it can start.
        splits: the data.
        most: maximum number of processes at once.
    """
    context = multiprocessing.get_context("spawn")
    waiting = iter(jobs)
    running: dict[Any, tuple[Job, Any]] = {}
    try:
        while True:
            while len(running) < most and (job := next(waiting, None)) is not None:
                job.folder.mkdir(parents=True, exist_ok=True)
                process = context.Process(target=_process, args=(job, splits))
                process.start()
                running[process.sentinel] = job, process
            if not running:
                return
            for sentinel in connection.wait(list(running)):
                job, process = running.pop(sentinel)
                process.join()
                yield job, _result_of(job, process.exitcode)
    finally:
        for _, process in running.values():
            process.kill()
            process.join()


def _result_of(job: Job, code: int | None) -> dict:
    """Returns what a process has written, or the failure of one that was killed."""
    result = read_result(job.folder)
    if result is not None:
        return result
    if code == _UNWRITTEN:
        raise Unwritten(
            f"{job.folder} must be written whole. Accepted: a place with room for it. "
            f"Received: what the end of {job.folder / 'log.txt'} says."
        )
    if job.whole and code == 0:
        return {"status": LATE, "objective": None}
    why = f"exit code {code}"
    if code is not None and code < 0:
        why = f"signal {-code}; out of memory, or killed"
    message = f"The process of the trial ended without a result: {why}."
    text = f"{message} Its output is in {job.folder / 'log.txt'}"
    result = {
        "model": job.model,
        "settings": dict(job.settings),
        "keywords": dict(job.keywords),
        "objective": None,
        "status": FAILED,
        "parent": job.parent and job.parent.name,
        "error": {"kind": message, "traceback": text},
    }
    write_json(job.folder / RESULT, result)
    return result


def _process(job: Job, splits) -> None:
    die_with_parent()
    log_to(job.folder / "log.txt")
    try:
        run_trial(job, splits)
    except Unwritten as error:
        print(error, file=sys.stderr)
        sys.exit(_UNWRITTEN)


def log_to(path: Path) -> None:
    """Redirects all output of this process, also from C++, to the end of a file."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)


def die_with_parent() -> None:
    """Ends this process when its parent has ended, for any reason.

    A keyboard interrupt is handled by the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None  # only processes of `multiprocessing` call this
    sentinel = parent.sentinel

    def watch() -> None:
        connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def objective_for_oracle(objective: Objective, result: Mapping, others: list) -> float:
    """Returns the value that the oracle receives for a result.

    A trial that failed, or exceeds a budget, gets the worst value of all, so that the
    oracle avoids it and Hyperband never continues it.

    Args:
        objective: objective of the search.
        result: result of the trial.
        others: results of all trials.
    """
    if result["status"] == DONE:
        return objective.for_oracle(result["objective"])
    known = [
        objective.for_oracle(r["objective"]) for r in others if r["status"] == DONE
    ]
    if not known:
        return 0.0 if not objective.minimise else 100.0
    return max(known) if objective.minimise else min(known)


def _callbacks(job: Job) -> list:
    limit = (job.budget or {}).get("parameters")
    if limit is None and job.deadline is None:
        return []
    from zoo.tuning.callbacks import Limits  # it loads Keras

    return [Limits(limit, job.deadline, whole=job.whole)]


def _described(error: BaseException) -> dict:
    """Returns the traceback, and a key that identifies the kind of failure."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return {
        "kind": f"{type(error).__name__} at {last.filename}:{last.lineno}",
        "traceback": "".join(traceback.format_exception(error)),
    }


def _peak_memory() -> float:
    """Returns the peak memory of this process, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
