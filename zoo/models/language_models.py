"""Recurrent language models: embedding, a stack of cells, softmax; explicit state."""

from __future__ import annotations

from collections.abc import Sequence

from zoo._lazy import keras, layers
from zoo.models._cells import CELL_SPACE, IF_FACTORIZED, IF_GROUP, recurrent
from zoo.models._registry import register, variant
from zoo.models._search_space import Float, Int

STATEFUL = {"return_sequences": True, "return_state": True}  # in every stack
_SPACE = {
    "embedding_dim": Int(100, 400, step=100),
    "units": Int(100, 400, step=100),
    "depth": Int(1, 3),
    "dropout": Float(0.0, 0.6),
    "learning_rate": Float(0.3, 3.0, log=True),  # of plain SGD
    **CELL_SPACE,
    "rank": Int(25, 100, factor=2, when=IF_FACTORIZED),
    "groups": Int(2, 4, factor=2, when=IF_GROUP),
}
_KUCHAIEV = "Kuchaiev and Ginsburg 2017, Factorization Tricks for LSTM Networks"


@register(
    task="language modelling",
    family="language",
    summary="LSTM language model of two layers.",
    paper="Zaremba et al. 2014, Recurrent Neural Network Regularization",
    space=_SPACE,
    defaults={"optimizer": "sgd", "learning_rate": 1.0, "clip": 5.0},
)
def lstm_lm(
    vocab_size: int = 10000,
    *,
    embedding_dim: int = 200,
    units: int = 200,
    cell: str = "lstm",
    rank: int = 50,
    groups: int = 4,
    shuffle: bool = True,
    projection: int | None = None,
    depth: int = 2,
    dropout: float = 0.0,
    tied: bool = False,
    samples: int = 0,
    residual: bool = False,
    forget_bias: float = 0.0,
    init_scale: float | None = 0.1,
) -> keras.Model:
    """LSTM language model; the defaults are the small model of Zaremba et al.

        x_0 = E[token],  x_l = LSTM_l(dropout(x_{l-1})),  logits = dropout(x_L) Wᵀ + b

    The state is an input and an output, so a text may be read in pieces of any length.

    Args:
        vocab_size: number of token ids.
        embedding_dim: width of the embedding.
        units: width of each layer's cell.
        cell: `"lstm"`, `"factorized"`, `"group"`, `"gru"`, `"sru"`, `"qrnn"`,
            `"mingru"` or `"minlstm"`.
        rank: rank of the gate matrices of factorized cells.
        groups: groups of group cells; must divide all widths.
        shuffle: interleaves the groups of group cells between the layers.
        projection: width of each layer's output, or `None` for `units`, as in
            cells that have none.
        depth: number of layers.
        dropout: rate between the layers, with a new mask at every step; none in the
            recurrence.
        tied: whether embedding and softmax share weights; needs equal widths.
        samples: candidates of a sampled softmax in training; 0 for all ids. Ids must
            be sorted by frequency, as those of a `TextPipeline` are.
        residual: whether to add each layer's input to its output (equal widths).
        forget_bias: constant added to the forget gates of LSTMs.
        init_scale: matrices are initialised uniformly within plus and minus this;
            `None` for the layers' own initialisation.

    Returns:
        A functional `keras.Model`: a dict of `tokens`, int ids `[batch, time]` with 0
        for padding, and `state` float32 `[batch, state]`, zeros at first, to a dict of
        `logits` float32 `[batch, time, vocab_size]` and the new `state`.

    Raises:
        ValueError: for sizes that do not fit, or an unknown cell.

    Example:
        >>> model = lstm_lm(50, embedding_dim=8, units=6)
        >>> model.output["logits"].shape, model.output["state"].shape
        ((None, None, 50), (None, 24))
    """

    if depth < 1:
        raise ValueError(f"`depth` must be at least 1. Received: depth={depth!r}.")
    stack = [
        recurrent(
            cell,
            units,
            {
                "rank": rank,
                "groups": groups,
                "shuffle": shuffle,
                "projection": projection,
                **start_options(forget_bias, init_scale),
            },
            name=f"lstm_{index}",
            **STATEFUL,
        )
        for index in range(depth)
    ]
    return language_model(
        "lstm_lm",
        stack,
        vocab_size,
        embedding_dim,
        dropout=dropout,
        tied=tied,
        samples=samples,
        init_scale=init_scale,
        residual=residual,
    )


