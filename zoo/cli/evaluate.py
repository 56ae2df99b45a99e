"""The command `zoo evaluate`: computes the metrics of a trained model on data."""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.cli.answer import Answer
from zoo.cli.data import add_data_arguments, data_arguments


def add_evaluate_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "evaluate",
        help="compute the metrics of a trained model on data",
        description="Reads the data as in training, unless options differ.",
    )
    parser.add_argument("folder", type=Path, help="run folder")
    add_data_arguments(parser)
    add_unknown_argument(parser)
    parser.set_defaults(command=_evaluate)


def add_unknown_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--unknown-labels",
        choices=("error", "wrong"),
        default="error",
        help="wrong counts rows with labels unknown to the model as wrong (default: "
        "error)",
    )


def _evaluate(options) -> Answer:
    from zoo.api.evaluation import evaluate

    unknown = options.unknown_labels
    data = data_arguments(options)
    scores = evaluate(options.folder, **data, unknown_labels=unknown)
    return Answer({"folder": options.folder, "scores": scores}, str(scores))
