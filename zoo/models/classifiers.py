"""Classifiers of one recurrent layer over the words, a pooling and linear heads."""

from __future__ import annotations

from zoo._lazy import keras, layers
from zoo.models._cells import (
    CELL_SPACE,
    IF_FACTORIZED,
    IF_GROUP,
    IF_LSTM,
    recurrent,
)
from zoo.models._registry import register, variant
from zoo.models._search_space import Choice, Float, Int
from zoo.models.heads import heads
from zoo.tasks import as_tasks

POOLINGS = ("last", "mean", "max", "attention")
_DEFAULTS = {"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 32}
WINDOW = 128  # steps that a recurrent layer reads before it begins anew
DROPOUTS = {"embedding_dropout": Float(0.0, 0.5), "dropout": Float(0.0, 0.7)}
WIDTHS = {"embedding_dim": Int(64, 256, step=64), "units": Int(32, 256, factor=2)}
_PEEPHOLES = {"peepholes": Choice(False, True, when=IF_LSTM)}
OF_CELL = {
    **CELL_SPACE,
    "rank": Int(8, 64, factor=2, when=IF_FACTORIZED),
    "groups": Int(2, 8, factor=2, when=IF_GROUP),
}


@register(
    task="text classification",
    summary="One LSTM; the heads read its state at the last token.",
    paper="Liu, Qiu and Huang 2016, section 2 and figure 1; Graves 2013 for peepholes",
    defaults={**_DEFAULTS, "max_length": 256},  # one step after the other
    space={**WIDTHS, **_PEEPHOLES, **DROPOUTS, **OF_CELL},
)
def lstm(
    vocab_size: int = 20000,
    tasks=None,
    *,
    embedding_dim: int = 128,
    units: int = 128,
    cell: str = "lstm",
    rank: int = 32,
    groups: int = 4,
    peepholes: bool = False,
    embedding_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """LSTM classifier: `output = V h_T + c`, with `h_T` the state at the last token.

    Args:
        vocab_size: number of token ids.
        tasks: in any form that `zoo.tasks.as_tasks` reads; all read the same state.
        embedding_dim: width of the embedding.
        units: width of the state.
        cell: `"lstm"`, `"factorized"`, `"group"`, `"gru"`, `"sru"`, `"qrnn"`,
            `"mingru"` or `"minlstm"`.
        rank: rank of the gate matrix of a factorized cell.
        groups: groups of a group cell; must divide `embedding_dim` and `units`.
        peepholes: whether the gates of an LSTM see the cell (diagonal weights).
        embedding_dropout: rate on the embedded words.
        dropout: rate before the heads.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Raises:
        ValueError: for an unknown cell, or peepholes for a cell other than an LSTM.

    Example:
        >>> model = lstm(100, ["bad", "good"], embedding_dim=8, units=4)
        >>> model.output["label"].shape
        (None, 2)
    """
    tasks = as_tasks(tasks)
    tokens, mask, x = embedded_tokens(vocab_size, embedding_dim, embedding_dropout)
    of_cell = {"rank": rank, "groups": groups, "peepholes": peepholes}
    state = recurrent(cell, units, of_cell, name="forward")(x, mask=mask)
    state = keras.layers.Dropout(dropout, name="dropout")(state)
    return keras.Model(tokens, heads(state, tasks), name="lstm")


@register(
    task="text classification",
    summary="An LSTM in each direction, pooled over the text.",
    paper="Graves and Schmidhuber 2005; Yang et al. 2016 for attention pooling",
    defaults=_DEFAULTS,
    space={
        **WIDTHS,
        "pooling": Choice(*POOLINGS),
        **_PEEPHOLES,
        **DROPOUTS,
        **OF_CELL,
    },
)
def bilstm(
    vocab_size: int = 20000,
    tasks=None,
    *,
    embedding_dim: int = 128,
    units: int = 128,
    depth: int = 1,
    cell: str = "lstm",
    rank: int = 32,
    groups: int = 4,
    pooling: str = "max",
    peepholes: bool = False,
    embedding_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """Bidirectional LSTM classifier: `h_t = →h_t ⊕ ←h_t`, `output = V pool(h) + c`.

    Args:
        vocab_size: number of token ids.
        tasks: in any form that `zoo.tasks.as_tasks` reads; all read the same features.
        embedding_dim: width of the embedding.
        units: width of the state of each direction.
        depth: number of layers; each reads the states of both directions before it.
        cell: `"lstm"`, `"factorized"`, `"group"`, `"gru"`, `"sru"`, `"qrnn"`,
            `"mingru"` or `"minlstm"`.
        rank: rank of the gate matrix of a factorized cell.
        groups: groups of a group cell; must divide `embedding_dim` and `units`.
        pooling: `"last"` takes the forward state at the last token and the backward
            state at the first; `"mean"` and `"max"` are over the tokens; `"attention"`
            is a mean with learned weights.
        peepholes: whether the gates of an LSTM see the cell (diagonal weights).
        embedding_dropout: rate on the embedded words, and between layers.
        dropout: rate before the heads.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Raises:
        ValueError: for an unknown pooling or cell, sizes or a depth that are not
            positive, widths that `groups` does not divide, or peepholes for a cell
            other than an LSTM.

    Example:
        >>> model = bilstm(100, ["bad", "good"], embedding_dim=8, units=4)
        >>> model.output["label"].shape
        (None, 2)
    """
    tasks = as_tasks(tasks)
    tokens, mask, x = embedded_tokens(vocab_size, embedding_dim, embedding_dropout)
    states = deep_directions(
        x,
        mask,
        units,
        depth=depth,
        dropout=embedding_dropout,
        cell=cell,
        rank=rank,
        groups=groups,
        peepholes=peepholes,
    )
    features = pool_states(states, mask, pooling)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    return keras.Model(tokens, heads(features, tasks), name="bilstm")


_SLIM = "Kuchaiev and Ginsburg 2017, Factorization Tricks for LSTM Networks"
flstm = variant(
    bilstm,
    "flstm",
    "Bidirectional F-LSTM classifier: see `zoo.layers.FactorizedLSTM`.",
    fixed={"cell": "factorized"},
    without=("groups", "peepholes"),
    summary="`bilstm` with F-LSTMs: gate matrices of low rank.",
    paper=_SLIM,
)
glstm = variant(
    bilstm,
    "glstm",
    "Bidirectional G-LSTM classifier: see `zoo.layers.GroupLSTM`.",
    fixed={"cell": "group"},
    without=("rank", "peepholes"),
    summary="`bilstm` with G-LSTMs: states in groups.",
    paper=_SLIM,
)


def embedded_tokens(vocab_size: int, embedding_dim: int, embedding_dropout: float):
    """Builds the start of every recurrent model: ids, their mask, embedded words.

    Returns:
        Symbolic int ids `[batch, time]`, bool `[batch, time]` and
        `[batch, time, embedding_dim]`.
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = layers.PaddingMask(name="mask")(tokens)
    x = keras.layers.Embedding(vocab_size, embedding_dim, name="embedding")(tokens)
    x = keras.layers.Dropout(embedding_dropout, name="embedding_dropout")(x)
    return tokens, mask, x


def both_directions(
    x,
    mask,
    units: int,
    *,
    cell: str = "lstm",
    window: int | None = WINDOW,
    suffix: str = "",
    **of_cell,
) -> list:
    """Builds a recurrent layer in each direction, over windows of a long text.

    LSTMs are separate layers, so that a language model can initialise them.

    Args:
        x: `[batch, time, features]`.
        mask: bool `[batch, time]`.
        units: width of the state of each direction.
        cell: one of `zoo.models._cells.CELLS`.
        window: steps after which the state starts again from zero, in both directions;
            `None` reads a text in one piece.
        suffix: end of the names of the layers, which are unique in a model.
        of_cell: arguments of cells, such as `rank`.

    Returns:
        Two times `[batch, time, units]`, both in the order of the text.
    """
    whole = mask
    if window is not None:
        x = layers.Windows(window, name=f"windows{suffix}")(x)
        mask = layers.Windows(window, name=f"window_masks{suffix}")(mask)
    if cell != "lstm":
        layer = recurrent(
            cell, units, of_cell, return_sequences=True, name=f"lstm{suffix}"
        )
        bidirectional = layers.Bidirectional(
            layer, merge_mode=None, name=f"bidirectional{suffix}"
        )
        both = list(bidirectional(x, mask=mask))
        return both if window is None else _joined(both, whole, suffix)
    options = {
        "return_sequences": True,
        "peepholes": of_cell.get("peepholes", False),
    }
    forward = layers.LSTM(units, name=f"shared_forward{suffix}", **options)
    backward = layers.BackwardLSTM(units, name=f"shared_backward{suffix}", **options)
    both = [forward(x, mask=mask), backward(x, mask=mask)]
    return both if window is None else _joined(both, whole, suffix)


def deep_directions(
    x, mask, units: int, *, depth: int, dropout: float = 0.0, **options
) -> list:
    """Builds several layers in both directions; each reads the states before it.

    Args:
        x: `[batch, time, features]`.
        mask: bool `[batch, time]`.
        units: width of the state of each direction.
        depth: number of layers.
        dropout: rate between layers.
        options: those of `both_directions`.

    Returns:
        The states of the last layer, as of `both_directions`.

    Raises:
        ValueError: for a depth below 1.
    """
    if depth < 1:
        raise ValueError(f"`depth` must be at least 1. Received: depth={depth!r}.")
    states = both_directions(x, mask, units, **options)
    for number in range(2, depth + 1):
        x = keras.layers.Concatenate(name=f"states_{number - 1}")(states)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"dropout_{number - 1}")(x)
        states = both_directions(x, mask, units, suffix=f"_{number}", **options)
    return states


def _joined(both, mask, suffix: str) -> list:
    names = f"joined_forward{suffix}", f"joined_backward{suffix}"
    return [
        layers.JoinWindows(name=name)(states, mask)
        for name, states in zip(names, both, strict=True)
    ]


def pool_states(states, mask, pooling: str):
    """Computes the features of a text from the states of both directions.

    Args:
        states: forward and backward `[batch, time, units]`, in the order of the text.
        mask: bool `[batch, time]`.
        pooling: one of `POOLINGS`.

    Returns:
        `[batch, 2 * units]`.

    Raises:
        ValueError: for an unknown pooling.
    """
    if pooling not in POOLINGS:
        raise ValueError(
            f"`pooling` must be one of {', '.join(POOLINGS)}. "
            f"Received: pooling={pooling!r}."
        )
    forward, backward = states
    if pooling == "last":
        ends = [layers.LastState(name="last")(forward, mask=mask), backward[:, 0]]
        return keras.layers.Concatenate(name="features")(ends)
    pool = {
        "mean": layers.MaskedMeanPooling,
        "max": layers.MaskedMaxPooling,
        "attention": layers.AttentionPooling,
    }[pooling]
    states = keras.layers.Concatenate(name="states")([forward, backward])
    return pool(name="features")(states, mask=mask)


def max_and_mean(states, mask):
    """Concatenates maximum and mean of the states over tokens, `[batch, 2 * units]`."""
    return keras.layers.Concatenate(name="pooled")(
        [
            layers.MaskedMaxPooling(name="max")(states, mask=mask),
            layers.MaskedMeanPooling(name="mean")(states, mask=mask),
        ]
    )
