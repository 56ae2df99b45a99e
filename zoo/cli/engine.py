"""`zoo predict --engine`: tables of any size, in parts, by several processes."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from zoo.api.opening import Opened
from zoo.api.scoring.engines import cpus, engine_of
from zoo.api.scoring.job import Engine, Scored, asked_of, score_files
from zoo.cli.answer import Answer
from zoo.cli.common import positive

_LINES = 10  # about the progress, where there is no terminal


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options to the parser of `zoo predict`."""
    group = parser.add_argument_group(
        "millions of texts, in parts (--data FILES --out FOLDER; docs/scale.md)"
    )
    group.add_argument(
        "--engine", metavar="ray", help="what runs the workers: ray (extra `score`)"
    )
    group.add_argument(
        "--workers", type=positive, metavar="N", help="processes (default: the CPUs)"
    )
    group.add_argument(
        "--part-rows",
        type=positive,
        metavar="N",
        help="rows of a part (10000)",
    )
    group.add_argument(
        "--compare",
        action="store_true",
        help="measure one process too, on a sample",
    )


def engine_asked(options) -> Engine | None:
    """Returns the engine of the options, if one is asked for.

    Raises:
        ValueError: for options that do not fit each other, or another engine.
        ImportError: for an engine that is not installed.
    """
    if not options.engine:
        if options.data and len(options.data) > 1:
            raise ValueError(
                "`--data` must be one file. Accepted: more with --engine ray and --out "
                f"FOLDER. Received: {len(options.data)} files."
            )
        for name in ("workers", "part_rows", "compare"):
            if value := getattr(options, name):
                option = name.replace("_", "-")
                raise ValueError(
                    f"`--{option}` needs --engine. Accepted: --engine ray. Received: "
                    f"--{option}{'' if value is True else f' {value}'}."
                )
        return None
    unknown = ("server", "explain", "texts", "encoding")
    others = [name for name in unknown if getattr(options, name)]
    others += ["quotes"] if options.quotes is not None else []
    if others or not options.data or options.out is None:
        missing = [f"no --{n}" for n in ("data", "out") if not getattr(options, n)]
        raise ValueError(
            "`--engine` scores tables. Accepted: a folder, --data FILES --out FOLDER, "
            "in UTF-8, without --server, --explain and texts. Received: "
            f"{', '.join([*others, *missing])}."
        )
    return engine_of(options.engine, options.workers)


def scored(options, engine: Engine, opened: Opened, columns: str | list[str]) -> Answer:
    """Scores the tables of the options, and shows how far it is."""
    text = [columns] if isinstance(columns, str) else columns
    asked = asked_of(
        opened,
        options.folder,
        [Path(path) for path in options.data],
        text,
        trust=options.trust,
        part_rows=options.part_rows,
    )
    with _Progress() as progress:
        done = score_files(
            opened,
            asked,
            options.out,
            engine,
            compare=options.compare,
            tell=progress.tell,
            say=lambda line: print(line, file=sys.stderr),
        )
    return _answer(done, options.out, options.workers or cpus())


def _answer(done: Scored, out: Path, workers: int) -> Answer:
    speed = done.now / done.seconds if done.now else None
    at_once = min(workers, done.parts)
    running = done.now / done.busy * at_once if done.now else None
    found = {
        "folder": out,
        "parts": done.parts,
        "rows": done.rows,
        "bad": done.bad,
        "rows_a_second": speed,
        "rows_a_second_running": running,
        "rows_a_second_alone": done.alone,
    }
    lines = [f"{out}: {done.rows:,} rows in {done.parts:,} parts"]
    if done.bad:
        lines.append(f"{out / 'bad.jsonl'}: {done.bad:,} rows set aside")
    if speed is None or running is None:
        lines.append("All parts were finished before.")
    else:
        several = "1 worker" if workers == 1 else f"{workers} workers"
        lines.append(
            f"{speed:,.0f} rows a second with {several}; {running:,.0f} "
            "without their start"
        )
    if done.alone is not None:
        lines.append(f"{done.alone:,.0f} rows a second in one process, without start")
    return Answer(found, "\n".join(lines))


class _Progress:
    """Says on standard error how many rows are done: in a terminal on one line."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._calls = self._first = self._told = 0
        self._begun = 0.0

    def tell(self, done: int, total: int | None) -> None:
        """Takes the number of rows done and, if known, that of all rows."""
        line = f"{done:,} rows" if total is None else f"{done:,} of {total:,} rows"
        now = time.monotonic()
        seconds = now - self._begun
        if self._calls < 2:  # the start of the workers does not count
            self._calls += 1
            self._begun, self._first = now, done
        elif seconds and done > self._first:
            speed = (done - self._first) / seconds
            line += f", {speed:,.0f} rows a second"
            if total is not None and total > done:
                line += f", {_time((total - done) / speed)} left"
        if self._live:
            print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)
        elif total is None or done * _LINES // max(1, total) > self._told:
            self._told = done * _LINES // max(1, total or 1)
            print(line, file=sys.stderr, flush=True)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_) -> None:
        if self._live and self._calls:
            print(file=sys.stderr)


def _time(seconds: float) -> str:
    """Returns a time in one unit.

    Example:
        >>> _time(59), _time(600), _time(40_000)
        ('59 s', '10 min', '11 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
