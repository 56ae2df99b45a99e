"""Sentence encoders: a text in, one vector of length 1 out."""

from __future__ import annotations

from zoo._lazy import keras, layers
from zoo.models._registry import register
from zoo.models._search_space import Float, Int
from zoo.models.classifiers import (
    OF_CELL,
    deep_directions,
    embedded_tokens,
    max_and_mean,
)

OUTPUT = "embedding"  # of the model; the layer of this name holds word vectors
_STATES = "states"  # begins the names of the layers that join both directions
_DEFAULTS = {"optimizer": "adam", "learning_rate": 2e-3}
_DIMENSION = {"embedding_dim": Int(64, 512, factor=2)}


@register(
    task="sentence encoding",
    summary="The mean of weighted word vectors, projected to a sentence vector.",
    paper="Arora et al. 2017, a baseline for sentence embeddings; distilled from a "
    "teacher as in Reimers and Gurevych 2020",
    family="encoding",
    defaults=_DEFAULTS,
    space=_DIMENSION,
)
def static_encoder(
    vocab_size: int = 40000, *, embedding_dim: int = 256, width: int = 384
) -> keras.Model:
    """Static sentence encoder: `s = P mean_t(exp(a_t) e_t)`, `y = s / |s|`.

    Each word has a vector `e` and the logarithm `a` of its weight, both learned. A text
    costs one look-up a word and one product of a matrix with a vector.

    Args:
        vocab_size: number of token ids.
        embedding_dim: width of the word vectors.
        width: width of the sentence vector, that of the teacher.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict of
        `embedding`, float32 `[batch, width]`, of length 1. A row of padding is read as
        one token.

    Example:
        >>> model = static_encoder(100, embedding_dim=8, width=4)
        >>> model.output["embedding"].shape
        (None, 4)
    """
    tokens, mask, x = embedded_tokens(vocab_size, embedding_dim, 0.0)
    logarithm = keras.layers.Embedding(
        vocab_size, 1, embeddings_initializer="zeros", name="word_weight"
    )(tokens)
    weight = keras.layers.Activation("exponential", name="weight")(logarithm)
    weighted = keras.layers.Multiply(name="weighted")([x, weight])
    mean = layers.MaskedMeanPooling(name="mean")(weighted, mask=mask)
    return keras.Model(tokens, _sentence_vector(mean, width), name="static_encoder")


@register(
    task="sentence encoding",
    summary="Recurrent layers in each direction, mean and maximum projected.",
    paper="Conneau et al. 2017 for the pooled states; distilled from a teacher as in "
    "Reimers and Gurevych 2020",
    family="encoding",
    defaults=_DEFAULTS,
    space={
        **_DIMENSION,
        "units": Int(64, 512, factor=2),
        "depth": Int(1, 2),
        "embedding_dropout": Float(0.0, 0.3),
        **OF_CELL,
    },
)
def text_encoder(
    vocab_size: int = 40000,
    *,
    embedding_dim: int = 256,
    units: int = 256,
    depth: int = 1,
    width: int = 384,
    cell: str = "lstm",
    rank: int = 32,
    groups: int = 4,
    peepholes: bool = False,
    embedding_dropout: float = 0.1,
) -> keras.Model:
    """Recurrent sentence encoder: `s = P (max_t h_t ⊕ mean_t h_t)`, `y = s / |s|`.

    `h_t` holds the states of both directions of the last layer at a word.

    Args:
        vocab_size: number of token ids.
        embedding_dim: width of the word vectors.
        units: width of the state of each direction.
        depth: number of layers; each reads the states of both directions before it.
        width: width of the sentence vector, that of the teacher.
        cell: `"lstm"`, `"factorized"`, `"group"`, `"gru"`, `"sru"`, `"qrnn"`,
            `"mingru"` or `"minlstm"`.
        rank: rank of the gate matrix of a factorized cell.
        groups: groups of a group cell; must divide `embedding_dim` and `units`.
        peepholes: whether the gates of an LSTM see the cell (diagonal weights).
        embedding_dropout: rate on the embedded words.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict of
        `embedding`, float32 `[batch, width]`, of length 1. A row of padding is read as
        one token.

    Raises:
        ValueError: for a depth below 1, an unknown cell, or peepholes for a cell other
            than an LSTM.

    Example:
        >>> model = text_encoder(100, embedding_dim=8, units=4, width=6)
        >>> model.output["embedding"].shape
        (None, 6)
    """
    tokens, mask, x = embedded_tokens(vocab_size, embedding_dim, embedding_dropout)
    of_cell = {"rank": rank, "groups": groups, "peepholes": peepholes}
    both = deep_directions(x, mask, units, depth=depth, cell=cell, **of_cell)
    states = keras.layers.Concatenate(name=_STATES)(both)
    pooled = max_and_mean(states, mask)
    return keras.Model(tokens, _sentence_vector(pooled, width), name="text_encoder")


def state_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns the layers that join the states of both directions, the first one first.

    The input of each is a list of the forward and the backward states, symbolic
    `[batch, time, units]`, and its output has both. A model without states has none.

    Example:
        >>> model = text_encoder(100, embedding_dim=8, units=4, depth=2)
        >>> [layer.name for layer in state_layers(model)]
        ['states_1', 'states']
    """
    return [layer for layer in model.layers if layer.name.startswith(_STATES)]


def _sentence_vector(features, width: int) -> dict:
    """Projects features `[batch, features]` to vectors `[batch, width]` of length 1."""
    projection = keras.layers.Dense(
        width, use_bias=False, dtype="float32", name="projection"
    )
    unit = keras.layers.UnitNormalization(dtype="float32", name="sentence")
    return {OUTPUT: unit(projection(features))}
