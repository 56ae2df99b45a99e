"""Cells that hold lists of labels, in the requested form or in another."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

SEPARATOR = "|"
_OTHERS = (",", ";", "|", "/", "\t", "\n")
_BRACKETS = ("[]", "()", "{}")
# Content of the brackets of a list that Python or NumPy printed.
_PRINTED = re.compile(
    r"""\s*(?:(?P<item>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*,?\s*)""", re.DOTALL
)


class ListForm(NamedTuple):
    """How cells seem to be separated, in how many rows, with an example."""

    separator: str
    rows: int
    example: str


def parse_list(text: str) -> list | None:
    """Returns the list that a cell holds as JSON, or as Python or NumPy print it.

    Example:
        >>> parse_list('["a", "b"]'), parse_list("['a' 'b']"), parse_list("a, b")
        (['a', 'b'], ['a', 'b'], None)
    """
    text = text.strip()
    if text[:1] + text[-1:] not in _BRACKETS:
        return None
    if text[0] == "[":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
    inside, items, place = text[1:-1], [], 0
    while place < len(inside):
        found = _PRINTED.match(inside, place)
        if not found:
            return None
        items.append(ast.literal_eval(found["item"]))
        place = found.end()
    return items or None


def list_form(cells: Mapping[str, int], known: str | None = None) -> ListForm | None:
    """Returns the separator by which cells look like lists, or `None`.

    They do if most cells with that separator have parts that also occur in other
    cells, so that `"Smith, John"` alone is no list.

    Args:
        cells: the number of rows of each different cell.
        known: the separator in use.

    Example:
        >>> list_form({"late, lost": 2, "late": 9, "lost": 5})
        ListForm(separator=',', rows=2, example='late, lost')
    """
    best = None
    for separator in _OTHERS:
        if separator == known:
            continue
        parts = {cell: _parts(cell, separator) for cell in cells}
        counts = Counter(part for found in parts.values() for part in found)
        lists = [cell for cell, found in parts.items() if len(found) > 1]
        likely = [
            cell
            for cell in lists
            if 2 * sum(counts[part] > 1 for part in parts[cell]) >= len(parts[cell])
        ]
        if not likely or 2 * len(likely) < len(lists):
            continue
        found = ListForm(separator, sum(cells[c] for c in likely), min(likely))
        if best is None or found.rows > best.rows:
            best = found
    return best


def _parts(cell: str, separator: str) -> set[str]:
    parts = {part.strip() for part in cell.split(separator)} - {""}
    if separator == "/" and all(part.isdigit() for part in parts):
        return {cell}  # a date or a fraction
    return parts
