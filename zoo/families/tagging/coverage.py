"""Which share of the words a tagger has no entry for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.families.tagging.pipeline import Sentence
from zoo.text.vocabulary import UNKNOWN


@dataclass(frozen=True)
class Coverage:
    """Of one part of a data set.

    Args:
        words: number of words.
        unknown: of those without an entry in the vocabulary: training does not have
            them, or not often enough, and no vector either. Characters alone tell them
            apart.
    """

    words: int
    unknown: int

    @property
    def share(self) -> float:
        return self.unknown / max(self.words, 1)

    def __str__(self) -> str:
        """A sentence about the part, for the first lines of a run."""
        return (
            f"{self.share:.2%} of the words are unknown, and without their characters "
            "indistinguishable"
        )


def coverage_of(sentences: Sequence[Sentence]) -> Coverage:
    """Counts the words, and the unknown ones, of what a pipeline has encoded.

    Example:
        >>> from zoo.families.tagging.pipeline import TaggingPipeline
        >>> pipeline = TaggingPipeline.learn([["to", "Rome"]])
        >>> coverage_of(pipeline.encode([["to", "Bari"], ["ROME", "!"], []]))
        Coverage(words=4, unknown=2)
    """
    read = [np.asarray(sentence.tokens[: sentence.words]) for sentence in sentences]
    return Coverage(
        words=sum(map(len, read)),
        unknown=sum(int(np.count_nonzero(ids == UNKNOWN)) for ids in read),
    )
