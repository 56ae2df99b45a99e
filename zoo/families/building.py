"""Registered models whose word embedding starts from pre-trained vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from zoo import weights as shipped
from zoo.data.vectors import read_vectors
from zoo.models import _registry

_LAYER = "embedding"


def build(
    name: str,
    vocabulary: Sequence[str],
    tasks: Mapping,
    keywords: Mapping,
    *,
    vectors: str = "",
    weights: str = shipped.NONE,
    seed: int = 0,
    verbose: bool = True,
) -> keras.Model:
    """Builds a registered model of texts, from pre-trained vectors if there are any.

    The embedding is then as wide as the vectors and is trained further; `text_cnn`
    takes the variant `"non-static"` unless `keywords` name another one.

    Args:
        name: of the model.
        vocabulary: the words by id.
        tasks: what the model's builder takes.
        keywords: further arguments of the builder.
        vectors: path of a word2vec or GloVe text file, or `""`.
        weights: name of word vectors that ship (`zoo.weights.NAMES`), or `"none"`;
            `vectors` goes before it.
        seed: of the vectors of words that those lack.
        verbose: prints how many words a file of vectors knows.

    Raises:
        DataError: for a file that holds no vectors; see
            `zoo.data.vectors.read_vectors`.
        ValueError: for an `embedding_dim` that is not the width of the vectors.
    """
    if vectors:
        matrix, share = read_vectors(vectors, vocabulary, seed=seed)
        if verbose:
            print(f"{vectors}: vectors of {share:.1%} of the vocabulary's words")
    elif weights != shipped.NONE:
        matrix, _ = shipped.read_vectors(weights, vocabulary, seed=seed)
    else:
        return _registry.get(name, len(vocabulary), tasks, **keywords)
    return _started(name, matrix, tasks, keywords)


def _started(
    name: str, matrix: np.ndarray, tasks: Mapping, keywords: Mapping
) -> keras.Model:
    """The model whose embedding of words starts from `matrix`, `[words, width]`."""
    width = matrix.shape[1]
    given = keywords.get("embedding_dim", width)
    if given != width:
        raise ValueError(
            f"`embedding_dim` must be the width of the vectors. Accepted: {width}, or "
            f"none. Received: embedding_dim={given!r}."
        )
    keywords = {**keywords, "embedding_dim": width}
    if "vectors" in _registry.describe(name).keywords:
        chosen = {"variant": "non-static", **keywords, "vectors": matrix}
        return _registry.get(name, len(matrix), tasks, **chosen)
    model = _registry.get(name, len(matrix), tasks, **keywords)
    for layer in model.layers:  # one, or one for each task beside it
        if isinstance(layer, keras.layers.Embedding) and layer.name.startswith(_LAYER):
            layer.set_weights([matrix])
    return model
