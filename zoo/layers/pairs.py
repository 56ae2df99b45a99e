"""Pairs of texts: taken apart, and their two vectors compared."""

from __future__ import annotations

import keras
from keras import ops

from zoo.text.vocabulary import END, PAD


@keras.saving.register_keras_serializable(package="zoo")
class SplitPairs(keras.layers.Layer):
    """Takes pairs of texts apart: the first texts of a batch, then the second ones.

    Both then pass through the same layers, as twice as many texts.

    Args:
        separator: the id between the two texts, which neither has.

    Call arguments:
        tokens: int ids `[batch, time]`, of the first text, the separator, and the
            second text, padded on the right with 0.

    Returns:
        int ids `[2 * batch, time]`, padded on the right with 0.

    Example:
        >>> import numpy as np
        >>> both = SplitPairs()(np.array([[7, 5, 3, 8], [6, 3, 9, 0]]))
        >>> keras.ops.convert_to_numpy(both).tolist()
        [[7, 5, 0, 0], [6, 0, 0, 0], [8, 0, 0, 0], [9, 0, 0, 0]]
    """

    def __init__(self, separator: int = END, **keywords) -> None:
        super().__init__(**keywords)
        self.separator = separator

    def call(self, tokens):
        found = ops.cast(ops.equal(tokens, self.separator), "int32")
        before = ops.equal(ops.cumsum(found, axis=1), 0)
        first = ops.where(before, tokens, PAD)
        time = ops.shape(tokens)[1]
        # The second text begins one place after the separator.
        start = ops.sum(ops.cast(before, "int32"), axis=1, keepdims=True) + 1
        places = ops.expand_dims(ops.arange(time, dtype="int32"), 0) + start
        second = ops.take_along_axis(tokens, ops.minimum(places, time - 1), axis=1)
        second = ops.where(places < time, second, PAD)
        return ops.concatenate([first, second], axis=0)

    def compute_output_spec(self, tokens):
        batch, time = tokens.shape
        rows = None if batch is None else 2 * batch
        return keras.KerasTensor((rows, time), dtype=tokens.dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "separator": self.separator}


@keras.saving.register_keras_serializable(package="zoo")
class PairFeatures(keras.layers.Layer):
    """Compares the vectors of two texts: `y = u ⊕ v ⊕ |u - v| ⊕ u * v`.

    Call arguments:
        vectors: `[2 * batch, units]`: `u` of every pair, then `v` of every pair.

    Returns:
        `[batch, 4 * units]`.

    Source: Conneau et al. 2017, Supervised Learning of Universal Sentence
    Representations from Natural Language Inference Data, section 3.1.

    Example:
        >>> import numpy as np
        >>> vectors = np.array([[1.0, 2.0], [3.0, 5.0]])
        >>> keras.ops.convert_to_numpy(PairFeatures()(vectors)).tolist()
        [[1.0, 2.0, 3.0, 5.0, 2.0, 3.0, 3.0, 10.0]]
    """

    def call(self, vectors):
        both = ops.reshape(vectors, (2, -1, vectors.shape[-1]))
        u, v = both[0], both[1]
        return ops.concatenate([u, v, ops.abs(u - v), u * v], axis=-1)

    def compute_output_spec(self, vectors):
        rows, units = vectors.shape
        batch = None if rows is None else rows // 2
        return keras.KerasTensor((batch, 4 * units), dtype=vectors.dtype)
