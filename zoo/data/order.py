"""Parts of a text whose lines continue each other."""

from __future__ import annotations

from zoo.data.errors import DataError
from zoo.data.examples import Examples
from zoo.data.parts import Splits


def in_order(
    text: Examples, valid: Examples | None = None, test: Examples | None = None
) -> Splits:
    """Returns parts whose lines stay in their order, and without gaps.

    A part that is not given is a tenth of the lines: the test part the last, the
    validation part those before it. Lines that occur twice, such as headings, stay.

    Args:
        text: the lines.
        valid: the validation part.
        test: the test part.

    Raises:
        DataError: if no line is left for a part.

    Example:
        >>> parts = in_order(Examples(list("abcdefghij"), {}))
        >>> "".join(parts.train.texts), parts.valid.texts, parts.test.texts
        ('abcdefgh', ['i'], ['j'])
    """
    missing = [part for part in (valid, test) if part is None]
    tenth = max(1, len(text) // 10)
    left = len(text) - tenth * len(missing)
    if left < 1:
        raise DataError(
            "A text needs a line for each part. Accepted: "
            f"{len(missing) + 1} lines or more. Received: {len(text)}."
        )
    train = text.select(range(left))
    train.skipped = list(text.skipped)
    if valid is None:
        valid = text.select(range(left, left + tenth))
    if test is None:
        test = text.select(range(len(text) - tenth, len(text)))
    notes = ["The parts that were not given are the last lines, 10 % each, in order."]
    return Splits(train, valid, test, notes=notes if missing else [])
