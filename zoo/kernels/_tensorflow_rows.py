"""Operations and gradients on single rows of variables, on TensorFlow."""

from __future__ import annotations

import tensorflow as tf


def take_rows(table, rows: tf.Tensor) -> tf.Tensor:
    """Returns `table[rows]`; neither it nor its gradient copies the other rows.

    Args:
        table: a `keras.Variable` `[rows, ...]` without autocasting.
        rows: integers, any shape.
    """
    return tf.gather(table.value, rows)


def distinct(values: tf.Tensor) -> tf.Tensor:
    """Returns each of the values `[n]` once."""
    return tf.unique(values).y


def put_rows(table, rows: tf.Tensor, values: tf.Tensor) -> None:
    """Assigns `values` to different rows of a `keras.Variable`."""
    table.value.scatter_update(tf.IndexedSlices(values, rows))


def once_a_row(gradient) -> tf.IndexedSlices:
    """Sums the gradient of a table by row; returns all rows if it is dense."""
    if not isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(gradient, tf.range(tf.shape(gradient)[0]))
    rows, places = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def scaled(gradient: tf.IndexedSlices, factor: tf.Tensor) -> tf.IndexedSlices:
    """Returns `factor * gradient`."""
    values = gradient.values * tf.cast(factor, gradient.values.dtype)
    return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
