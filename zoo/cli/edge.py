"""The options of `zoo export RUN --edge RUNTIME`, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.cli.answer import Answer
from zoo.cli.data import add_data_arguments
from zoo.edge import AUTO, DEFAULT_LENGTH, RUNTIMES


def add_edge_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `zoo export` for devices."""
    edge = parser.add_argument_group("export for a device (docs/edge.md)")
    edge.add_argument(
        "--edge",
        choices=(*RUNTIMES, AUTO),
        help="write a model of token ids for this runtime; auto: the fastest",
    )
    edge.add_argument(
        "--length",
        type=int,
        help=f"tokens read per text (default: the model's, at most {DEFAULT_LENGTH})",
    )
    edge.add_argument(
        "--int8", action="store_true", help="also write 8-bit weights; needs --data"
    )
    data = parser.add_argument_group("labelled data for --edge, as in zoo evaluate")
    add_data_arguments(data)


def check_edge_options(options) -> None:
    """Rejects options that apply only to the other kind of export."""
    given = {
        "--length": options.length is not None,
        "--int8": options.int8,
        "--data": options.data is not None,
    }
    for option, is_given in given.items():
        if is_given and not options.edge:
            raise ValueError(
                f"`{option}` applies only to an export for a device. Accepted: --edge "
                f"{' or --edge '.join((*RUNTIMES, AUTO))} as well. "
                f"Received: {option} alone."
            )
    if options.edge and options.keep is not None:
        raise ValueError(
            "`--keep` does not apply with --edge: an export for a device has no "
            f"versions. Accepted: no --keep. Received: --keep {options.keep}."
        )
    if options.int8 and options.data is None:
        raise ValueError(
            "`--int8` needs labelled data, to measure the effect of 8-bit weights. "
            "Accepted: --data with a name from `zoo list --data` or a file. "
            "Received: no --data."
        )


def edge_answer(folder: Path) -> Answer:
    """Sizes, times, differences and metrics of an export for a device."""
    from zoo.edge.model import read_metadata
    from zoo.edge.report import summary

    found = {"folder": folder, "files": read_metadata(folder)["files"]}
    return Answer(found, summary(folder))
