"""Renders a label in the same way whatever its format and type."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

_WHOLE = re.compile(r"(-?(?:0|[1-9]\d*))\.0+")
_TRUTH = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?"
)
_BETWEEN_WORDS = re.compile(r"(?<=\w)[-_\s]+(?=\w)")


def plain(value) -> str:
    """Returns the text of a cell's value; whole numbers stored as floats stay whole.

    Example:
        >>> plain(1.0), plain(True), plain(" 1.0")
        ('1', 'true', ' 1.0')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _without_fraction(str(value))


def of_memory(value, short: str = ""):
    """A value of a Python program as readers of files give it.

    Args:
        value: also a scalar or an array of NumPy or pandas, or a tensor.
        short: name of the type of few digits that a float had in its column.

    Returns:
        `None`, a `bool`, `int`, `float`, `str`, `bytes`, `list` or `dict`, or another
        object as it is.

    Example:
        >>> import numpy
        >>> of_memory(numpy.float32(0.1)), of_memory(float("nan")), of_memory((1, None))
        (0.1, None, [1, None])
    """
    if value is None or isinstance(value, (str, bytes, bool, int)):
        return value
    if type(value).__name__ in ("NAType", "NaTType"):  # of pandas
        return None
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple)):
        return [of_memory(item) for item in value]
    if hasattr(value, "numpy"):  # a tensor
        value = value.numpy()
    if getattr(value, "ndim", 0):
        return [of_memory(item) for item in value]
    kind = short or str(getattr(value, "dtype", ""))
    if kind.startswith("datetime"):
        return str(value)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        if value != value:
            return None
        return _short(value, kind) if kind in ("float16", "float32") else value
    return value


def _short(value: float, kind: str) -> float:
    """The number of fewest digits that has the same value in 16 or 32 bits."""
    import numpy as np  # at first use: lists and help load none

    return float(str(getattr(np, kind)(value)))


def render(value) -> str:
    """Returns the label that a value stands for, the same from every format.

    * A whole number has no fraction: `1`, `1.0` and `"1.0"` are `1`.
    * Truth values are written as in JSON: `True` and `"TRUE"` are `true`.
    * A time is `2024-01-31 10:30:00`, with its zone if it has one, and a midnight
      without a zone is the date alone.
    * Text is composed (Unicode NFC), without surrounding white space.

    Args:
        value: the content of a cell: a text from CSV, any value from JSON or Parquet.

    Example:
        >>> [render(value) for value in (1, 1.0, "1.0", "1.50", "01", True, "TRUE")]
        ['1', '1', '1', '1.50', '01', 'true', 'true']
        >>> render("2024-01-31T00:00:00.000"), render("2024-01-31T10:30Z")
        ('2024-01-31', '2024-01-31 10:30:00+00:00')
    """
    text = plain(value).strip()
    if not text.isascii():
        return unicodedata.normalize("NFC", text)
    if time := _TIME.fullmatch(text):
        return _time(*time.groups())
    return _TRUTH.get(text) or _without_fraction(text)


def look_alikes(labels: Iterable[str]) -> list[list[str]]:
    """Groups labels that a reader would take for the same.

    They differ in case, white space, hyphens, invisible characters, compatible forms,
    a final punctuation mark, or in how a number is written.

    Example:
        >>> look_alikes(["Up", "UP", "down", "1", "01", "due  now", "due-now."])
        [['UP', 'Up'], ['01', '1'], ['due  now', 'due-now.']]
    """
    groups = defaultdict(list)
    for label in labels:
        groups[_fold(label)].append(label)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def as_number(label: str) -> float | None:
    """Returns the finite number that a label stands for, or `None`."""
    try:
        number = float(label)
    except ValueError:
        return None
    return number if "_" not in label and abs(number) < float("inf") else None


def _without_fraction(text: str) -> str:
    whole = _WHOLE.fullmatch(text)
    if not whole:
        return text
    return "0" if whole[1] == "-0" else whole[1]


def _time(date: str, minutes: str, seconds, fraction, zone) -> str:
    seconds, fraction = seconds or ":00", (fraction or "").rstrip("0")
    if not zone and not fraction and minutes + seconds == "00:00:00":
        return date
    zone = "+00:00" if zone == "Z" else zone or ""
    if len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{date} {minutes}{seconds}{'.' if fraction else ''}{fraction}{zone}"


def _fold(label: str) -> str:
    number = as_number(label)
    if number is not None:
        return repr(number)
    text = unicodedata.normalize("NFKC", label).casefold()
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = _BETWEEN_WORDS.sub(" ", " ".join(text.split()))
    return text.rstrip(".,;:!? ").strip("\"'\u2018\u2019\u201c\u201d") or label
