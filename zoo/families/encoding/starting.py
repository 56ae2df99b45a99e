"""Starts an encoder from the teacher's vectors of single words."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from zoo.text.vocabulary import CONTINUES, SPECIALS

COMMON = 10_000  # words from which the directions are taken
RARE = 1e-3  # frequency of a word whose weight is one half


def words_of(vocabulary: Sequence[str]) -> list[str]:
    """Returns the words of a vocabulary as texts, without the special tokens.

    Example:
        >>> words_of(["[PAD]", "[UNK]", "[BEGIN]", "[END]", "so", "##ing"])
        ['so', 'ing']
    """
    words = vocabulary[len(SPECIALS) :]
    return [word.removeprefix(CONTINUES) or word for word in words]


def start_from_words(
    model: keras.Model, vectors: np.ndarray, frequencies: np.ndarray
) -> None:
    """Sets the initial word vectors of an encoder, in place.

    They are the teacher's vectors of single words, less their mean, along their
    principal directions. A static encoder also starts with these directions as its
    projection, and with the weight `a / (a + p)` for a word of frequency `p`.

    Args:
        model: a sentence encoder of the zoo.
        vectors: the teacher's `[words, width]`, without those of special tokens.
        frequencies: share of each token among the training tokens, `[tokens]`, with
            special tokens.

    Source: Arora et al. 2017 for the weights, with `a` = 0.001.
    """
    vectors = np.asarray(vectors, np.float32)
    vectors = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(vectors[:COMMON], full_matrices=False)
    embedding = model.get_layer("embedding")
    size = min(embedding.output_dim, len(directions))
    found = vectors @ directions[:size].T
    scale = np.sqrt(np.square(found).sum(axis=1).mean())
    table = keras.ops.convert_to_numpy(embedding.embeddings).copy()
    # Special tokens stay random: a text of unknown words alone needs a direction.
    table[len(SPECIALS) :] = 0.0
    table[len(SPECIALS) :, :size] = found / max(scale, 1e-6)
    embedding.embeddings.assign(table)
    if "word_weight" not in {layer.name for layer in model.layers}:
        return
    weight = np.log(RARE / (RARE + frequencies)).astype(np.float32)
    model.get_layer("word_weight").embeddings.assign(weight[:, None])
    kernel = model.get_layer("projection").kernel
    projection = keras.ops.convert_to_numpy(kernel).copy()
    projection[:size] = directions[:size]
    kernel.assign(projection)
