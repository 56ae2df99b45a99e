"""Texts that repeat a held-out one: a model must not learn from them."""

from __future__ import annotations

import re
from collections.abc import Iterable

GRAM = 13  # words in a row
_WORD = re.compile(r"\w+")


def grams(text: str) -> set[str]:
    """Returns the runs of 13 words of a text, in lower case.

    Source: Brown et al. 2020, Language Models are Few-Shot Learners, appendix C.

    Example:
        >>> len(grams("one two")), len(grams("a b c d e f g h i j k l m n"))
        (0, 2)
    """
    words = _WORD.findall(text.lower())
    return {" ".join(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)}


class HeldOut:
    """The texts that must stay unseen.

    Args:
        texts: of validation and test parts.

    Example:
        >>> held = HeldOut(["a b c d e f g h i j k l m", "short"])
        >>> held.overlaps("x A b c d e f g h i j k l m!"), held.overlaps("short")
        (True, False)
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._grams = {gram for text in texts for gram in grams(text)}

    def overlaps(self, text: str) -> bool:
        """Returns whether a text shares 13 words in a row with one of them."""
        return not self._grams.isdisjoint(grams(text))
