"""A layer over the letters of each word of a text."""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.padding import ConsumesMask


@keras.saving.register_keras_serializable(package="zoo")
class ByWord(ConsumesMask):
    """Runs a layer for sequences on the letters of every word.

    It sees the words of all texts as rows of one batch, so a word has the same features
    wherever it occurs.

    Args:
        layer: called as `layer(sequences, mask=mask)` on `[words, letters, width]` to
            `[words, units]`, such as `zoo.layers.TextConvolution`.

    Call arguments:
        embedded: `[batch, time, letters, width]`.
        mask: bool `[batch, time, letters]`, true at letters, which come first.

    Returns:
        `[batch, time, units]`.

    Example:
        >>> from zoo.layers.convolution import TextConvolution
        >>> layer = ByWord(TextConvolution(4, window=3))
        >>> mask = ops.ones((2, 5, 7), "bool")
        >>> tuple(layer(ops.ones((2, 5, 7, 3)), mask=mask).shape)
        (2, 5, 4)

    Source: Ma and Hovy 2016, section 2.1, for convolutions; Lample et al. 2016, section
    4.1, for LSTMs.
    """

    def __init__(self, layer, **keywords) -> None:
        super().__init__(**keywords)
        # A copy without weights: this layer creates and names them.
        self.layer = type(layer).from_config(layer.get_config())

    def build(self, embedded_shape) -> None:
        self.layer.build((None, *embedded_shape[2:]))

    def call(self, embedded, mask):
        batch, time, letters, _ = ops.shape(embedded)
        width = embedded.shape[-1]
        rows = ops.reshape(embedded, (batch * time, letters, width))
        features = self.layer(rows, mask=ops.reshape(mask, (batch * time, letters)))
        return ops.reshape(features, (batch, time, features.shape[-1]))

    def compute_output_spec(self, embedded, mask):
        rows = keras.KerasTensor((None, *embedded.shape[2:]), embedded.dtype)
        letters = keras.KerasTensor((None, mask.shape[2]), "bool")
        features = self.layer.compute_output_spec(rows, mask=letters)
        shape = (*embedded.shape[:2], features.shape[-1])
        return keras.KerasTensor(shape, features.dtype)

    def get_config(self) -> dict:
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer}

    @classmethod
    def from_config(cls, config: dict) -> ByWord:
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})
