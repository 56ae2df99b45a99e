"""A small classifier with experts and attention, whose gradients are traced at once."""

from __future__ import annotations

import keras

import zoo
from zoo.layers import AttentionPooling, PaddingMask, SparseMoE


def mixed_model(num_experts: int = 5) -> zoo.TextModel:
    """It knows `so`, `good` and `bad`, and its gates tell them apart."""
    pipeline = zoo.TextPipeline.learn(["so good", "so bad"], min_count=1)
    keras.utils.set_random_seed(1)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = PaddingMask(name="mask")(tokens)
    states = keras.layers.Embedding(pipeline.vocab_size, 4)(tokens)
    moe = SparseMoE(num_experts, 2, 4, name="experts")
    states = moe(states, mask=mask)
    moe.gate.kernel.assign(keras.random.normal(moe.gate.kernel.shape, seed=1) * 40.0)
    pooled = AttentionPooling(name="features")(states, mask=mask)
    logits = keras.layers.Dense(2)(pooled)
    return zoo.TextModel(keras.Model(tokens, logits), pipeline, {"mood": ["no", "so"]})
