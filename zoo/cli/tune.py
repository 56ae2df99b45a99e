"""`zoo tune`: its options, and what it does with them.

Pure Python until the search begins: help loads no TensorFlow.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from zoo.api.start import load_tensorflow
from zoo.cli.data import add_data_arguments, add_part_arguments, data_arguments
from zoo.reporting.terminal import shell_command
from zoo.tuning.searching import ALGORITHMS, check_installed

_SECONDS = {"s": 1, "m": 60, "h": 3600, "": 1}


def add_tune_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    tune = commands.add_parser(
        "tune",
        help="search settings and architecture, report on it, export the best",
        description="Searches the ranges that `zoo describe MODEL` lists. The same "
        "command goes on with a search that was stopped or killed; --trials, "
        "--max-time and --workers may then be larger. Needs keras-tuner and "
        "tensorboard: pip install 'keras-text-zoo[tune]'.",
        epilog="On a cluster, run the same command everywhere with a shared --out, and "
        "set KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT to the chief's address "
        "and KERASTUNER_TUNER_ID to `chief` for one and to names of their own for the "
        "workers.",
    )
    tune.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="a name from `zoo list`; among several the search chooses",
    )
    add_data_arguments(tune)
    add_part_arguments(tune)
    tune.add_argument("--out", type=Path, help="folder of the search (runs/tune-MODEL)")
    tune.add_argument("--trials", type=int, default=30, help="at most this many (30)")
    tune.add_argument(
        "--algorithm",
        choices=ALGORITHMS,
        default=ALGORITHMS[0],
        help=f"{ALGORITHMS[0]}, unless you say otherwise",
    )
    tune.add_argument(
        "--max-time",
        type=duration,
        metavar="TIME",
        help="such as 30m, 2h or 90s: no trial begins later, the last epoch is cut",
    )
    tune.add_argument(
        "--objective",
        help="score of the validation part: mean (over the tasks), accuracy, macro_f1, "
        "micro_f1, r2, f1, perplexity, or TASK:METRIC",
    )
    tune.add_argument(
        "--range",
        nargs="+",
        default=[],
        metavar="KEY=RANGE",
        dest="ranges",
        help="instead of the model's, or a further one: units=64:256 (whole numbers), "
        "units=64:256:x2, units=64:256:32, learning_rate=1e-4:1e-2:log, "
        "batch_size=16,32",
    )
    tune.add_argument(
        "--fix",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        dest="fixed",
        help="settings and builder arguments that do not vary, as for train --set",
    )
    tune.add_argument(
        "--only", nargs="+", default=[], metavar="KEY", help="search these and --range"
    )
    tune.add_argument(
        "--budget",
        nargs="+",
        default=[],
        metavar="KEY=LIMIT",
        help="parameters=2e6 and latency=5ms (of one text, exported)",
    )
    tune.add_argument("--workers", type=int, default=1, help="trials at a time (1)")
    where = tune.add_mutually_exclusive_group()
    where.add_argument(
        "--processes",
        action="store_true",
        default=None,
        help="each trial in a process of its own: memory stays flat (in searches of "
        "more than 10 trials or with --max-time)",
    )
    where.add_argument("--in-process", action="store_false", dest="processes")
    tune.add_argument(
        "--retrain",
        action="store_true",
        help="train the best again, on training and validation part",
    )
    tune.add_argument("--seed", type=int, help="of split, search and training (0)")
    tune.add_argument(
        "--export",
        type=Path,
        default=Path("saved_models"),
        metavar="FOLDER",
        help="exported to FOLDER/MODEL/VERSION (saved_models)",
    )
    tune.add_argument("--no-export", action="store_true")
    tune.add_argument(
        "--dry-run", action="store_true", help="list the space and some first trials"
    )
    tune.set_defaults(command=_tune)


def _tune(options) -> None:
    from zoo.api.searching import tune
    from zoo.families.catalogue import parse_pairs
    from zoo.models._search_space import parse_range
    from zoo.tuning.objective import parse_budget

    check_installed()
    ranges = {name: parse_range(text) for name, text in pairs(options.ranges)}
    fixed = parse_pairs(options.fixed)
    budget = parse_budget(options.budget)
    if options.dry_run:
        _show(ranges, fixed, options)
        return
    name = "-".join(dict.fromkeys(options.models))
    found = tune(
        options.models,
        **data_arguments(options),
        out=options.out,
        trials=options.trials,
        algorithm=options.algorithm,
        objective=options.objective,
        max_time=options.max_time,
        ranges=ranges,
        fixed=fixed,
        only=options.only,
        budget=budget,
        seed=options.seed or 0,
        workers=options.workers,
        processes=options.processes,
        retrain=options.retrain,
        export=None if options.no_export else options.export / name,
    )
    if found is None:  # a worker of a cluster
        return
    print(found.summary)
    print(f"Report: {found.folder / 'report.md'}")
    events = found.folder / "tensorboard"
    print(f"HParams: {shell_command('tensorboard', '--logdir', events)}")
    if found.exported is not None:
        print(f"Exported and checked: {found.exported.parent}")
    command = shell_command("zoo", "predict", values=[found.folder])
    print(f"Predict with it: {command}")


def _show(ranges, fixed, options) -> None:
    """The space, and what the first trials would be."""
    from zoo.models._search_space import as_json
    from zoo.tuning.oracles import drawn
    from zoo.tuning.searched import searched_space

    searched = searched_space(options.models, ranges, fixed, options.only)
    load_tensorflow()
    print("Space:")
    for name, line in searched.describe().items():
        print(f"  {name}: {line}")
    print("Fixed:", " ".join(f"{k}={as_json(v)}" for k, v in searched.fixed.items()))
    print("First trials:")
    for values in drawn(options.algorithm, searched, options.seed or 0, 5):
        print(" ", " ".join(f"{key}={as_json(value)}" for key, value in values.items()))


def pairs(texts: list[str]) -> list[tuple[str, str]]:
    """`KEY=TEXT` cut in two."""
    for text in texts:
        if "=" not in text:
            raise ValueError(f"Ranges must read KEY=RANGE. Received: {text!r}.")
    cut = (text.partition("=") for text in texts)
    return [(key, range_) for key, _, range_ in cut]


def duration(text: str) -> float:
    """Seconds of `30m`, `2h`, `90s` or `90`.

    Example:
        >>> duration("30m"), duration("1.5h")
        (1800.0, 5400.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(
            f"must be a time above 0 such as 30m, 2h or 90s; received {text!r}"
        )
    return float(found[1]) * _SECONDS[found[2]]
