"""Types of options that several commands share."""

from __future__ import annotations

import argparse


def positive(text: str) -> int:
    """The type of an option that takes a positive whole number."""
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(
            f"must be a whole number of at least 1. Received: {text}"
        )
    return int(text)
