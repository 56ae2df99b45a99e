"""Markdown tables and cells, and JSON-ready numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Returns a table whose first row is the header."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(cells):
        return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths)) + " |"

    rule = ["-" * width for width in widths]
    return "\n".join(line(row) for row in [rows[0], rule, *rows[1:]])


def in_cell(text: str) -> str:
    """Returns text that cannot break a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def without_nan(value):
    """Replaces numbers that are not finite, which JSON lacks, by `None`."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
