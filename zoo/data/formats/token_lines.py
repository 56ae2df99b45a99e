"""Sentences of files with one token per line, and an empty line after each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from zoo.data.sentences import Collector


def blocks_of(text: str) -> Iterator[list[tuple[int, str]]]:
    """Yields groups of numbered lines, separated by empty lines."""
    block = []
    # Not `splitlines`, which also splits at characters that a token may hold.
    for line, content in enumerate(re.split("\r\n|\r|\n", text), 1):
        if content.strip(" \t"):
            block.append((line, content))
        elif block:
            yield block
            block = []
    if block:
        yield block


def add_sentence(
    found: Collector, rows: list, token, tags: Mapping, value: Callable
) -> None:
    """Adds the `(line, cells)` of a sentence, unless all were left out."""
    if rows:
        found.add(
            [line for line, _ in rows],
            [cells[token] for _, cells in rows],
            {task: [value(c, place) for _, c in rows] for task, place in tags.items()},
        )
