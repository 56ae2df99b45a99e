"""Arguments of public methods: texts in any kind of iterable, and numbers.

It is pure Python, for the clients of a server as well.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable, Iterator, Mapping

INT32 = 2**31 - 1  # the largest number that graphs accept


def each_text(texts: Iterable, name: str = "texts") -> Iterator[str | bytes]:
    """Yields the texts of an iterable.

    Args:
        texts: a list, a generator, an open file, an array `[texts]`, a column of a
            table, a string tensor `[texts]` or a dataset of such scalars.
        name: name of the argument, for messages.

    Returns:
        An iterator of `str` and `bytes`, which reads `texts` lazily.

    Raises:
        ValueError: for one text instead of several, a mapping or a table.
        TypeError: for a non-iterable, or, with its place, an item that is not a text.

    Example:
        >>> list(each_text(word for word in ("so", b"good")))
        ['so', b'good']
        >>> list(each_text("so good"))
        Traceback (most recent call last):
        ValueError: `texts` must be a list of strings. Received: one str.
    """
    return map(as_text, each_item(texts, name), _places(name))


def as_texts(texts: Iterable, name: str = "texts") -> list[str | bytes]:
    """Returns `each_text` as a list."""
    return list(each_text(texts, name))


def each_item(
    texts: Iterable, name: str = "texts", accepted: str = "a list of strings"
) -> Iterator:
    """Returns an iterator of several texts, whose items are not checked.

    Raises:
        ValueError: see `each_text`.
        TypeError: see `each_text`.
    """
    if hasattr(texts, "numpy"):  # a tensor
        texts = texts.numpy()
    one = isinstance(texts, (str, bytes, bytearray, memoryview))
    axes = getattr(texts, "ndim", 1)
    if one or axes == 0:
        shown = f"one {type(texts).__name__}"
    elif isinstance(texts, Mapping) or axes != 1:  # iterating would give names
        shown = f"a {type(texts).__name__}"
        shown += f" of {axes} axes" if axes != 1 else ""
    elif isinstance(texts, Iterable):
        return iter(texts)
    else:
        raise TypeError(
            f"`{name}` must be {accepted}, or another iterable of them. "
            f"Received: {texts!r} of type {type(texts).__name__}."
        )
    raise ValueError(f"`{name}` must be {accepted}. Received: {shown}.")


def _places(name: str) -> Iterator[str]:
    place = 0
    while True:
        yield f"{name}[{place}]"
        place += 1


def unwrapped(item):
    """Unwraps an item of a dataset or an Arrow array; returns others unchanged."""
    for method in ("numpy", "as_py"):
        if hasattr(item, method):
            item = getattr(item, method)()
    return item


def as_text(item, place: str) -> str | bytes:
    """Returns a text as plain `str` or `bytes`, or raises a `TypeError`."""
    item = unwrapped(item)
    if isinstance(item, str):
        return str(item)  # not NumPy's subclass
    if isinstance(item, bytes):
        return bytes(item)
    raise TypeError(
        f"`{place}` must be `str` or `bytes`. "
        f"Received: {item!r} of type {type(item).__name__}."
    )


def whole(name: str, value, least: int, most: int = INT32) -> int:
    """Returns a whole number of any type, such as NumPy's, within bounds.

    Raises:
        ValueError: for a number that is out of bounds or not whole.

    Example:
        >>> whole("beam", 3, 1)
        3
        >>> whole("beam", 2.5, 1)
        Traceback (most recent call last):
        ValueError: `beam` must be a whole number from 1 to 2147483647. \
Received: beam=2.5.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or not least <= number <= most:
        raise ValueError(
            f"`{name}` must be a whole number from {least} to {most}. "
            f"Received: {name}={value!r}."
        )
    return number


def real(name: str, value, least: float, most: float = float("inf")) -> float:
    """Returns a number of any type within bounds.

    Raises:
        ValueError: for a number out of bounds, NaN, or a value that is not a number.

    Example:
        >>> real("top_p", 1, 0, 1)
        1.0
    """
    try:
        number = float("nan") if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not least <= number <= most:
        raise ValueError(
            f"`{name}` must be a number from {least} to {most}. "
            f"Received: {name}={value!r}."
        )
    return number


def plain(value):
    """Converts a NumPy scalar to Python's type, for JSON; returns others unchanged."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def fold_seed(seed: int) -> int:
    """Folds a seed for libraries that take 31 bits.

    Args:
        seed: any whole number.

    Returns:
        The seed itself if it fits, else a number derived from its digits.

    Example:
        >>> fold_seed(7), fold_seed(2**40) != fold_seed(2**41)
        (7, True)
    """
    seed = operator.index(seed)
    if 0 <= seed <= INT32:
        return seed
    return int.from_bytes(hashlib.sha256(b"%d" % seed).digest()[:4], "big") & INT32
