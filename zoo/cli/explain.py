"""The option `--explain` of `zoo predict`: which words moved each answer."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zoo.reporting.explained import is_terminal, print_explained
from zoo.reporting.explanation import Explanation

Explain = Callable[[Sequence[str]], list[dict[str, Explanation]]]


def add_explain_argument(parser: argparse.ArgumentParser) -> None:
    """Adds the option."""
    parser.add_argument(
        "--explain",
        action="store_true",
        help="show which words moved each answer of a classifier: in colours in a "
        "terminal, else under the key `explanation`",
    )


def explainer_of(model: Any) -> Explain:
    """Returns the method of a model that explains texts.

    Raises:
        ValueError: for a model of a family that has none.
    """
    explain = getattr(model, "explain", None)
    if explain is None:
        raise ValueError(
            "`--explain` needs a classifier. Accepted: the folder of a run or of an "
            "export of one. Received: a model of the family "
            f"{getattr(model, 'family', type(model).__name__)!r}."
        )
    return explain


def check_no_server(explain: bool) -> None:
    """Raises a `ValueError` if a running server is asked to explain."""
    if explain:
        raise ValueError(
            "`--explain` has no meaning beside `--server`. Accepted: the folder of a "
            "run or of an export. Received: both."
        )


def as_record(explained: Mapping[str, Explanation] | None) -> dict:
    """Returns what a line of JSON also holds if its answers are explained."""
    if explained is None:
        return {}
    found = {name: explanation.to_json() for name, explanation in explained.items()}
    return {"explanation": found}


def shown(sides: Sequence[str], explained: Mapping[str, Explanation]) -> bool:
    """Prints the explanations of a text if standard output is a terminal."""
    if not is_terminal():
        return False
    print_explained(sides, explained)
    return True
