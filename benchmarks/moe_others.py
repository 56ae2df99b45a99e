"""Other libraries' mixtures of experts, as cases for `moe.py`.

Both compute all experts for every token or pad to a capacity; neither is a dependency
of the zoo: `pip install keras-hub`, `pip install torch mixture-of-experts`.
"""

from __future__ import annotations

import importlib.util

import keras
import numpy as np


def keras_hub_layer(experts: int, k: int, width: int, hidden: int):
    """Returns the sparse block of keras-hub's Mixtral decoder, if it is installed.

    Its experts have three matrices, so two thirds of the hidden width give equal
    weights.
    """
    if not importlib.util.find_spec("keras_hub"):
        return None
    from keras_hub.src.models.mixtral.mixtral_decoder import MixtralSparseMoeBlock

    block = MixtralSparseMoeBlock(
        hidden_dim=width, intermediate_dim=2 * hidden // 3, num_experts=experts, top_k=k
    )

    class Block(keras.layers.Layer):
        """Maps `[tokens, d]` to `[tokens, d]`, like the other cases."""

        def build(self, shape) -> None:
            block.build((1, *shape))

        def call(self, x, training=False):
            return block(x[None], training=training)[0][0]

    layer = Block()
    layer.block = block
    return layer


def torch_case(experts: int, width: int, hidden: int, x, part: str):
    """lucidrains' mixture-of-experts for PyTorch (top 2), or `None` without it."""
    if not importlib.util.find_spec("mixture_of_experts"):
        return None
    import torch
    from mixture_of_experts import MoE

    layer = MoE(dim=width, num_experts=experts, hidden_dim=hidden)
    layer.train(part != "forward")
    x = torch.tensor(np.asarray(x)[None], requires_grad=part != "forward")

    def run():
        if part == "forward":
            with torch.no_grad():
                return float(layer(x)[0].sum())
        layer.zero_grad()
        x.grad = None
        y, loss = layer(x)
        (y.square().mean() + loss).backward()
        if part == "step":
            with torch.no_grad():
                for parameter in layer.parameters():
                    parameter -= 0.01 * parameter.grad
        return float(x.grad.sum())

    return run
