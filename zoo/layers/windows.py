"""Long texts as rows of windows, which a recurrent layer reads side by side."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels.single import is_single
from zoo.layers.padding import ConsumesMask


@keras.saving.register_keras_serializable(package="zoo")
class Windows(keras.layers.Layer):
    """Cuts texts into windows of a fixed size; texts that are shorter stay whole.

    Windows begin at multiples of `size`, whatever the padding, so that an answer does
    not depend on it. The last one is filled with zeros.

    Args:
        size: steps of a window.

    Call arguments:
        x: `[batch, time, ...]`.

    Returns:
        `[batch * windows, steps, ...]`, with `steps = min(time, size)` and
        `windows = ceil(time / steps)`; the windows of a text are neighbours.

    Raises:
        ValueError: for a size below 1.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1, 2, 3, 4, 5]])
        >>> keras.ops.convert_to_numpy(Windows(2)(x)).tolist()
        [[1, 2], [3, 4], [5, 0]]
    """

    def __init__(self, size: int, **keywords) -> None:
        super().__init__(**keywords)
        if size < 1:
            raise ValueError(f"`size` must be positive. Received: size={size!r}.")
        self.size = size

    def call(self, x):
        if is_single(self.size):
            return x
        shape = ops.shape(x)
        steps, count = _cut(shape[1], self.size)
        missing = (shape[0], count * steps - shape[1], *shape[2:])
        whole = ops.concatenate([x, ops.zeros(missing, x.dtype)], axis=1)
        return ops.reshape(whole, (-1, steps, *x.shape[2:]))

    def compute_output_shape(self, shape):
        return (None, None, *shape[2:])

    def get_config(self) -> dict:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="zoo")
class JoinWindows(ConsumesMask):
    """Puts the windows of each text together again.

    Call arguments:
        windows: `[batch * windows, steps, units]`, from what `Windows` returned.
        like: `[batch, time]`, such as the mask of the whole texts.

    Returns:
        `[batch, time, units]`.

    Example:
        >>> import numpy as np
        >>> x = np.arange(10.0).reshape(1, 5, 2)
        >>> same = JoinWindows()(Windows(2)(x), x[:, :, 0])
        >>> bool((keras.ops.convert_to_numpy(same) == x).all())
        True
    """

    def call(self, windows, like):
        if is_single() and windows.shape[0] == 1:  # `Windows` did not cut the row
            return windows
        batch, time = ops.shape(like)[:2]
        whole = ops.reshape(windows, (batch, -1, windows.shape[-1]))
        return whole[:, :time]

    def compute_output_shape(self, windows_shape, like_shape):
        return (*like_shape[:2], windows_shape[-1])


def _cut(time, size: int):
    """Steps of a window, and the number of windows, at least 1."""
    steps = ops.minimum(time, size) if ops.is_tensor(time) else min(time, size)
    safe = ops.maximum(steps, 1) if ops.is_tensor(time) else max(steps, 1)
    count = (time + safe - 1) // safe
    return steps, count
