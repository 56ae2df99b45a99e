"""The backend that Keras runs on, as the kernels see it."""

from __future__ import annotations

import keras

_NAME = keras.backend.backend()
if _NAME == "tensorflow":
    from zoo.kernels._tensorflow import (
        CALLS_UPDATE_METRICS,
        by_rows,
        scan,
        sliced_matmul,
        vjp,
        with_gradient,
    )
elif _NAME == "jax":
    from zoo.kernels._jax import (
        CALLS_UPDATE_METRICS,
        by_rows,
        scan,
        sliced_matmul,
        vjp,
        with_gradient,
    )
else:
    raise ImportError(
        "The zoo's kernels do not run on this Keras backend. "
        "Accepted: KERAS_BACKEND=tensorflow or KERAS_BACKEND=jax. "
        f"Received: {_NAME}."
    )

__all__ = [
    "CALLS_UPDATE_METRICS",
    "by_rows",
    "scan",
    "sliced_matmul",
    "vjp",
    "with_gradient",
]
