"""BLEU, and the baselines of a translation model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sacrebleu.metrics import BLEU
from sklearn.feature_extraction.text import TfidfVectorizer

from zoo.data.pairs import Pairs

_CHUNK = 500  # texts compared to all training texts at once


class Bleu(NamedTuple):
    """A score of 0 to 100, and sacrebleu's signature, which records its settings."""

    score: float
    signature: str


def bleu(
    found: Sequence[str],
    references: Sequence[str],
    *,
    tokenized: bool = False,
    lowercase: bool = False,
) -> Bleu:
    """Returns the BLEU of a corpus by sacrebleu.

    Args:
        found: the translations.
        references: the reference of each.
        tokenized: whether to split at white space instead of with sacrebleu's
            tokenizer (`13a`).
        lowercase: whether to lower the case of both.

    Example:
        >>> bleu(["a b c d e"], ["a b c d e"], tokenized=True).score
        100.0
    """
    metric = BLEU(
        tokenize="none" if tokenized else "13a", lowercase=lowercase, force=True
    )
    score = metric.corpus_score(list(found), [list(references)]).score
    return Bleu(round(score, 4), str(metric.get_signature()))


def copies(sources: Sequence[str]) -> list[str]:
    """The baseline that copies the source."""
    return list(sources)


def translation_memory(train: Pairs, sources: Sequence[str]) -> list[str]:
    """Returns for each source the translation of the most similar training source.

    Similarity is the cosine of TF-IDF vectors of words and marks, without case.

    Example:
        >>> translation_memory(Pairs(["a cat", "a dog"], ["eine Katze", "ein Hund"]),
        ...                    ["the dog"])
        ['ein Hund']
    """
    vectorizer = TfidfVectorizer(token_pattern=r"\w+|[^\w\s]", sublinear_tf=True)
    try:
        known = vectorizer.fit_transform(train.sources).T.tocsr()
    except ValueError:  # no words at all
        return [train.targets[0] for _ in sources]
    found = []
    for start in range(0, len(sources), _CHUNK):
        wanted = vectorizer.transform(sources[start : start + _CHUNK])
        places = np.asarray((wanted @ known).argmax(axis=1)).ravel()
        found += [train.targets[place] for place in places]
    return found
