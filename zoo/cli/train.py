"""The command `zoo train`: trains a model, writes its report and exports it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cli.answer import Answer
from zoo.cli.common import duration
from zoo.cli.data import add_data_arguments, add_part_arguments, data_arguments
from zoo.cli.processes import (
    add_distribution_arguments,
    as_one_process,
    check_distribution,
    start_all,
    starts_here,
)
from zoo.cli.serve import add_export_arguments, after_export
from zoo.reporting.terminal import shell_command
from zoo.text.pairs import SEPARATOR

if TYPE_CHECKING:
    from zoo.families.run import Run


def add_train_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    train = commands.add_parser(
        "train", help="train a model, write its report and export it for TF Serving"
    )
    train.add_argument(
        "model", help="a name from `zoo list`, or auto: the best of a few classifiers"
    )
    add_data_arguments(train)
    add_part_arguments(train)
    train.add_argument(
        "--stream",
        action="store_true",
        help="leave the training rows of --data, a file or a folder of files, on disk: "
        "for data larger than memory (classifiers)",
    )
    add_training_arguments(train, "runs/MODEL")
    train.add_argument(
        "--teacher",
        metavar="FILE",
        help="for an encoder: ONNX file of the sentence encoder that it learns from",
    )
    train.add_argument(
        "--tokenizer",
        dest="teacher_tokenizer",
        metavar="FILE",
        help="the teacher's tokenizer.json (default: the one beside --teacher)",
    )
    train.add_argument(
        "--max-time",
        type=duration,
        metavar="TIME",
        help="with auto: start no model after TIME, such as 30m, 2h or 90",
    )
    train.add_argument(
        "--tensorboard", type=Path, metavar="FOLDER", help="write event files to FOLDER"
    )
    train.add_argument(
        "--fine-tune", action="store_true", help="then train on each task alone"
    )
    add_distribution_arguments(train)
    train.set_defaults(command=_train)


def add_training_arguments(parser: argparse.ArgumentParser, out: str) -> None:
    """Adds the options of every command that trains one model; `out` is for help."""
    parser.add_argument("--out", type=Path, help=f"run folder (default: {out})")
    parser.add_argument(
        "--export",
        type=Path,
        default=Path("saved_models"),
        metavar="FOLDER",
        help="export to FOLDER/MODEL/VERSION (default: saved_models)",
    )
    parser.add_argument("--no-export", action="store_true", help="train only")
    add_export_arguments(parser)
    parser.add_argument(
        "--seed", type=int, help="seed of split and training (default: 0)"
    )
    parser.add_argument("--epochs", type=int, help="maximum number of epochs")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument(
        "--max-length", type=int, help="tokens read per text (classifiers)"
    )
    parser.add_argument(
        "--from",
        dest="weights",
        metavar="WEIGHTS",
        help="what to start from: the word vectors english or glove-en, none, or auto, "
        "which takes glove-en if it covers most training words (default: auto; none "
        "for language and translation models); or the folder of a run of the same "
        "model, to continue from with other words and labels",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="other settings, and arguments of the model's builder, as JSON values: "
        'units=64 sampling=uniform \'class_weights={"label": "balanced"}\'',
    )


def training_arguments(options) -> dict:
    """What the options say of the settings, as arguments of `zoo.train`."""
    names = ("seed", "epochs", "batch_size", "learning_rate", "max_length")
    given = {name: getattr(options, name) for name in (*names, "weights", "abstain")}
    return {name: value for name, value in given.items() if value is not None}


def _train(options) -> Answer:
    settings = _settings(options)
    check_distribution(options, settings)
    if starts_here(options):
        start_all(options.arguments, options.processes)
        return Answer()
    if not options.distribute:
        return _train_here(options, settings)
    with as_one_process(options):
        return _train_here(options, settings)
    return Answer()  # of a process that left the rest to the first one


def _settings(options) -> dict:
    """Settings, and arguments of the model's builder."""
    from zoo.api.training import AUTO
    from zoo.families.catalogue import parse_overrides, parse_pairs

    keywords: dict = {}
    if options.model == AUTO:
        settings = parse_pairs(options.overrides)
    else:
        settings, keywords = parse_overrides(options.overrides, options.model)
    settings |= training_arguments(options)
    for name in ("teacher", "teacher_tokenizer"):
        if getattr(options, name) is not None:
            settings[name] = getattr(options, name)
    if options.fine_tune:
        settings["fine_tune"] = True
    return settings | keywords


def _train_here(options, settings: Mapping) -> Answer:
    from zoo.api.training import train

    export_to = None if options.no_export else options.export / options.model
    run = train(
        options.model,
        **data_arguments(options),
        out=options.out,
        export=export_to,
        tensorboard=None if options.rank else options.tensorboard,
        max_time=options.max_time,
        verbose=not options.rank,
        **settings,
    )
    if export_to is not None:
        after_export(export_to, options)
    return run_answer(run)


def run_answer(run: Run) -> Answer:
    """Returns where a training left its files, its scores, and what to do next."""
    from zoo.families import get_family

    place = run.folder if run.exported is None else run.exported.parent
    texts = run.prompt.split(SEPARATOR)
    command = shell_command("zoo", "predict", values=(place, *texts))
    family = get_family(run.model.family)  # an ensemble is no registered model
    found = {
        "model": run.model.metadata["name"],
        "folder": run.folder,
        "report": run.report.path,
        "exported": run.exported,
        "scores": run.metrics,
        "next": command,
    }
    return Answer(found, f"{family.next_step}: {command}")
