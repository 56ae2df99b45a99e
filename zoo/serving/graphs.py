"""The parts that the graphs of all served models share."""

from __future__ import annotations

from collections.abc import Callable

import keras

from zoo.text.imports import tf
from zoo.text.normalize import join_pairs
from zoo.text.pairs import INPUTS


def text_endpoint(function: Callable, pairs: bool = False):
    """Returns the signature of a function of texts.

    Args:
        function: from string `[batch]` to a dict of tensors.
        pairs: whether the texts are pairs: the signature then has the inputs `text`
            and `text_pair`, both string `[batch]`.
    """
    specs = [tf.TensorSpec([None], tf.string, name=name) for name in INPUTS]
    if not pairs:
        return tf.function(function, input_signature=specs[:1], autograph=False)

    def of_pairs(text: tf.Tensor, text_pair: tf.Tensor) -> dict[str, tf.Tensor]:
        return function(join_pairs(text, text_pair))

    return tf.function(of_pairs, input_signature=specs, autograph=False)


def tokens_endpoint(pipeline, pairs: bool = False):
    """Returns the signature that shows the tokens of a text, or of a pair of texts."""

    def tokens(text: tf.Tensor) -> dict[str, tf.Tensor]:
        pieces = pipeline.tokenize(text)
        ragged = pipeline.ragged_ids(pieces)
        ids = pipeline.pad(ragged)
        return {
            "ids": ids,
            "tokens": pieces.to_tensor("", shape=tf.shape(ids, tf.int64)),
            "length": tf.cast(ragged.row_lengths(), tf.int32),
        }

    return text_endpoint(tokens, pairs)


def check_backend() -> None:
    """Raises a `ValueError` unless Keras runs on TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "A SavedModel needs the TensorFlow backend: start Python with "
            "KERAS_BACKEND=tensorflow and load the model there. "
            f"Received: the backend {keras.backend.backend()!r}."
        )
