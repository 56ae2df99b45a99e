"""Pairs of texts: two texts as one, with a separator between them.

Readers, splits, tables and graphs pass a pair on as they pass a text. It is pure
Python, for the clients of a server as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from zoo.text.characters import joined_surrogates
from zoo.text.inputs import as_text, each_item, unwrapped

# The unit separator, a control character, which models read as a space: in a text of a
# pair it becomes one.
SEPARATOR = "\x1f"
TextOrPair = str | bytes | Sequence[str | bytes]
INPUTS = ("text", "text_pair")  # of a served model
_ACCEPTED = "a list of pairs (first, second)"


def joined(first: str | bytes, second: str | bytes) -> str | bytes:
    """Returns two texts as one; as bytes if one of them is.

    Example:
        >>> joined("why?", "because\\x1fso")
        'why?\\x1fbecause so'
    """
    if isinstance(first, str) and isinstance(second, str):
        return SEPARATOR.join(text.replace(SEPARATOR, " ") for text in (first, second))
    mark = SEPARATOR.encode()
    return mark.join(_encoded(text).replace(mark, b" ") for text in (first, second))


def sides(text: str) -> tuple[str, str]:
    """Returns the two texts of a pair.

    Example:
        >>> sides("why?\\x1fbecause"), sides("why?")
        (('why?', 'because'), ('why?', ''))
    """
    first, _, second = text.partition(SEPARATOR)
    return first, second


def by_input(texts: Sequence[bytes], pairs: bool) -> dict[str, list[bytes]]:
    """Returns texts, or the two texts of each pair, by the input of a served model.

    Example:
        >>> by_input([b"why?\x1fso", b"how?"], pairs=True)
        {'text': [b'why?', b'how?'], 'text_pair': [b'so', b'']}
    """
    if not pairs:
        return {INPUTS[0]: list(texts)}
    both = [text.partition(SEPARATOR.encode()) for text in texts]
    return {name: [row[2 * n] for row in both] for n, name in enumerate(INPUTS)}


def each_pair(pairs: Iterable, name: str = "texts") -> Iterator[str | bytes]:
    """Yields pairs, each as one text.

    Args:
        pairs: any iterable of `(first, second)`, or of pairs that `joined` made.
        name: name of the argument, for messages.

    Raises:
        ValueError: for one text instead of several pairs.
        TypeError: for an item that is not a pair, with its place.

    Example:
        >>> list(each_pair([("so", "good")])) == [joined("so", "good")]
        True
    """
    for place, item in enumerate(each_item(pairs, name, _ACCEPTED)):
        yield _as_pair(unwrapped(item), f"{name}[{place}]")


def _as_pair(item, place: str) -> str | bytes:
    if isinstance(item, str) and SEPARATOR in item:
        return str(item)
    if isinstance(item, bytes) and SEPARATOR.encode() in item:
        return bytes(item)
    one = isinstance(item, (str, bytes)) or not isinstance(item, Iterable)
    both = [item] if one else list(item)
    if len(both) != 2:
        raise TypeError(
            f"`{place}` must be a pair of texts, as the model learnt from two columns. "
            f"Accepted: (first, second). Received: {item!r}."
        )
    first, second = (as_text(text, f"{place}[{n}]") for n, text in enumerate(both))
    return joined(first, second)


def _encoded(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else joined_surrogates(text).encode("utf-8")
