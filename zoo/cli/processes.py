"""Options of a training in several processes, and the processes on one machine."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from zoo.cli.common import positive
from zoo.families import family_of

_BROKEN = ("Gloo", "UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "NCCL")  # in errors
# Whose whole command was tried in several processes.
FAMILIES = ("language", "classification")
_TOLD = 2  # exit status of a process that has printed its error
GRACE = 20.0  # seconds that processes have to end once one of them has failed


def add_distribution_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options to the parser of `zoo train`."""
    group = parser.add_argument_group("several processes (KERAS_BACKEND=jax)")
    group.add_argument(
        "--distribute",
        choices=("data", "model"),
        help="data: every process has the model and a share of each batch; model: "
        "the processes share the experts, the vocabulary and the groups of G-LSTMs",
    )
    group.add_argument(
        "--processes", type=positive, metavar="N", help="number of processes"
    )
    group.add_argument(
        "--replicas",
        type=positive,
        default=1,
        metavar="N",
        help="with model: copies of the model, which share each batch (default: 1)",
    )
    group.add_argument(
        "--coordinator",
        metavar="HOST:PORT",
        help="address of the first process, on this machine or another (default: "
        "start all processes here)",
    )
    group.add_argument(
        "--rank", type=int, metavar="R", help="number of this process, from 0"
    )


def check_distribution(options, settings: Mapping) -> None:
    """Raises a `ValueError` for options that do not fit each other.

    Args:
        options: those of `zoo train`.
        settings: settings of the training.
    """
    for name in ("processes", "coordinator", "rank"):
        if getattr(options, name) is not None and not options.distribute:
            raise ValueError(
                f"`--{name}` needs --distribute. Accepted: --distribute data or "
                f"--distribute model. Received: --{name} {getattr(options, name)}."
            )
    if options.distribute and (options.model == "auto" or options.fine_tune):
        given = "auto" if options.model == "auto" else "--fine-tune"
        raise ValueError(
            "`--distribute` trains one model, on all its tasks. Accepted: a name from "
            f"`zoo list`, without --fine-tune. Received: {given}."
        )
    if options.distribute and (family := family_of(options.model).name) not in FAMILIES:
        raise ValueError(
            f"`--distribute` trains models of these families: {', '.join(FAMILIES)}. "
            f"Received: {options.model}, of the family {family}."
        )
    if options.distribute and options.stream:
        raise ValueError(
            "`--stream` must be omitted with --distribute: one process writes the rows "
            "that it reads. Accepted: one of the two. Received: both."
        )
    if options.distribute and settings.get("minutes") is not None:
        raise ValueError(
            "`minutes` must be omitted with --distribute: the clocks of processes "
            f"differ. Accepted: `epochs`. Received: minutes={settings['minutes']!r}."
        )
    if (options.coordinator is None) != (options.rank is None):
        raise ValueError(
            "`--coordinator` and `--rank` belong together. Accepted: both, with "
            "--processes, or neither, to start all processes here. "
            f"Received: --coordinator {options.coordinator}, --rank {options.rank}."
        )


