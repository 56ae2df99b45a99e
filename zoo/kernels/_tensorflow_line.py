"""Convolutions over the tokens of padded rows laid out in one line, on TensorFlow."""

from __future__ import annotations

import tensorflow as tf


class Line:
    """The rows of a mask one after the other, without their padding.

    A row ends at its last token; positions before that where the mask is false stay,
    and are read as zeros.

    Args:
        mask: bool `[batch, time]`.
    """

    def __init__(self, mask: tf.Tensor) -> None:
        places = tf.range(1, tf.shape(mask)[1] + 1)
        self.lengths = tf.reduce_max(tf.where(mask, places, 0), axis=1)
        self.inside = places <= self.lengths[:, None]
        self.tokens = tf.where(self.inside)
        self.real = tf.gather_nd(mask, self.tokens)[:, None]

    def maxima(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Returns the maximum of each feature map over the windows that have a token.

        It multiplies each token once by the matrices of all places in a window, and
        adds the products at distances of one; between rows lie `window - 1` zeros.

        Args:
            x: `[batch, time, width]`.
            kernel: `[window, width, filters]`.

        Returns:
            `[batch, filters]`; the lowest number for a row without tokens.
        """
        window, width, filters = kernel.shape
        spans = self.lengths + window - 1  # windows that may have a token of the row
        starts = tf.cumsum(spans) - self.lengths
        line = tf.reduce_sum(spans) + window - 1
        places = starts[:, None] + tf.range(tf.shape(x)[1])
        places = tf.boolean_mask(places, self.inside)[:, None]

        tokens = tf.where(self.real, tf.gather_nd(x, self.tokens), 0)
        matrix = tf.reshape(tf.transpose(kernel, [1, 0, 2]), [width, window * filters])
        products = tf.matmul(tokens, matrix)
        products = tf.scatter_nd(places, products, [line, window * filters])
        products = tf.reshape(products, [line, window, filters])
        real = tf.scatter_nd(places, tf.cast(self.real, tf.int32), [line, 1])

        count = line - window + 1
        maps = tf.add_n([products[j : j + count, j] for j in range(window)])
        some = tf.add_n([real[j : j + count] for j in range(window)]) > 0
        rows = tf.shape(x)[0]
        return tf.math.unsorted_segment_max(
            tf.where(some, maps, maps.dtype.min), tf.repeat(tf.range(rows), spans), rows
        )
