"""The padding mask, and the base of layers that end it."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels.single import is_single, is_whole, whole


@keras.saving.register_keras_serializable(package="zoo")
class PaddingMask(keras.layers.Layer):
    """Marks the tokens of right-padded rows, once for the whole model.

    The first position of a row without tokens counts as a token, so that later pooling
    layers stay finite.

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
        if is_single() and tokens.shape[0] == 1:  # else the row was divided
            return whole(ops.ones_like(tokens, dtype="bool"))
        real = ops.not_equal(tokens, self.pad)
        empty = ops.logical_not(ops.any(real, axis=1, keepdims=True))
        first = ops.logical_or(real[:, :1], empty)
        return ops.concatenate([first, real[:, 1:]], axis=1)

    def get_config(self) -> dict:
        return {**super().get_config(), "pad": self.pad}


def kept(values, mask, otherwise=0.0):
    """Returns the values at tokens, and another value at padding.

    Args:
        values: `[batch, time]` or `[batch, time, features]`.
        mask: bool `[batch, time]`, true at tokens.
        otherwise: the value at padding.

    Example:
        >>> import numpy as np
        >>> y = kept(np.array([[5.0, 7.0]]), np.array([[True, False]]))
        >>> keras.ops.convert_to_numpy(y).tolist()
        [[5.0, 0.0]]
    """
    if is_whole(mask):
        return values
    if len(values.shape) > len(mask.shape):
        mask = ops.expand_dims(mask, -1)
    return ops.where(mask, values, otherwise)


class ConsumesMask(keras.layers.Layer):
    """Base class of layers that take `mask=` but do not propagate it.

    Keras treats an argument of this name as a mask attached to the input: it warns if a
    layer does not support masking, and passes the mask on if it does.
    """

    def __init__(self, **keywords) -> None:
        super().__init__(**keywords)
        self.supports_masking = True

    def compute_mask(self, *_, **__) -> None:
        return None
