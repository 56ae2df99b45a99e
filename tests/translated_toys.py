"""A toy pair of languages, and translation models in a tiny size for it."""

from __future__ import annotations

import keras
import numpy as np

import zoo
from zoo.data.pairs import Pairs
from zoo.families.translation.pipeline import TranslationPipeline

SIZES = {
    "units": 6,
    "embedding_dim": 6,
    "rank": 2,
    "num_experts": 5,
    "k": 2,
    "hidden": 4,
    "balance": 0.0,
}
NUMBERS = {"one": "eins", "two": "zwei", "three": "drei", "four": "vier"}
# name, options: each way of the data through a model once.
ROWS = [
    ("seq2seq", {}),
    ("seq2seq", {"cell": "factorized", "attention": "additive", "tied": False}),
    ("seq2seq", {"cell": "group", "attention": "multiplicative", "projection": 4}),
    ("seq2seq", {"encoder_depth": 1, "decoder_depth": 1, "embedding_dim": 4}),
    ("moe_seq2seq", {"num_experts": 4, "expert_groups": 2, "decoder_depth": 3}),
    ("moe_seq2seq", {"gating": "balanced", "encoder_depth": 3}),
    ("seq2seq", {"cell": "gru", "encoder_depth": 1}),
    ("seq2seq", {"cell": "qrnn", "encoder_depth": 1}),
]
VOCABULARY = 15


def row_id(row) -> str:
    return "-".join([row[0], *(f"{key}={value}" for key, value in row[1].items())])


def build(row, *sizes, seed: int = 0, **options) -> keras.Model:
    name, own = row
    known = zoo.describe(name).keywords
    keywords = {k: v for k, v in {**SIZES, **own, **options}.items() if k in known}
    keras.utils.set_random_seed(seed)
    return zoo.get(name, *(sizes or (VOCABULARY,)), **keywords)


def ids(lengths, seed: int = 0, time: int | None = None) -> np.ndarray:
    """Rows of random ids, padded with 0."""
    generator = np.random.default_rng(seed)
    rows = np.zeros((len(lengths), time or max(lengths)), "int32")
    for row, length in enumerate(lengths):
        rows[row, :length] = generator.integers(4, VOCABULARY, length)
    return rows


def pairs(count: int, seed: int = 0) -> Pairs:
    """`One and two!` and `Eins und zwei!`: a rule that a model can learn."""
    generator = np.random.default_rng(seed)
    sources, targets = [], []
    for _ in range(count):
        chosen = generator.choice(list(NUMBERS), generator.integers(1, 4))
        sources.append(" and ".join(chosen).capitalize() + "!")
        written = " und ".join(NUMBERS[word] for word in chosen)
        targets.append(written.capitalize() + "!")
    return Pairs(sources, targets)


def pipeline(**options) -> TranslationPipeline:
    return TranslationPipeline.learn(pairs(40), **{"vocab_size": 120, **options})
