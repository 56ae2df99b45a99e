"""Bidirectional classifiers on LSTMs with fewer weights: factorized and grouped."""

from __future__ import annotations

from zoo._lazy import keras, layers
from zoo.models._registry import register
from zoo.models._search_space import Choice, Int
from zoo.models.classifiers import (
    DROPOUTS,
    POOLINGS,
    WIDTHS,
    embedded_tokens,
    pool_states,
)
from zoo.models.heads import heads
from zoo.tasks import as_tasks

_COMMON = {
    "task": "text classification",
    "paper": "Kuchaiev and Ginsburg 2017, Factorization Tricks for LSTM Networks",
    "defaults": {"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 32},
}
_SPACE = {**WIDTHS, "pooling": Choice(*POOLINGS), **DROPOUTS}


@register(
    summary="`bilstm` with F-LSTMs: gate matrices of low rank.",
    space={**_SPACE, "rank": Int(8, 64, factor=2)},
    **_COMMON,
)
def flstm(
    vocab_size: int = 20000,
    tasks=None,
    *,
    embedding_dim: int = 128,
    units: int = 128,
    rank: int = 32,
    pooling: str = "max",
    embedding_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """Bidirectional F-LSTM classifier: see `zoo.layers.FactorizedLSTM`.

    Args:
        vocab_size: number of token ids.
        tasks: what `zoo.tasks.as_tasks` reads; all read the same features.
        embedding_dim: width of the embedding.
        units: width of the state of each direction.
        rank: of each direction's gate matrix.
        pooling: `"last"`, `"mean"`, `"max"` or `"attention"`, as in `bilstm`.
        embedding_dropout: rate on the embedded words.
        dropout: rate before the heads.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Raises:
        ValueError: for an unknown pooling, or sizes that are not positive.

    Example:
        >>> flstm(100, 3, embedding_dim=8, units=8, rank=2).output["label"].shape
        (None, 3)
    """
    layer = layers.FactorizedLSTM(units, rank=rank, return_sequences=True, name="lstm")
    return _classifier(
        "flstm", layer, vocab_size, tasks, embedding_dim, pooling,
        embedding_dropout, dropout,
    )  # fmt: skip


@register(
    summary="`bilstm` with G-LSTMs: states cut into groups.",
    space={**_SPACE, "groups": Int(2, 8, factor=2)},
    **_COMMON,
)
def glstm(
    vocab_size: int = 20000,
    tasks=None,
    *,
    embedding_dim: int = 128,
    units: int = 128,
    groups: int = 4,
    pooling: str = "max",
    embedding_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """Bidirectional G-LSTM classifier: see `zoo.layers.GroupLSTM`.

    Args:
        vocab_size: number of token ids.
        tasks: what `zoo.tasks.as_tasks` reads; all read the same features.
        embedding_dim: width of the embedding, divisible by `groups`.
        units: width of the state of each direction, divisible by `groups`.
        groups: number of groups.
        pooling: `"last"`, `"mean"`, `"max"` or `"attention"`, as in `bilstm`.
        embedding_dropout: rate on the embedded words.
        dropout: rate before the heads.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Raises:
        ValueError: for an unknown pooling, or widths that `groups` does not divide.

    Example:
        >>> glstm(100, 3, embedding_dim=8, units=8, groups=2).output["label"].shape
        (None, 3)
    """
    layer = layers.GroupLSTM(units, groups=groups, return_sequences=True, name="lstm")
    return _classifier(
        "glstm", layer, vocab_size, tasks, embedding_dim, pooling,
        embedding_dropout, dropout,
    )  # fmt: skip


def _classifier(
    name, layer, vocab_size, tasks, embedding_dim, pooling, embedding_dropout, dropout
) -> keras.Model:
    tokens, mask, x = embedded_tokens(vocab_size, embedding_dim, embedding_dropout)
    both = layers.Bidirectional(layer, merge_mode=None, name="bidirectional")
    features = pool_states(both(x, mask=mask), mask, pooling)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    return keras.Model(tokens, heads(features, as_tasks(tasks)), name=name)