flstm_lm = variant(
    lstm_lm,
    "flstm_lm",
    "`lstm_lm` on F-LSTMs: see `zoo.layers.FactorizedLSTM`.",
    fixed={"cell": "factorized"},
    without=("groups", "shuffle", "residual"),
    arguments={"forget_bias": 1.0},
    summary="F-LSTM language model: gate matrices of low rank.",
    paper=_KUCHAIEV,
)
glstm_lm = variant(
    lstm_lm,
    "glstm_lm",
    "`lstm_lm` on G-LSTMs: see `zoo.layers.GroupLSTM`.",
    fixed={"cell": "group"},
    without=("rank", "residual"),
    arguments={"forget_bias": 1.0},
    summary="G-LSTM language model: states in groups.",
    paper=_KUCHAIEV,
)
biglstm_lm = variant(
    lstm_lm,
    "biglstm_lm",
    """BIGLSTM, by default at an eighth of its size.

The model of the paper is `units=8192, projection=1024, embedding_dim=1024,
samples=8192` with a vocabulary of 793,470.""",
    fixed={"cell": "lstm"},
    without=("rank", "groups", "shuffle", "residual"),
    arguments={
        "vocab_size": 50000,
        "embedding_dim": 256,
        "units": 1024,
        "projection": 256,
        "dropout": 0.1,
        "samples": 2048,
        "forget_bias": 1.0,
        "init_scale": None,
    },
    summary="Wide projected LSTMs with a sampled softmax, for large vocabularies.",
    paper="Jozefowicz et al. 2016, Exploring the Limits of Language Modeling",
    space={
        "embedding_dim": Int(128, 512, factor=2),
        "units": Int(512, 2048, factor=2),
        "projection": Int(128, 512, factor=2),
        "depth": Int(1, 3),
        "dropout": Float(0.0, 0.5),
        "learning_rate": Float(0.05, 0.5, log=True),  # of Adagrad
    },
    defaults={"optimizer": "adagrad", "learning_rate": 0.2, "clip": 10.0},
)


def start_options(forget_bias: float, init_scale: float | None) -> dict:
    """Returns the initializers of the cells of a language model."""
    options: dict = {"forget_bias": forget_bias}
    for role in ("kernel", "recurrent", "projection"):
        if init_scale is not None:
            options[f"{role}_initializer"] = _uniform(init_scale)
    return options


def language_model(
    name: str,
    stack: Sequence,
    vocab_size: int,
    embedding_dim: int,
    *,
    dropout: float,
    tied: bool,
    samples: int,
    init_scale: float | None,
    residual: bool = False,
) -> keras.Model:
    """Builds embedding, a stack of layers and softmax; returns a model like `lstm_lm`.

    Args:
        name: name of the model.
        stack: recurrent layers of the zoo that return sequences and states, and other
            layers, which take `[batch, time, d]` and a mask.
        vocab_size: number of token ids.
        embedding_dim: width of the embedding.
        dropout: rate on the embedding and on each layer's output.
        tied: whether embedding and softmax share their weights.
        samples: candidates of a sampled softmax in training; 0 for all ids.
        init_scale: bound of the uniform initialisation of embedding and softmax, or
            `None`.
        residual: whether to add each layer's input to its output.
    """
    recurrent = [layer for layer in stack if isinstance(layer, layers.RecurrentLayer)]
    sizes = [size for layer in recurrent for size in layer.cell.state_size]
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    state = keras.Input((sum(sizes),), dtype="float32", name="state")
    mask = layers.PaddingMask(name="mask")(tokens)
    start = {} if init_scale is None else {"kernel_initializer": _uniform(init_scale)}
    width = recurrent[-1].cell.output_size
    if tied:
        if width != embedding_dim:
            raise ValueError(
                "With `tied` the embedding must be as wide as the last layer's output. "
                f"Received: embedding_dim={embedding_dim!r} and an output of {width}."
            )
        softmax = layers.TiedSoftmax(
            vocab_size, width, samples=samples, name="softmax", **start
        )
        x = softmax(tokens, embed=True)
    else:
        softmax = layers.SampledSoftmax(
            vocab_size, samples=samples, name="softmax", **start
        )
        embed = {}
        if init_scale is not None:
            embed["embeddings_initializer"] = _uniform(init_scale)
        x = keras.layers.Embedding(
            vocab_size, embedding_dim, name="embedding", **embed
        )(tokens)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    parts, new = _split(state, sizes), []
    for index, layer in enumerate(stack):
        if layer in recurrent:
            own = [parts.pop(0) for _ in layer.cell.state_size]
            y, *last = layer(x, mask=mask, initial_state=own)
            new += last
        else:
            y = layer(x, mask=mask)
        final = "hidden" if layer is stack[-1] else f"dropout_{index}"
        after = final if not residual else f"dropout_{index}"
        y = keras.layers.Dropout(dropout, name=after)(y)
        if residual:
            final = final if layer is stack[-1] else f"residual_{index}"
            y = keras.layers.Add(name=final)([x, y])
        x = y
    new = keras.layers.Concatenate(dtype="float32", name="new_state")(new)
    return keras.Model(
        {"tokens": tokens, "state": state},
        {"logits": softmax(x), "state": new},
        name=name,
    )


def _uniform(scale: float):
    # A new one each time, because one object would repeat the same numbers.
    return keras.initializers.RandomUniform(-scale, scale)


def _split(state, sizes: Sequence[int]) -> list:
    """Splits `[batch, sum(sizes)]` into parts `[batch, size]`."""
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    return [state[:, end - size : end] for size, end in zip(sizes, ends, strict=True)]
