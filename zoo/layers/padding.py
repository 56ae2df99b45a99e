"""Where the tokens of a batch are."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class PaddingMask(keras.layers.Layer):
    """Marks the tokens of right-padded rows, once for the whole model.

    A row without any token counts its first position as a token, so that each later
    pooling has something to pool and stays finite.

    Args:
        pad: the id of padding.

    Call arguments:
        tokens: int ids `[batch, time]`.

    Returns:
        bool `[batch, time]`, true at tokens. Pass it on as `mask=`.

    Example:
        >>> import numpy as np
        >>> mask = PaddingMask()(np.array([[7, 5, 0], [0, 0, 0]]))
        >>> keras.ops.convert_to_numpy(mask).tolist()
        [[True, True, False], [True, False, False]]
    """

    def __init__(self, pad: int = 0, **keywords) -> None:
        super().__init__(**keywords)
        self.pad = pad

    def call(self, tokens):
        real = ops.not_equal(tokens, self.pad)
        empty = ops.logical_not(ops.any(real, axis=1, keepdims=True))
        first = ops.logical_or(real[:, :1], empty)
        return ops.concatenate([first, real[:, 1:]], axis=1)

    def get_config(self) -> dict:
        return {**super().get_config(), "pad": self.pad}


class ConsumesMask(keras.layers.Layer):
    """Base of layers that take `mask=` and pass none on, for there is no time after.

    Keras treats an argument of this name as a mask attached to the input: it warns if a
    layer does not support masking, and hands the mask to the next layer if it does.
    """

    def __init__(self, **keywords) -> None:
        super().__init__(**keywords)
        self.supports_masking = True

    def compute_mask(self, *_, **__) -> None:
        return None
