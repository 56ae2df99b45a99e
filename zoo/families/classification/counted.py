"""Counts of words and of characters, made once for all candidates of a linear model."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

WORDS = {
    "words": None,  # scikit-learn's own: at least two letters or digits
    "words and marks": re.compile(r"\w+|[^\w\s]").findall,
}


def word_options(words: str) -> dict:
    """Arguments of a vectorizer of scikit-learn for one of `WORDS`, 1 to 2 of them."""
    tokens = WORDS[words]
    kept = {"tokenizer": tokens, "token_pattern": None} if tokens else {}
    return {"ngram_range": (1, 2), **kept}


def character_options() -> dict:
    """Arguments of a vectorizer of scikit-learn for characters within words."""
    return {"analyzer": "char_wb", "ngram_range": (2, 5)}


class Counted:
    """Texts whose words and characters are counted once, on first use.

    TF-IDF features of any of the texts are those of a `TfidfVectorizer` that was fitted
    to the chosen ones: what is counted does not depend on them, only what is kept.

    Args:
        texts: the texts by row.
        rows: sorted numbers of the rows that will be asked for, by default all.
    """

    def __init__(self, texts: Sequence[str], rows: np.ndarray | None = None) -> None:
        self.texts = texts
        self.rows = np.arange(len(texts)) if rows is None else rows
        self._counts: dict[str, csr_matrix] = {}

    def features(
        self,
        words: str,
        characters: bool,
        rows: np.ndarray,
        others: np.ndarray,
        *,
        min_df: int,
        most: int,
    ) -> tuple[csr_matrix, csr_matrix]:
        """TF-IDF features of some rows, and of others with the same weights.

        Args:
            words: one of `WORDS`.
            characters: whether character n-grams count as well.
            rows: row numbers; they define which features are kept, and their weights.
            others: row numbers.
            min_df: minimum number of `rows` with a feature.
            most: maximum number of features of each kind, the most frequent ones.

        Returns:
            `[rows, features]` and `[others, features]`; no features if none of one
            kind is frequent enough.
        """
        names = [words, "characters"] if characters else [words]
        rows, others = (np.searchsorted(self.rows, asked) for asked in (rows, others))
        pairs = [
            _weighted(self._counted(name), rows, others, min_df, most) for name in names
        ]
        pairs = [pair for pair in pairs if not pair[0].shape[1]][:1] or pairs
        seen, unseen = zip(*pairs, strict=True)
        return hstack(seen, "csr"), hstack(unseen, "csr")

    def _counted(self, name: str) -> csr_matrix:
        if name not in self._counts:
            chosen = character_options() if name not in WORDS else word_options(name)
            texts = [self.texts[row] for row in self.rows.tolist()]
            try:
                counts = CountVectorizer(**chosen).fit_transform(texts)
            except ValueError as error:  # no text has a word
                if "empty vocabulary" not in str(error):
                    raise
                counts = csr_matrix((len(texts), 0))
            self._counts[name] = counts
        return self._counts[name]


def _weighted(counts: csr_matrix, rows, others, min_df: int, most: int):
    chosen = counts[rows]
    found = np.bincount(chosen.indices, minlength=counts.shape[1])
    kept = np.flatnonzero(found >= max(min_df, 1))
    if len(kept) > most:
        total = np.asarray(chosen.sum(axis=0)).ravel()[kept]
        kept = np.sort(kept[np.argsort(-total, kind="stable")[:most]])
    if not len(kept):
        return chosen[:, kept], counts[others][:, kept]
    weigh = TfidfTransformer(sublinear_tf=True)
    seen = weigh.fit_transform(chosen[:, kept].astype(float))
    others = counts[others][:, kept].astype(float)
    return seen, weigh.transform(others) if others.shape[0] else others
