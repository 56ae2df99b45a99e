"""Interprets a cell as a text, or as the label of a task."""

from __future__ import annotations

import math
from collections.abc import Collection

from zoo.data.encodings import advice, undecoded
from zoo.data.errors import shorten
from zoo.data.lists import SEPARATOR, parse_list
from zoo.data.values import plain, render

# The spellings of a missing label that pandas accepts, and two more of null and nan.
# An empty cell is always missing.
MISSING = (
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "<NA>",
    "nan",
    "NaN",
    "NAN",
    "-nan",
    "-NaN",
    "null",
    "Null",
    "NULL",
    "None",
)
_NOTHING = "an empty cell if it is missing (--missing sets other spellings)"


class CellError(Exception):
    """A cell that cannot be used: the problem, what is accepted, what was received."""

    def __init__(self, what: str, accepted: str, received) -> None:
        super().__init__(what)
        self.what, self.accepted = what, accepted
        self.received = received if isinstance(received, str) else shorten(received)


def is_blank(cell) -> bool:
    """Returns whether a cell is blank: null, an empty text or white space."""
    if isinstance(cell, (str, bytes)):
        return not cell.strip()
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def read_text_cell(cell) -> str:
    """Returns the text of a cell; a number is formatted, an empty text is kept.

    Raises:
        CellError: for null, lists, NUL characters and undecodable characters.

    Example:
        >>> read_text_cell(3.5)
        '3.5'
    """
    accepted = "a text, possibly empty"
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        raise CellError("the text is missing", accepted, "null")
    if isinstance(cell, bytes):
        try:
            cell = cell.decode("utf-8")
        except UnicodeDecodeError:
            raise CellError("the text is not UTF-8", accepted, cell) from None
    if isinstance(cell, (list, tuple, dict, set)):
        raise CellError("the text is not a string", accepted, shorten(cell))
    text = plain(cell)
    _check_characters(text, "the text")
    return text


def missing_as(cell, missing: Collection[str] = MISSING) -> str | None:
    """Returns the spelling that marks a label as missing, or `None` for a label.

    Args:
        cell: the content of the cell.
        missing: spellings that mean missing, besides null and an empty cell.

    Example:
        >>> missing_as(" NA "), missing_as("  "), missing_as(None), missing_as("no")
        ('NA', '', 'null', None)
    """
    if isinstance(cell, str):
        text = cell.strip()
        return text if not text or text in missing else None
    return "null" if is_blank(cell) else None


def read_label_cell(
    cell, kind: str, missing: Collection[str] = MISSING, separator: str = SEPARATOR
):
    """Returns the label of a cell, or `None` if it is missing.

    Args:
        cell: a `str` from CSV, or any value from JSON or Parquet.
        kind: `"categories"`, `"multilabel"` (`a|b|c`, a list, or a list as JSON, Python
            or NumPy print it; `|` or an empty list means that no label applies) or
            `"regression"`.
        missing: spellings of a missing label; see `missing_as`.
        separator: separates the labels of a multilabel cell.

    Returns:
        Labels as `zoo.data.values.render` writes them, or a float.

    Raises:
        CellError: for a cell that does not hold a label of that kind.

    Example:
        >>> read_label_cell("a|b", "multilabel"), read_label_cell(" ", "regression")
        (('a', 'b'), None)
    """
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if missing_as(cell, missing) is not None:
        return None
    if kind == "regression":
        return _number(cell)
    return _multilabel(cell, separator) if kind == "multilabel" else _category(cell)


def _category(cell) -> str:
    if isinstance(cell, (list, tuple, dict, set)):
        raise CellError("the cell does not hold one label", "one label", shorten(cell))
    label = render(cell)
    _check_characters(label, "the label")
    return label


def _multilabel(cell, separator: str) -> tuple[str, ...]:
    if isinstance(cell, dict):
        accepted = f"a{separator}b{separator}c or a list"
        raise CellError("the cell does not hold a list", accepted, shorten(cell))
    parts = cell
    if not isinstance(cell, (list, tuple)):
        text = plain(cell)
        parts = parse_list(text)
        parts = text.split(separator) if parts is None else parts
    names = [_category(part) for part in parts if not is_blank(part)]
    return tuple(dict.fromkeys(names))


def _number(cell) -> float:
    accepted = f"a finite number such as -1.5, or {_NOTHING}"
    try:
        # float() also reads 1_000, which is no number in a data file.
        if isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell):
            raise ValueError
        value = float(cell)
    except (TypeError, ValueError, OverflowError):
        raise CellError("the label is not a number", accepted, shorten(cell)) from None
    if math.isinf(value):
        raise CellError("the label is not finite", accepted, shorten(cell))
    if math.isnan(value):  # another spelling of NaN, or a decimal NaN
        raise CellError("the label is not a number", accepted, shorten(cell))
    return value


def _check_characters(text: str, what: str) -> None:
    if "\0" in text:
        raise CellError(
            f"{what} holds a NUL character (character {text.index(chr(0)) + 1})",
            "text; for a UTF-16 file encoding='utf-16' (--encoding utf-16)",
            shorten(text),
        )
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        bytes_kept = undecoded(text)
        accepted = f"; or {advice(bytes_kept)}" if bytes_kept else ""
        raise CellError(
            f"{what} holds bytes or half characters that are not Unicode "
            f"(character {error.start + 1})",
            f"valid Unicode{accepted}",
            ascii(text[max(0, error.start - 20) : error.start + 10]),
        ) from None
