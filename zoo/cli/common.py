"""Types of options that several commands share."""

from __future__ import annotations

import argparse
import re

_SECONDS = {"s": 1, "m": 60, "h": 3600, "": 1}


class OneOrMore(argparse.Action):
    """Stores a value, or a list of all values where the option is repeated."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        before = getattr(namespace, self.dest)
        if before is not None:
            values = [*([before] if isinstance(before, str) else before), values]
        setattr(namespace, self.dest, values)


def add_trust_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds the option of commands that load models of others."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help=f"load {what} whose operations reach files, network or Python",
    )


def positive(text: str) -> int:
    """The type of an option that takes a positive whole number."""
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(
            f"must be a whole number of at least 1. Received: {text}"
        )
    return int(text)


def duration(text: str) -> float:
    """Seconds of `30m`, `2h`, `90s` or `90`.

    Example:
        >>> duration("30m"), duration("1.5h")
        (1800.0, 5400.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(
            f"must be a time above 0, such as 30m, 2h or 90s; received {text!r}"
        )
    return float(found[1]) * _SECONDS[found[2]]
