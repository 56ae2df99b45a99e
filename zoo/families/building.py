"""Registered models whose word embedding starts from pre-trained vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from zoo import weights as shipped
from zoo.data.vectors import random_vectors, read_vectors
from zoo.models import _registry
from zoo.models.starting import started


def build(
    name: str,
    vocabulary: Sequence[str],
    tasks: Mapping | int | None,
    keywords: Mapping,
    *,
    vectors: str = "",
    weights: str = shipped.NONE,
    continued: bool = False,
    seed: int = 0,
    verbose: bool = True,
) -> keras.Model:
    """Builds a registered model of texts, starting from pre-trained vectors if any.

    Then the embedding is as wide as the vectors, and is trained further; `text_cnn`
    uses the variant `"non-static"` unless `keywords` set another one.

    Args:
        name: name of the model.
        vocabulary: the words by id.
        tasks: the tasks of a classifier or tagger, the size of the target's vocabulary
            of a translation model, or `None` for a language model.
        keywords: further arguments of the builder.
        vectors: path of a word2vec or GloVe text file, or `""`.
        weights: name of shipped word vectors (`zoo.weights.NAMES`), or `"none"`;
            `vectors` takes precedence.
        continued: whether the weights of a trained model follow, so that an embedding
            that cannot be trained may start at random.
        seed: seed of the vectors of words that the file or weights lack.
        verbose: whether to print how many words a file of vectors covers.

    Raises:
        DataError: for a file without vectors; see
            `zoo.data.vectors.read_vectors`.
        ValueError: for an `embedding_dim` that differs from the width of the vectors.
    """
    sizes = () if tasks is None else (tasks,)
    if vectors:
        matrix, share = read_vectors(vectors, vocabulary, seed=seed)
        if verbose:
            print(f"{vectors}: vectors of {share:.1%} of the vocabulary's words")
    elif weights != shipped.NONE:
        matrix, _ = shipped.read_vectors(weights, vocabulary, seed=seed)
    elif continued and keywords.get("variant", "rand") != "rand":
        shape = len(vocabulary), keywords["embedding_dim"]
        matrix = random_vectors(shape, seed=seed)
    else:
        return _registry.get(name, len(vocabulary), *sizes, **keywords)
    return started(name, matrix, sizes, keywords)


def known_vectors(
    vocabulary: Sequence[str], vectors: str, weights: str
) -> tuple[np.ndarray, np.ndarray] | None:
    """The vectors of a vocabulary, and which entries have one; arguments as of `build`.

    Returns:
        float32 `[words, width]` and bool `[words]`, or `None` without any vectors.
    """
    if vectors:
        matrix, _ = read_vectors(vectors, vocabulary, scale=0.0)
    elif weights != shipped.NONE:
        matrix, _ = shipped.read_vectors(weights, vocabulary, scale=0.0)
    else:
        return None
    return matrix, np.abs(matrix).sum(axis=1) > 0
