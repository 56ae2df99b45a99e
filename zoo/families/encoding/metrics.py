"""How close the vectors of an encoder come to those of its teacher."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

MOST = 500  # texts whose pairs are compared


def closeness(found: np.ndarray, teacher: np.ndarray) -> dict[str, float]:
    """Returns scores of vectors of length 1.

    Args:
        found: float `[texts, width]` of the encoder.
        teacher: float `[texts, width]` of the teacher, for the same texts.

    Returns:
        `cosine`, the mean cosine of the two vectors of a text; `spearman` and
        `pearson`, the correlation over pairs of the first 500 texts between their
        similarity by the encoder and by the teacher, left out where it is undefined.

    Example:
        >>> vectors = np.eye(4)[[0, 1, 2, 0]]
        >>> scores = closeness(vectors, vectors)
        >>> {name: round(value, 3) for name, value in scores.items()}
        {'cosine': 1.0, 'spearman': 1.0, 'pearson': 1.0}
    """
    cosine = np.sum(found * np.asarray(teacher, np.float32), axis=1).mean()
    scores = {"cosine": float(cosine)}
    pairs = np.triu_indices(min(len(found), MOST), 1)
    own, expected = (similarities(one[:MOST])[pairs] for one in (found, teacher))
    if len(own) > 1 and np.ptp(own) > 0 and np.ptp(expected) > 0:
        scores["spearman"] = float(spearmanr(own, expected).statistic)
        scores["pearson"] = float(np.corrcoef(own, expected)[0, 1])
    return scores


def similarities(vectors: np.ndarray) -> np.ndarray:
    """Returns the similarity of each vector `[texts, width]` to each, as float32."""
    vectors = np.asarray(vectors, np.float32)
    return vectors @ vectors.T
