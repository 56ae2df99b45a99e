"""Features of texts that are already token ids, as sparse matrices.

What `zoo.models.linear` computes in the graph, spelled out for scikit-learn: TF-IDF of
word n-grams, TF-IDF of the n-grams of letters of each token, and the mean of word
vectors. The last two are sums over tokens, so their weights become one row a token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, diags

from zoo.layers.ngrams import NGramBag
from zoo.text.vocabulary import CONTINUES, SPECIALS

LETTERS = (2, 5)  # shortest and longest n-gram of letters
_ROWS = 256  # texts whose n-grams are hashed at once


@dataclass(frozen=True)
class LetterFeatures:
    """N-grams of the letters of each token.

    Args:
        values: `[tokens, features]`, counts times their inverse document frequency.
        lengths: `[tokens]`, the Euclidean length of each row.
    """

    values: csr_matrix
    lengths: np.ndarray

    def of_texts(self, counts: csr_matrix) -> csr_matrix:
        """Features `[texts, features]` of texts with these counts of tokens."""
        squares = counts @ np.square(self.lengths)
        return diags(1.0 / np.sqrt(np.maximum(squares, 1e-12))) @ (counts @ self.values)


@dataclass(frozen=True)
class VectorFeatures:
    """Pre-trained vectors of the tokens that have one.

    Args:
        values: `[tokens, width]`, zeros for the others.
        known: `[tokens]`, 1 for tokens that have a vector, else 0.
    """

    values: np.ndarray
    known: np.ndarray

    def of_texts(self, counts: csr_matrix) -> np.ndarray:
        """The mean vector of each text, `[texts, width]`."""
        number = np.maximum(counts @ self.known, 1e-6)
        return (counts @ self.values) / number[:, None]


def token_counts(tokens: Sequence[np.ndarray], vocab_size: int) -> csr_matrix:
    """How often each token occurs in each text, `[texts, vocab_size]`."""
    ends = np.concatenate([[0], np.cumsum([len(ids) for ids in tokens])])
    ids = np.concatenate([*tokens, np.zeros(0, "int32")])
    counts = csr_matrix((np.ones(len(ids)), ids, ends), (len(tokens), vocab_size))
    counts.sum_duplicates()
    return counts


def hashed_ngrams(bag: NGramBag, tokens: Sequence[np.ndarray]) -> csr_matrix:
    """Which rows of the bag's table each text has, `[texts, buckets]` of 0 and 1."""
    order = np.argsort([len(ids) for ids in tokens], kind="stable")
    found: list[np.ndarray] = [np.zeros(0, "int64")] * len(tokens)
    for start in range(0, len(order), _ROWS):
        chunk = order[start : start + _ROWS]
        padded = np.zeros((len(chunk), max(len(tokens[row]) for row in chunk)), "int32")
        for place, row in enumerate(chunk):
            padded[place, : len(tokens[row])] = tokens[row]
        rows, real = map(np.asarray, bag.rows(padded, padded > 0))
        for place, row in enumerate(chunk):
            found[row] = np.unique(rows[place][real[place]])
    ends = np.concatenate([[0], np.cumsum([len(rows) for rows in found])])
    columns = np.concatenate([*found, np.zeros(0, "int64")])
    shape = len(tokens), bag.buckets
    return csr_matrix((np.ones(len(columns)), columns, ends), shape)


def document_weights(counts: csr_matrix) -> np.ndarray:
    """Inverse document frequencies: `log((1 + texts) / (1 + texts with it)) + 1`.

    A feature that no text has weighs nothing: it has no effect on an answer, and in
    the length of a new text it would only shrink the features that have one.
    """
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    weights = np.log((1 + counts.shape[0]) / (1 + texts)) + 1
    return np.where(texts > 0, weights, 0.0)


def unit_rows(matrix: csr_matrix) -> csr_matrix:
    """The rows with length 1; rows of zeros stay."""
    squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    return diags(1.0 / np.sqrt(np.maximum(squares, 1e-12))) @ matrix


def letter_features(
    vocabulary: Sequence[str], counts: csr_matrix
) -> LetterFeatures | None:
    """N-grams of letters that occur in some texts, of every token of a vocabulary.

    A token is read between two spaces; a piece of a word without them.

    Args:
        vocabulary: the tokens by id.
        counts: of the tokens of the training texts, `[texts, tokens]`.

    Returns:
        The features, or `None` where the texts have none.
    """
    seen = np.bincount(counts.indices, minlength=len(vocabulary)) > 0
    names: dict[str, int] = {}
    rows, columns, values = [], [], []
    for token in np.flatnonzero(seen).tolist():  # only their n-grams count
        for ngram in _ngrams(vocabulary, token):
            names.setdefault(ngram, len(names))
    for token in range(len(SPECIALS), len(vocabulary)):
        for ngram, number in Counter(_ngrams(vocabulary, token)).items():
            if ngram in names:
                rows.append(token)
                columns.append(names[ngram])
                values.append(number)
    if not names:
        return None
    shape = len(vocabulary), len(names)
    matrix = csr_matrix((np.array(values, float), (rows, columns)), shape)
    present = counts.copy()
    present.data[:] = 1.0
    matrix = (matrix @ diags(document_weights(present @ matrix))).tocsr()
    squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    return LetterFeatures(matrix, np.sqrt(squares))


def _ngrams(vocabulary: Sequence[str], token: int) -> list[str]:
    if token < len(SPECIALS):
        return []
    word = vocabulary[token]
    piece = word.startswith(CONTINUES) and len(word) > len(CONTINUES)
    word = word[len(CONTINUES) :] if piece else f" {word} "
    first, last = LETTERS
    if len(word) < first:
        return [word]
    return [
        word[start : start + size]
        for size in range(first, min(last, len(word)) + 1)
        for start in range(len(word) - size + 1)
    ]


def vector_features(
    matrix: np.ndarray, known: np.ndarray, scale: float
) -> VectorFeatures:
    """Vectors whose root mean square length is `scale`, zeros where not `known`."""
    kept = matrix * known[:, None]
    size = np.sqrt(np.square(kept).sum() / max(known.sum(), 1))
    return VectorFeatures(kept * (scale / max(size, 1e-6)), known.astype(float))
