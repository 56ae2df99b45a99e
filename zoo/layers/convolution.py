"""Convolution over the words of a text and its maximum over time."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels._backend import Line
from zoo.kernels.packed import is_packed, packing_of
from zoo.kernels.single import is_whole
from zoo.layers.padding import ConsumesMask, kept


@keras.saving.register_keras_serializable(package="zoo")
class TextConvolution(ConsumesMask):
    """Feature maps of one window size, each at its maximum over the text.

        c[i] = ReLU(W · x[i : i + window] + b),  y = max_i c[i]

    The convolution is wide: `window - 1` rows of zeros precede and follow the text, so
    a text may be shorter than the window. The maximum is over the windows that include
    at least one token, and values at padding are read as zeros: padding never changes
    the result.

    Args:
        filters: number of feature maps.
        window: words per window.
        kernel_initializer: initializer of the filters.

    Call arguments:
        embedded: `[batch, time, width]`.
        mask: bool `[batch, time]`, true at tokens.

    Returns:
        `[batch, filters]`; a row without tokens in the mask gives zeros.

    Raises:
        ValueError: if `filters` or `window` is not positive.

    Source: Kim 2014, section 2, equations (2) and (3); zero rows as in its code.

    Example:
        >>> import numpy as np
        >>> layer = TextConvolution(4, window=3)
        >>> layer(np.ones((2, 1, 8)), mask=np.ones((2, 1), bool)).shape[1]
        4
    """

    def __init__(
        self, filters: int, window: int, kernel_initializer="he_uniform", **keywords
    ) -> None:
        super().__init__(**keywords)
        for name, value in (("filters", filters), ("window", window)):
            if value < 1:
                raise ValueError(
                    f"`{name}` must be positive. Received: {name}={value!r}."
                )
        self.filters = filters
        self.window = window
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, embedded_shape) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.window, embedded_shape[-1], self.filters),
            initializer=self.kernel_initializer,
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer="zeros"
        )

    def call(self, embedded, mask, training=False):
        if is_packed() and not training and not is_whole(mask):
            kernel = ops.convert_to_tensor(self.kernel)
            best = packing_of(mask, Line).maxima(embedded, kernel)
            return ops.relu(best + self.bias)
        edge = [self.window - 1, self.window - 1]
        embedded = ops.pad(kept(embedded, mask), [[0, 0], edge, [0, 0]])
        maps = ops.conv(
            embedded, self.kernel, padding="valid", data_format="channels_last"
        )
        if is_whole(mask):
            return ops.relu(ops.max(maps, axis=1) + self.bias)
        touched = self._touched(ops.pad(mask, [[0, 0], edge]))
        best = ops.max(
            ops.where(ops.expand_dims(touched, -1), maps, float("-inf")), axis=1
        )
        # ReLU and bias are monotone, so they can follow the maximum.
        some = ops.any(mask, axis=1, keepdims=True)
        return ops.where(some, ops.relu(best + self.bias), 0.0)

    def _touched(self, mask):
        """Returns whether each window has a token: `[batch, time + window - 1]`."""
        windows = ops.shape(mask)[1] - self.window + 1
        touched = mask[:, :windows]
        for offset in range(1, self.window):
            touched = ops.logical_or(touched, mask[:, offset : offset + windows])
        return touched

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "window": self.window,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
