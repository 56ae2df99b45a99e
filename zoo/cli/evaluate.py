"""The command `zoo evaluate`: metrics of a trained model on data."""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.cli.data import add_data_arguments, data_arguments


def add_evaluate_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "evaluate",
        help="metrics of a trained model on data",
        description="The data are read as in training, where no option says otherwise.",
    )
    parser.add_argument("folder", type=Path, help="folder of a run")
    add_data_arguments(parser)
    add_unknown_argument(parser)
    parser.set_defaults(command=_evaluate)


def add_unknown_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--unknown-labels",
        choices=("error", "wrong"),
        default="error",
        help="wrong counts rows as wrong whose label training did not know (error)",
    )


def _evaluate(options) -> None:
    from zoo.api.evaluation import evaluate

    unknown = options.unknown_labels
    print(evaluate(options.folder, **data_arguments(options), unknown_labels=unknown))
