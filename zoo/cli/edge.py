"""`zoo export RUN --edge litert|onnx`: its options, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.cli.data import add_data_arguments
from zoo.edge import DEFAULT_LENGTH, RUNTIMES


def add_edge_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo export` for devices."""
    edge = parser.add_argument_group("for a device (docs/edge.md)")
    edge.add_argument(
        "--edge", choices=RUNTIMES, help="a model of token ids, for this runtime"
    )
    edge.add_argument(
        "--length",
        type=int,
        help=f"tokens of a text that are read (the model's, at most {DEFAULT_LENGTH})",
    )
    edge.add_argument(
        "--int8", action="store_true", help="also with weights in 8 bits; needs --data"
    )
    data = parser.add_argument_group("labelled data for --edge, as for zoo evaluate")
    add_data_arguments(data)


def check_edge_options(options) -> None:
    """Refuses options that the other kind of export does not read."""
    given = {
        "--length": options.length is not None,
        "--int8": options.int8,
        "--data": options.data is not None,
    }
    for option, is_given in given.items():
        if is_given and not options.edge:
            raise ValueError(
                f"`{option}` must stand beside --edge. Accepted: --edge "
                f"{' or --edge '.join(RUNTIMES)}. Received: {option} alone."
            )
    if options.edge and options.keep is not None:
        raise ValueError(
            "`--keep` must be for versions, which an export for a device has not. "
            f"Accepted: no --keep. Received: --keep {options.keep}."
        )
    if options.int8 and options.data is None:
        raise ValueError(
            "`--int8` needs labelled data, to show what 8 bits change. Accepted: "
            "--data with a name from `zoo list --data` or a file. Received: no --data."
        )


def print_edge(folder: Path) -> None:
    """Prints sizes, times, differences and metrics of an export for a device."""
    from zoo.edge.report import summary

    print(summary(folder))
