"""How much of the texts a model reads, and how much of that it can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.text import TextPipeline
from zoo.text.vocabulary import UNKNOWN

_ALL = 10**6  # tokens; no text has more


@dataclass(frozen=True)
class Coverage:
    """Of one part of a data set.

    Args:
        texts: number of texts.
        cut: of those that are longer than the model reads.
        tokens: number of tokens in all of the texts.
        read: of those that the model reads.
        unknown: of those read that have no entry in the vocabulary and no pieces: the
            model cannot tell them apart.
    """

    texts: int
    cut: int
    tokens: int
    read: int
    unknown: int

    def __str__(self) -> str:
        """A sentence about the part, for the first lines of a run."""
        alike = self.unknown / max(self.read, 1)
        said = f"{alike:.2%} of the tokens are unknown and indistinguishable"
        if not self.cut:
            return f"all texts are read to their end; {said}"
        texts = f"{self.cut:,} of {self.texts:,} texts are cut"
        return f"{texts}, {self.read / self.tokens:.1%} of the tokens are read; {said}"


def coverage_of(
    pipeline: TextPipeline, texts: Sequence[str], encoded: Sequence[np.ndarray]
) -> Coverage:
    """Counts what a pipeline makes of some texts.

    Args:
        pipeline: of the model.
        texts: of the part.
        encoded: what `pipeline.encode` gave for them.
    """
    lengths = np.array([len(ids) for ids in encoded], "int64")
    full = np.flatnonzero(lengths >= pipeline.max_length).tolist()
    settings = {**pipeline.summary(), "max_length": _ALL}
    settings.pop("vocab_size")
    whole = TextPipeline(pipeline.vocabulary, **settings) if len(full) else pipeline
    longer = np.array([len(ids) for ids in whole.encode([texts[row] for row in full])])
    more = longer.sum() - lengths[full].sum() if len(full) else 0
    return Coverage(
        texts=len(encoded),
        cut=int((longer > lengths[full]).sum()),
        tokens=int(lengths.sum() + more),
        read=int(lengths.sum()),
        unknown=int(sum(np.count_nonzero(ids == UNKNOWN) for ids in encoded)),
    )
