"""Sentences of plain English text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

SHORTEST, LONGEST, MOST_LETTERS = 3, 48, 400  # words, and letters, of a sentence
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])")


def sentences(lines: Iterable[str]) -> Iterator[str]:
    """Yields the sentences of 3 to 48 words, once each.

    Example:
        >>> list(sentences(["It was late. He left the house. He left the house."]))
        ['It was late.', 'He left the house.']
    """
    seen = set()
    for line in lines:
        for text in _END.split(line.strip()):
            fits = SHORTEST <= len(text.split()) <= LONGEST
            if fits and len(text) <= MOST_LETTERS and text not in seen:
                seen.add(text)
                yield text
