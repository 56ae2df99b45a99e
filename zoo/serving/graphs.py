"""The parts that the graphs of all served models share."""

from __future__ import annotations

import keras

from zoo.text.imports import tf


def tokens_endpoint(pipeline):
    """Returns the signature that shows the tokens of a text."""

    def tokens(text: tf.Tensor) -> dict[str, tf.Tensor]:
        pieces = pipeline.tokenize(text)
        ragged = pipeline.ragged_ids(pieces)
        ids = pipeline.pad(ragged)
        return {
            "ids": ids,
            "tokens": pieces.to_tensor("", shape=tf.shape(ids, tf.int64)),
            "length": tf.cast(ragged.row_lengths(), tf.int32),
        }

    text = tf.TensorSpec([None], tf.string, name="text")
    return tf.function(tokens, input_signature=[text], autograph=False)


def check_backend() -> None:
    """Raises a `ValueError` unless Keras runs on TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "A SavedModel needs the TensorFlow backend: start Python with "
            "KERAS_BACKEND=tensorflow and load the model there. "
            f"Received: the backend {keras.backend.backend()!r}."
        )
