"""The command `zoo tune`: its options and what it prints.

It is pure Python until the search begins: help loads no TensorFlow.
"""

from __future__ import annotations

from pathlib import Path

from zoo.api.start import load_tensorflow
from zoo.cli.answer import Answer
from zoo.cli.common import duration
from zoo.cli.data import add_data_arguments, add_part_arguments, data_arguments
from zoo.reporting.terminal import shell_command
from zoo.tuning.searching import ALGORITHMS, SearchResult, check_installed


def add_tune_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    tune = commands.add_parser(
        "tune",
        help="search settings and architecture, report, and export the best model",
        description="Searches the ranges that `zoo describe MODEL` lists. Running the "
        "same command again continues a search that was stopped or killed, also with "
        "larger --trials, --max-time and --workers. Needs keras-tuner and tensorboard: "
        "pip install -e '.[tune]'.",
        epilog="On a cluster, run the same command on every machine, with a shared "
        "--out. Set KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT to the chief's "
        "address, and KERASTUNER_TUNER_ID to `chief` on one machine and to a unique "
        "name on each worker.",
    )
    tune.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="name from `zoo list`; with several, the search chooses among them",
    )
    add_data_arguments(tune)
    add_part_arguments(tune)
    tune.add_argument(
        "--out", type=Path, help="search folder (default: runs/tune-MODEL)"
    )
    tune.add_argument(
        "--trials", type=int, default=30, help="maximum number of trials (default: 30)"
    )
    tune.add_argument(
        "--algorithm",
        choices=ALGORITHMS,
        default=ALGORITHMS[0],
        help=f"search algorithm (default: {ALGORITHMS[0]})",
    )
    tune.add_argument(
        "--max-time",
        type=duration,
        metavar="TIME",
        help="such as 30m, 2h or 90s; the last 30 %% are for --reevaluate, and before "
        "that no trial starts and the current epoch stops",
    )
    tune.add_argument(
        "--objective",
        help="validation score to optimise: mean (over the tasks), accuracy, macro_f1, "
        "micro_f1, r2, f1, perplexity, or TASK:METRIC",
    )
    tune.add_argument(
        "--range",
        nargs="+",
        default=[],
        metavar="KEY=RANGE",
        dest="ranges",
        help="ranges that replace or extend the model's: units=64:256 (whole numbers), "
        "units=64:256:x2, units=64:256:32, learning_rate=1e-4:1e-2:log, "
        "batch_size=16,32",
    )
    tune.add_argument(
        "--fix",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        dest="fixed",
        help="settings and builder arguments to hold fixed, as for train --set",
    )
    tune.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="KEY",
        help="search these and --range only",
    )
    tune.add_argument(
        "--budget",
        nargs="+",
        default=[],
        metavar="KEY=LIMIT",
        help="limits: parameters=2e6, latency=5ms (per text, exported)",
    )
    tune.add_argument(
        "--workers", type=int, default=1, help="trials run at once (default: 1)"
    )
    where = tune.add_mutually_exclusive_group()
    where.add_argument(
        "--processes",
        action="store_true",
        default=None,
        help="run each trial in its own process, which bounds memory (default: with "
        "more than 10 trials or --max-time)",
    )
    where.add_argument("--in-process", action="store_false", dest="processes")
    tune.add_argument(
        "--reevaluate",
        type=int,
        default=3,
        metavar="K",
        help="train the best K trials and the defaults with two new seeds, and choose "
        "by the mean over the seeds (default: 3; 0: choose by the first scores)",
    )
    tune.add_argument(
        "--retrain",
        action="store_true",
        help="retrain the best model on the training and validation parts",
    )
    tune.add_argument("--seed", type=int, help="random seed (default: 0)")
    tune.add_argument(
        "--export",
        type=Path,
        default=Path("saved_models"),
        metavar="FOLDER",
        help="export to FOLDER/MODEL/VERSION (default: saved_models)",
    )
    tune.add_argument("--no-export", action="store_true")
    tune.add_argument(
        "--dry-run", action="store_true", help="print the space and some first trials"
    )
    tune.set_defaults(command=_tune)


def _tune(options) -> Answer | None:
    from zoo.api.searching import tune
    from zoo.families.catalogue import parse_pairs
    from zoo.models._search_space import parse_range
    from zoo.tuning.objective import parse_budget

    check_installed()
    ranges = {name: parse_range(text) for name, text in pairs(options.ranges)}
    fixed = parse_pairs(options.fixed)
    budget = parse_budget(options.budget)
    if options.dry_run:
        return _shown(ranges, fixed, options)
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
        reevaluate=options.reevaluate,
        retrain=options.retrain,
        export=None if options.no_export else options.export / name,
    )
    if found is None:  # a worker of a cluster
        return None
    return _answer(found)


def _answer(found: SearchResult) -> Answer:
    report, events = found.folder / "report.md", found.folder / "tensorboard"
    command = shell_command("zoo", "predict", values=[found.folder])
    lines = [
        found.summary,
        f"Report: {report}",
        f"HParams: {shell_command('tensorboard', '--logdir', events)}",
    ]
    if found.exported is not None:
        lines.append(f"Exported and checked: {found.exported.parent}")
    document = {
        "model": found.model,
        "trial": found.trial,
        "settings": found.settings,
        "keywords": found.keywords,
        "objective": found.objective,
        "scores": found.test,
        "trials": found.trials,
        "folder": found.folder,
        "report": report,
        "exported": found.exported,
        "next": command,
    }
    return Answer(document, [*lines, f"Predict with it: {command}"])


def _shown(ranges, fixed, options) -> Answer:
    """Returns the space and what the first trials would be."""
    from zoo.models._search_space import as_json
    from zoo.tuning.oracles import drawn
    from zoo.tuning.searched import searched_space

    searched = searched_space(options.models, ranges, fixed, options.only)
    load_tensorflow()
    space = searched.describe()
    trials = [*drawn(options.algorithm, searched, options.seed or 0, 5)]

    def line(values) -> str:
        return " ".join(f"{key}={as_json(value)}" for key, value in values.items())

    return Answer(
        {"space": space, "fixed": searched.fixed, "first_trials": trials},
        [
            "Space:",
            *(f"  {name}: {range_}" for name, range_ in space.items()),
            f"Fixed: {line(searched.fixed)}",
            "First trials:",
            *(f"  {line(values)}" for values in trials),
        ],
    )


def pairs(texts: list[str]) -> list[tuple[str, str]]:
    """Splits `KEY=TEXT` into pairs."""
    for text in texts:
        if "=" not in text:
            raise ValueError(f"A range must read KEY=RANGE. Received: {text!r}.")
    cut = (text.partition("=") for text in texts)
    return [(key, range_) for key, _, range_ in cut]
