"""What a cell means: a text, or the label of a task."""

from __future__ import annotations

import math

from zoo.data.errors import shorten

MISSING = ("", "nan", "null")  # a label cell with one of these, in any case, is missing


class CellError(Exception):
    """A cell that cannot be used: what is wrong, what is accepted, what stood there."""

    def __init__(self, what: str, accepted: str, received) -> None:
        super().__init__(what)
        self.what, self.accepted = what, accepted
        self.received = received if isinstance(received, str) else shorten(received)


def read_text_cell(cell) -> str:
    """The text of a cell; a number becomes its text, an empty text stays.

    Raises:
        CellError: for null, lists, NUL characters, and undecodable characters.

    Example:
        >>> read_text_cell(3.5)
        '3.5'
    """
    accepted = "a text, which may be empty"
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        raise CellError("the text is missing", accepted, "null")
    if isinstance(cell, bytes):
        try:
            cell = cell.decode("utf-8")
        except UnicodeDecodeError:
            raise CellError("the text is not UTF-8", accepted, cell) from None
    if isinstance(cell, (list, tuple, dict, set)):
        raise CellError("the text is no text", accepted, shorten(cell))
    text = _plain(cell)
    _check_characters(text, "the text")
    return text


def read_label_cell(cell, kind: str):
    """The label of a cell, `None` where it is missing.

    Args:
        cell: a `str` from CSV, or any value from JSON or Parquet.
        kind: `"categories"`, `"multilabel"` (`a|b|c` or a list; `|` or an empty list
            says that no label holds) or `"regression"`.

    Raises:
        CellError: for a cell that is no label of that kind.

    Example:
        >>> read_label_cell("a|b", "multilabel"), read_label_cell(" ", "regression")
        (('a', 'b'), None)
    """
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, str) and cell.strip().lower() in MISSING:
        return None
    return {
        "categories": _category,
        "multilabel": _multilabel,
        "regression": _number,
    }[kind](cell)


def _category(cell) -> str:
    if isinstance(cell, (list, tuple, dict, set)):
        raise CellError("the label is no single label", "one label", shorten(cell))
    label = _plain(cell).strip()
    _check_characters(label, "the label")
    return label


def _multilabel(cell) -> tuple[str, ...]:
    if isinstance(cell, dict):
        raise CellError("the labels are no list", "a|b|c or a list", shorten(cell))
    parts = cell if isinstance(cell, (list, tuple)) else _plain(cell).split("|")
    names = [_category(part) for part in parts if part is not None]
    return tuple(dict.fromkeys(name for name in names if name))


def _number(cell) -> float:
    accepted = "a finite number, or an empty cell where it is missing"
    try:
        # float() also reads 1_000, which no data file means.
        if isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell):
            raise ValueError
        value = float(cell)
    except (TypeError, ValueError, OverflowError):
        raise CellError("the label is no number", accepted, shorten(cell)) from None
    if math.isnan(value):
        return None
    if math.isinf(value):
        raise CellError("the label is not finite", accepted, shorten(cell))
    return value


def _plain(cell) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    # Tables keep whole numbers with gaps as floats: 1.0 means the label 1.
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    return str(cell)


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
        raise CellError(
            f"{what} holds bytes or half characters that are not Unicode "
            f"(character {error.start + 1})",
            "valid Unicode; or the file's true encoding, e.g. encoding='latin-1' "
            "(--encoding latin-1)",
            ascii(text[max(0, error.start - 20) : error.start + 10]),
        ) from None
