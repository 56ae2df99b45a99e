"""What callers hand to public methods: texts in any kind of iterable, and numbers.

Pure Python, for the clients of a server as well.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable, Iterator, Mapping

INT32 = 2**31 - 1  # the largest number that the graphs take


def each_text(texts: Iterable, name: str = "texts") -> Iterator[str | bytes]:
    """The texts of an iterable, one after another.

    Args:
        texts: a list, a generator, an open file, an array `[texts]`, a column of a
            table, a string tensor `[texts]` or a dataset of such scalars.
        name: of the argument, for messages.

    Returns:
        An iterator of `str` and `bytes`, which reads `texts` as it goes.

    Raises:
        ValueError: for one text instead of several, a mapping or a table.
        TypeError: for what is no iterable, or, with its place, an item that is no text.

    Example:
        >>> list(each_text(word for word in ("so", b"good")))
        ['so', b'good']
        >>> list(each_text("so good"))
        Traceback (most recent call last):
        ValueError: `texts` must be a list of strings. Received: one str.
    """
    return map(_as_text, each_item(texts, name), _places(name))


def as_texts(texts: Iterable, name: str = "texts") -> list[str | bytes]:
    """`each_text` as a list."""
    return list(each_text(texts, name))


def each_item(
    texts: Iterable, name: str = "texts", accepted: str = "a list of strings"
) -> Iterator:
    """An iterator of anything that stands for several texts; items are not looked at.

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
    elif isinstance(texts, Mapping) or axes != 1:  # which have names, not texts
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
    """An item of a dataset or an Arrow array as what it holds; all else as it is."""
    for method in ("numpy", "as_py"):
        if hasattr(item, method):
            item = getattr(item, method)()
    return item


def _as_text(item, place: str) -> str | bytes:
    item = unwrapped(item)
    if isinstance(item, str):
        return str(item)  # not NumPy's kind of it
    if isinstance(item, bytes):
        return bytes(item)
    raise TypeError(
        f"`{place}` must be `str` or `bytes`. "
        f"Received: {item!r} of type {type(item).__name__}."
    )


def whole(name: str, value, least: int, most: int = INT32) -> int:
    """A whole number of any type, such as those of NumPy, within bounds.

    Raises:
        ValueError: for a number out of the bounds or one that is not whole.

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
    """A number of any type within bounds.

    Raises:
        ValueError: for a number out of the bounds, NaN, or what is no number.

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
    """A NumPy scalar as Python's own number, which JSON takes; all else as it is."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def fold_seed(seed: int) -> int:
    """A seed for libraries that take 31 bits.

    Args:
        seed: any whole number.

    Returns:
        The seed itself where it fits, else a number that its digits decide.

    Example:
        >>> fold_seed(7), fold_seed(2**40) != fold_seed(2**41)
        (7, True)
    """
    seed = operator.index(seed)
    if 0 <= seed <= INT32:
        return seed
    return int.from_bytes(hashlib.sha256(b"%d" % seed).digest()[:4], "big") & INT32
