"""Initializers of weights that hold several matrices."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import ops


def stacked(initializer, count: int) -> Callable:
    """Initializes `[count, ...]` weights matrix by matrix, each from its own seed."""

    def initialize(shape, dtype=None):
        draws = []
        for index in range(count):
            draw = initializer
            if isinstance(initializer, keras.initializers.Initializer):
                config = initializer.get_config()
                if isinstance(config.get("seed"), int):
                    config["seed"] += index
                draw = type(initializer).from_config(config)
            draws.append(draw(shape[1:], dtype=dtype))
        return ops.stack(draws)

    return initialize
