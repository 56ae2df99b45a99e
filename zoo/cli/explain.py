"""The option `--explain` of `zoo predict`: what explains each answer."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from zoo.api.explaining import Reasons, check_explains, explain
from zoo.reporting.explained import print_explained
from zoo.reporting.inside_lines import attention_lines, expert_lines

Explain = Callable[[Sequence[str]], list[Reasons]]


def add_explain_argument(parser: argparse.ArgumentParser) -> None:
    """Adds the option."""
    parser.add_argument(
        "--explain",
        action="store_true",
        help="show which words moved each answer of a classifier, where a translation "
        "model looked, and which experts a model chose: as lines in a terminal, else "
        "under the keys `explanation`, `attention` and `experts`",
    )


def explainer_of(model: Any) -> Explain:
    """Returns a function from texts to what explains their answers.

    Raises:
        ValueError: for a model whose answers cannot be explained.
    """
    check_explains(model)
    return partial(explain, model)


def check_no_server(explain: bool) -> None:
    """Raises a `ValueError` if a running server is asked to explain."""
    if explain:
        raise ValueError(
            "`--explain` has no meaning beside `--server`. Accepted: the folder of a "
            "run or of an export. Received: both."
        )


def shown(record: dict, reasons: Reasons, line: str) -> Iterator[str]:
    """Yields the lines that explain a text's answers in a terminal.

    Args:
        record: the text or texts, and their `answers`.
        reasons: what explains these.
        line: that stands for the record where no words explain it.
    """
    if reasons.words is None:
        yield line
    else:
        print_explained([v for n, v in record.items() if n != "answers"], reasons.words)
    if reasons.attention is not None:
        yield from attention_lines(reasons.attention)
    if reasons.experts is not None:
        yield from expert_lines(reasons.experts)
