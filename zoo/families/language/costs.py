"""The cost of a language model between its embedding and its softmax."""

from __future__ import annotations

import math

import keras

from zoo.layers import RecurrentLayer, SparseMoE


def count_weights(model: keras.Model) -> tuple[int, int]:
    """Counts the weights between embedding and softmax, and those that a token uses.

    A token costs as many multiplications as it uses weights. Shazeer et al. 2017 count
    both in this way.

    Args:
        model: as `zoo.models.lstm_lm` returns.

    Example:
        >>> import zoo
        >>> small = {"units": 64, "num_experts": 16, "k": 2, "hidden": 128}
        >>> count_weights(zoo.get("moe_lm", 10, **small))
        (329728, 100352)
    """
    total = used = 0
    for layer in model.layers:
        if isinstance(layer, SparseMoE):
            weights, active = layer.count_weights(layer.kernels[0].shape[1])
        elif isinstance(layer, RecurrentLayer):
            shapes = [weight.shape for weight in layer.weights]
            weights = sum(math.prod(shape) for shape in shapes if len(shape) > 1)
            active = weights
        else:
            continue
        total, used = total + weights, used + active
    return total, used