@contextmanager
def as_one_process(options) -> Iterator[None]:
    """Lets the block train as one of several processes.

    An error ends the process at once: at its usual end JAX would wait for the others.
    """
    if options.coordinator is not None:
        _keep_standard_output()
    try:
        with _distributed(options):
            yield
    except Exception as error:
        if options.coordinator is None:
            raise
        if os.environ.get("ZOO_TRACEBACK"):
            traceback.print_exc()
        print(f"zoo: error: {_explained(error)}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_TOLD)


def _keep_standard_output() -> None:
    """Leaves standard output to Python: gloo announces each connection there."""
    sys.stdout.flush()
    own, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    sys.stdout = os.fdopen(
        own, "w", encoding=sys.stdout.encoding, errors="backslashreplace"
    )


def _distributed(options):
    try:
        import jax  # noqa: F401
    except ModuleNotFoundError as error:
        raise ImportError(
            f"`--distribute` needs the extra `jax`: pip install -e '.[jax]'. "
            f"Received: {error}."
        ) from None
    from zoo.training.distributed.context import distributed

    return distributed(
        options.distribute,
        processes=options.processes or 1,
        rank=options.rank or 0,
        coordinator=options.coordinator,
        replicas=options.replicas,
    )


def _explained(error: Exception) -> str:
    """Returns the message of an error; JAX's, if another process is gone, is long."""
    said = str(error)
    if not any(word in said for word in _BROKEN):
        return said
    return (
        "All processes must run until the training ends. Accepted: the same command "
        "again, also with another number of processes: it continues from the last "
        f"finished epoch. Received: {said.splitlines()[0][:300]}"
    )


def starts_here(options) -> bool:
    """Returns whether the command is to start the processes rather than be one."""
    several = options.processes is not None and options.processes > 1
    return bool(options.distribute) and several and options.coordinator is None


def start_all(arguments: Sequence[str], count: int) -> None:
    """Runs a command as so many processes on this machine, and waits for them.

    The first one has this process's streams. The others are silent; the last lines of
    one that fails are in the error.

    Args:
        arguments: arguments of `zoo`.
        count: number of processes.

    Raises:
        RuntimeError: if one of them fails; the others are ended within `GRACE` seconds.
        SystemExit: if the first one fails with an error, which it has printed.
    """
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        address = f"127.0.0.1:{_free_port()}"
        outputs = [Path(folder, str(rank)) for rank in range(count)]
        with _running(arguments, address, outputs) as processes:
            failed = _wait(processes)
            if failed is None:
                return
            _end(processes)
            if failed == 0 and processes[0].returncode == _TOLD:
                raise SystemExit(_TOLD)
            raise RuntimeError(_reason(processes, failed, outputs))


@contextmanager
def _running(
    arguments: Sequence[str], address: str, outputs: Sequence[Path]
) -> Iterator[list[subprocess.Popen]]:
    """Starts the processes; none is left when the block ends."""
    processes: list[subprocess.Popen] = []
    try:
        for rank, output in enumerate(outputs):
            processes.append(_start(arguments, address, rank, output))
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()


def _start(arguments, address: str, rank: int, output: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "zoo.cli", *arguments]
    command += ["--coordinator", address, "--rank", str(rank)]
    # On a machine with several accelerators each process has one.
    environment = {**os.environ, "JAX_LOCAL_DEVICE_IDS": str(rank)}
    stream: IO | None = None
    with output.open("wb") as silent:
        if rank:
            stream = silent
        return subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)


def _wait(processes: Sequence[subprocess.Popen]) -> int | None:
    """Returns the first process that failed, or `None` when all have ended well."""
    while True:
        codes = [process.poll() for process in processes]
        for rank, code in enumerate(codes):
            if code:
                return rank
        if None not in codes:
            return None
        time.sleep(0.1)


def _end(processes: Sequence[subprocess.Popen]) -> None:
    """Lets the processes notice the failure, then terminates them, then kills them."""
    limit = time.monotonic() + GRACE
    while time.monotonic() < limit - GRACE / 2:
        if all(process.poll() is not None for process in processes):
            return
        time.sleep(0.1)
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(max(0.1, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()


def _reason(processes, failed: int, outputs: Sequence[Path]) -> str:
    code = processes[failed].returncode
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    said = outputs[failed].read_text("utf-8", "replace").strip().splitlines()
    lines = [line for line in said if line.startswith("zoo: error: ")] or said[-3:]
    told = "".join(f"\n  {line}" for line in lines)
    return (
        f"All {len(processes)} processes must run until the training ends; the others "
        "were ended. Accepted: the same command again, also with another number of "
        "processes: it continues from the last finished epoch. Received: process "
        f"{failed} ended with {how}.{told}"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
