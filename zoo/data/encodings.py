"""Guesses the encoding of a file from its byte-order mark, NULs and other bytes."""

from __future__ import annotations

import codecs
from collections.abc import Collection

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT = 200  # first bytes, which hold the header
_CONTROLS = range(0x80, 0xA0)  # in Latin-1; cp1252 has printable characters there,
_NOT_CP1252 = {0x81, 0x8D, 0x8F, 0x90, 0x9D}  # except for these


def encoding_of_mark(data: bytes) -> str | None:
    """Returns the codec of a byte-order mark.

    Example:
        >>> encoding_of_mark("a".encode("utf-16")), encoding_of_mark(b"a")
        ('utf-16', None)
    """
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def agrees(mark: str, encoding: str) -> bool:
    """Returns whether a file with the mark of one codec is readable by another.

    Example:
        >>> agrees("utf-16", "UTF-16LE"), agrees("utf-8-sig", "latin-1")
        (True, False)
    """
    return codecs.lookup(encoding).name.startswith(mark.removesuffix("-sig"))


def unmarked_utf16(data: bytes) -> str | None:
    """Returns the codec of UTF-16 without a mark, where every second byte is NUL.

    Example:
        >>> unmarked_utf16("text,label".encode("utf-16-be"))
        'utf-16-be'
    """
    first = data[:_LOOKED_AT]
    even, odd = (first[place::2].count(0) for place in (0, 1))
    if 5 * max(even, odd) < len(first) or 20 * min(even, odd) > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def likely_encoding(unknown: Collection[int]) -> str | None:
    """Returns a Western European codec that has the bytes that are not UTF-8.

    Args:
        unknown: the bytes, from 0x80.

    Returns:
        cp1252 if one of them is a control character in Latin-1, else latin-1; utf-8 if
        there are none; `None` if cp1252 lacks one.

    Example:
        >>> likely_encoding(b"\\x92\\xe9"), likely_encoding(b"\\xe9")
        ('cp1252', 'latin-1')
    """
    if not unknown:
        return "utf-8"
    if not _NOT_CP1252.isdisjoint(unknown):
        return None
    return "cp1252" if any(byte in _CONTROLS for byte in unknown) else "latin-1"


def undecoded(text: str) -> set[int]:
    """Returns the bytes that `surrogateescape` kept in a text."""
    return {ord(c) - 0xDC00 for c in text if "\udc80" <= c <= "\udcff"}


def advice(unknown: Collection[int]) -> str:
    """Returns the advice on the encoding of a file that holds these bytes."""
    codec = likely_encoding(unknown)
    if codec is None:
        return (
            "the file's actual encoding, as encoding= (--encoding), such as "
            "cp1251, shift_jis or gb18030; neither cp1252 nor latin-1, which lack some "
            "of its bytes"
        )
    return (
        f"the file's actual encoding, judging by its bytes perhaps encoding={codec!r} "
        f"(--encoding {codec})"
    )
