"""Engines that run the parts of a job in several processes: Ray."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from importlib.util import find_spec
from secrets import token_hex
from typing import Any

from zoo.api.scoring.job import Engine
from zoo.api.scoring.part import Record, Work

ENGINES = ("ray",)
RETRIES = 3  # of a part whose worker died
_STORE = 80 * 2**20  # bytes of Ray's object store: records of parts are small


def engine_of(name: str, workers: int | None) -> Engine:
    """Returns an engine with so many workers; by default one for each CPU.

    Raises:
        ValueError: for an engine that the zoo does not use.
        ImportError: for one that is not installed.
    """
    if name not in ENGINES:
        why = ""
        if name == "beam":
            why = ", which on one machine did not go on after a worker was killed"
        raise ValueError(
            "`engine` (--engine) must be an engine that the zoo uses. Accepted: "
            f"{', '.join(ENGINES)}. Received: {name}{why}."
        )
    if find_spec("ray") is None:
        raise ImportError(
            "`engine` (--engine) needs the extra `score`. Accepted: pip install -e "
            "'.[score]'. Received: ray, which is not installed."
        )
    return partial(_by_ray, workers=workers or cpus())


def cpus() -> int:
    """Returns the number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _by_ray(
    score: Callable[[Work], Record], works: Sequence[Work], *, workers: int
) -> Iterator[Record]:
    """Yields the records of works as they come, each retried if its worker dies."""
    with _ray(workers) as ray:
        there = max(1, cpus() // workers)
        remote = ray.remote(max_retries=RETRIES)(_in_worker)
        running: list[Any] = []
        for work in works:
            if len(running) == workers:
                yield _next(ray, running)
            running.append(remote.remote(score, work, there))
        while running:
            yield _next(ray, running)


def _in_worker(score: Callable[[Work], Record], work: Work, threads: int) -> Record:
    """Scores in a process that shares the CPUs with the other workers."""
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, str(threads))
    return score(work)


def _next(ray: Any, running: list) -> Record:
    [done], running[:] = ray.wait(running)
    try:
        return ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise (error.cause or error) from None
    except ray.exceptions.RayError as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise RuntimeError(
            "The workers must live until their parts are scored. Accepted: fewer "
            "`workers` (--workers) or `part_rows` (--part-rows), if memory is short. "
            f"Received: {RETRIES + 1} workers died at one part ({lines[0]})."
        ) from None


@contextmanager
def _ray(workers: int) -> Iterator[Any]:
    """Starts Ray on this machine, or joins the cluster that RAY_ADDRESS names."""
    options: dict[str, Any] = {}
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "RAY_ADDRESS" not in os.environ:
        options = {"address": "local", "num_cpus": workers}
        options |= {"include_dashboard": False, "object_store_memory": _STORE}
        if "ray" not in sys.modules:  # which reads this when it is imported
            # Ray listens on all interfaces, and runs what it is sent.
            os.environ.setdefault("RAY_AUTH_MODE", "token")
            os.environ.setdefault("RAY_AUTH_TOKEN", token_hex(32))
    import ray

    with redirect_stdout(sys.stderr):  # Ray says there which workers died
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
        try:
            yield ray
        finally:
            ray.shutdown()
