"""Normalisation of characters in pure Python: the key of equal texts."""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate

APOSTROPHES = "\u2018\u2019\u02bc"
# Format characters and those that Unicode ignores by default: soft hyphen,
# zero-width space and joiner, byte-order mark, variation selectors, fillers.
_IGNORED = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]+"
)
# Control characters and separators.
_SPACES = re.compile(
    "[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
)
_BESIDE_MARK = re.compile(r" (?:(?!\w)|(?<!\w ))")
_APOSTROPHE = re.compile(f"[{APOSTROPHES}]")


def text_key(text: str) -> str:
    """Returns the key by which texts count as copies of each other.

    It is the normal form that a model reads (`zoo.text.normalize`; a test compares the
    two): NFKC, folded case, no format characters, plain apostrophes, and one space for
    every run of white space and control characters. A space next to a mark is ignored,
    because the mark is a token of its own either way.

    Args:
        text: any Python string.

    Returns:
        The key.

    Example:
        >>> text_key(" Ｇood\\tFILM !") == text_key("good \u200bfilm!")
        True
        >>> text_key("Don\u2019t")
        "don't"
    """
    if text.isascii():
        text = text.lower()
    else:
        text = unicodedata.normalize("NFKC", joined_surrogates(text)).casefold()
        text, gone = _IGNORED.subn("", unicodedata.normalize("NFKC", text))
        if gone:  # the neighbours may compose now
            text = unicodedata.normalize("NFKC", text)
        text = _APOSTROPHE.sub("'", text)
    if not text.isprintable():
        text = _SPACES.sub(" ", text)
    return _BESIDE_MARK.sub("", " ".join(text.split()))


def joined_surrogates(text: str) -> str:
    """Joins pairs of surrogates, and replaces each lone one by U+FFFD.

    Example:
        >>> joined_surrogates("\\ud83d\\ude00") == "\\U0001f600"
        True
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def letters_before(text: bytes) -> list[int]:
    """Returns how many characters begin before each byte of UTF-8, and before its end.

    Example:
        >>> letters_before("\u00e9a".encode())
        [0, 1, 1, 2]
    """
    return list(accumulate((byte & 0xC0 != 0x80 for byte in text), initial=0))
