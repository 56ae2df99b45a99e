"""Several workers on one machine: keras-tuner's chief and workers as processes.

On a cluster the same command runs on every machine, with a shared folder and
keras-tuner's own variables: `KERASTUNER_ORACLE_IP` and `KERASTUNER_ORACLE_PORT` of the
chief, and `KERASTUNER_TUNER_ID`, `chief` for one and a unique name for each worker.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import time

from zoo.tuning.plan import Plan
from zoo.tuning.trial import die_with_parent, log_to

ADDRESS, PORT, ROLE = (
    f"KERASTUNER_{name}" for name in ("ORACLE_IP", "ORACLE_PORT", "TUNER_ID")
)
CHIEF = "chief"
THREADS = "TF_NUM_INTRAOP_THREADS"
RESTARTS = 3  # of all workers together
_ALL_FAILED = 3  # exit code
_POLL = 0.2  # seconds


def role() -> str | None:
    """Returns `"chief"`, `"worker"`, or `None` without the variables of a cluster."""
    if ADDRESS not in os.environ:
        return None
    return CHIEF if CHIEF in os.environ.get(ROLE, "") else "worker"


def threads_of(workers: int) -> str:
    """Returns the value of `TF_NUM_INTRAOP_THREADS` for one of several workers: the
    variable's own if it is set, or an equal share of the cores."""
    cores = max(1, (os.cpu_count() or 1) // workers)
    return os.environ.get(THREADS, str(cores))


def run_workers(plan: Plan, splits, workers: int) -> None:
    """Runs a search with a chief and workers until there are no more trials.

    A worker that dies is restarted, and continues its trial.

    Args:
        plan: plan of the search, whose folder is claimed.
        splits: the data, without a test part.
        workers: their number.

    Raises:
        RuntimeError: if all trials fail, the chief dies, or workers die repeatedly; the
            finished trials are kept.
    """
    context = multiprocessing.get_context("spawn")
    variables = {ADDRESS: "127.0.0.1", PORT: str(_free_port())}
    variables[THREADS] = threads_of(workers)

    def start(name: str):
        own = {**variables, ROLE: name}
        data = None if name == CHIEF else splits
        process = context.Process(target=_run, args=(plan, own, data), name=name)
        process.start()
        return process

    chief = start(CHIEF)
    running, restarts = [start(f"worker{index}") for index in range(workers)], 0
    try:
        while running:
            time.sleep(_POLL)
            if chief.exitcode:
                raise RuntimeError(_died("chief", chief.exitcode))
            for process in [p for p in running if p.exitcode is not None]:
                running.remove(process)
                if process.exitcode == _ALL_FAILED:
                    raise RuntimeError("The first trials all failed; see above.")
                if process.exitcode:
                    restarts += 1
                    if restarts > RESTARTS:
                        raise RuntimeError(_died(process.name, process.exitcode))
                    running.append(start(process.name))
    finally:
        for process in [chief, *running]:
            process.kill()
            process.join()


def _died(name: str, code: int) -> str:
    return (
        f"The {name} of the search ended with exit code {code}. The finished trials "
        "are kept; the same search continues from there."
    )


def _run(plan: Plan, variables: dict, splits) -> None:
    die_with_parent()
    os.environ.update(variables)
    # Our lines go to the terminal; TensorFlow's own messages do not.
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    log_to(plan.folder / f"{variables[ROLE]}.log")
    from zoo.tuning.tuner import AllFailed, run_search

    try:
        run_search(plan, splits)
    except AllFailed as error:
        print(error, file=sys.stderr)
        sys.exit(_ALL_FAILED)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
