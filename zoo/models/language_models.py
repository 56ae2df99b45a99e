"""Recurrent language models: embedding, a stack of LSTMs, softmax; state in and out."""

from __future__ import annotations

from collections.abc import Sequence

from zoo._lazy import keras, layers
from zoo.models._registry import register
from zoo.models._search_space import Float, Int

_COMMON = {"task": "language modelling", "family": "language"}
_SPACE = {
    "embedding_dim": Int(100, 400, step=100),
    "units": Int(100, 400, step=100),
    "depth": Int(1, 3),
    "dropout": Float(0.0, 0.6),
    "learning_rate": Float(0.3, 3.0, log=True),  # of plain SGD
}
_KUCHAIEV = "Kuchaiev and Ginsburg 2017, Factorization Tricks for LSTM Networks"


@register(
    summary="LSTM language model of two layers.",
    paper="Zaremba et al. 2014, Recurrent Neural Network Regularization",
    space=_SPACE,
    defaults={"optimizer": "sgd", "learning_rate": 1.0, "clip": 5.0},
    **_COMMON,
)
def lstm_lm(
    vocab_size: int = 10000,
    *,
    embedding_dim: int = 200,
    units: int = 200,
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

    The state goes in and comes out, so that a text may be read in pieces of any length.

    Args:
        vocab_size: number of token ids.
        embedding_dim: width of the embedding.
        units: width of each layer's cell.
        projection: width of each layer's output, or `None` for `units`.
        depth: number of layers.
        dropout: rate between the layers, fresh at every step; none in the recurrence.
        tied: takes the embedding for the softmax; the widths must agree.
        samples: candidates of a sampled softmax in training; 0 takes all ids. Ids must
            be sorted by frequency, as those of a `TextPipeline` are.
        residual: adds each layer's input to its output; the widths must agree.
        forget_bias: constant added to the forget gates.
        init_scale: matrices start uniform in plus and minus this; `None` for the
            layers' own initialisation.

    Returns:
        A functional `keras.Model`: a dict of `tokens`, int ids `[batch, time]` with 0
        for padding, and `state` float32 `[batch, state]`, zeros at first, to a dict of
        `logits` float32 `[batch, time, vocab_size]` and the new `state`.

    Raises:
        ValueError: for sizes that do not fit.

    Example:
        >>> model = lstm_lm(50, embedding_dim=8, units=6)
        >>> model.output["logits"].shape, model.output["state"].shape
        ((None, None, 50), (None, 24))
    """

    def layer(name: str, options: dict):
        return layers.LSTM(units, projection, name=name, **options)

    return _recurrent_model(
        "lstm_lm", layer, vocab_size, embedding_dim, depth, dropout, tied, samples,
        forget_bias, init_scale, residual,
    )  # fmt: skip


@register(
    summary="F-LSTM language model: gate matrices of low rank.",
    space={**_SPACE, "rank": Int(25, 100, factor=2)},
    paper=_KUCHAIEV,
    defaults={"optimizer": "sgd", "learning_rate": 1.0, "clip": 5.0},
    **_COMMON,
)
def flstm_lm(
    vocab_size: int = 10000,
    *,
    embedding_dim: int = 200,
    units: int = 200,
    rank: int = 50,
    projection: int | None = None,
    depth: int = 2,
    dropout: float = 0.0,
    tied: bool = False,
    samples: int = 0,
    forget_bias: float = 1.0,
    init_scale: float | None = 0.1,
) -> keras.Model:
    """`lstm_lm` on F-LSTMs: see `zoo.layers.FactorizedLSTM`.

    Args:
        vocab_size: number of token ids.
        embedding_dim: width of the embedding.
        units: width of each layer's cell.
        rank: of each layer's gate matrix.
        projection: width of each layer's output, or `None` for `units`.
        depth: number of layers.
        dropout: rate between the layers, fresh at every step.
        tied: takes the embedding for the softmax.
        samples: candidates of a sampled softmax in training; 0 takes all ids.
        forget_bias: constant added to the forget gates.
        init_scale: bound of the uniform start, or `None`.

    Returns:
        A functional `keras.Model`, as `lstm_lm` returns.

    Example:
        >>> model = flstm_lm(50, embedding_dim=8, units=6, rank=2, projection=4)
        >>> model.output["state"].shape
        (None, 20)
    """

    def layer(name: str, options: dict):
        return layers.FactorizedLSTM(units, rank, projection, name=name, **options)

    return _recurrent_model(
        "flstm_lm", layer, vocab_size, embedding_dim, depth, dropout, tied, samples,
        forget_bias, init_scale,
    )  # fmt: skip


@register(
    summary="G-LSTM language model: states cut into groups.",
    space={**_SPACE, "groups": Int(2, 4, factor=2)},
    paper=_KUCHAIEV,
    defaults={"optimizer": "sgd", "learning_rate": 1.0, "clip": 5.0},
    **_COMMON,
)
def glstm_lm(
    vocab_size: int = 10000,
    *,
    embedding_dim: int = 200,
    units: int = 200,
    groups: int = 4,
    shuffle: bool = True,
    projection: int | None = None,
    depth: int = 2,
    dropout: float = 0.0,
    tied: bool = False,
    samples: int = 0,
    forget_bias: float = 1.0,
    init_scale: float | None = 0.1,
) -> keras.Model:
    """`lstm_lm` on G-LSTMs: see `zoo.layers.GroupLSTM`.

    Args:
        vocab_size: number of token ids.
        embedding_dim: width of the embedding, divisible by `groups`.
        units: width of each layer's cell, divisible by `groups`.
        groups: number of groups.
        shuffle: interleaves the groups between the layers.
        projection: width of each layer's output, divisible by `groups`, or `None`.
        depth: number of layers.
        dropout: rate between the layers, fresh at every step.
        tied: takes the embedding for the softmax.
        samples: candidates of a sampled softmax in training; 0 takes all ids.
        forget_bias: constant added to the forget gates.
        init_scale: bound of the uniform start, or `None`.

    Returns:
        A functional `keras.Model`, as `lstm_lm` returns.

    Example:
        >>> model = glstm_lm(50, embedding_dim=8, units=8, groups=2)
        >>> model.output["state"].shape
        (None, 32)
    """

    def layer(name: str, options: dict):
        return layers.GroupLSTM(
            units, groups, projection, shuffle=shuffle, name=name, **options
        )

    return _recurrent_model(
        "glstm_lm", layer, vocab_size, embedding_dim, depth, dropout, tied, samples,
        forget_bias, init_scale,
    )  # fmt: skip


@register(
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
    **_COMMON,
)
def biglstm_lm(
    vocab_size: int = 50000,
    *,
    embedding_dim: int = 256,
    units: int = 1024,
    projection: int = 256,
    depth: int = 2,
    dropout: float = 0.1,
    tied: bool = False,
    samples: int = 2048,
    forget_bias: float = 1.0,
    init_scale: float | None = None,
) -> keras.Model:
    """BIGLSTM, by default at an eighth of its size.

    The model of the paper is `units=8192, projection=1024, embedding_dim=1024,
    samples=8192` with a vocabulary of 793,470.

    Args:
        vocab_size: number of token ids.
        embedding_dim: width of the embedding.
        units: width of each layer's cell.
        projection: width of each layer's output.
        depth: number of layers.
        dropout: rate between the layers, fresh at every step.
        tied: takes the embedding for the softmax.
        samples: candidates of a sampled softmax in training; 0 takes all ids.
        forget_bias: constant added to the forget gates.
        init_scale: bound of the uniform start, or `None`.

    Returns:
        A functional `keras.Model`, as `lstm_lm` returns.

    Example:
        >>> biglstm_lm(50, units=8, projection=4).output["state"].shape
        (None, 24)
    """

    def layer(name: str, options: dict):
        return layers.LSTM(units, projection, name=name, **options)

    return _recurrent_model(
        "biglstm_lm", layer, vocab_size, embedding_dim, depth, dropout, tied, samples,
        forget_bias, init_scale,
    )  # fmt: skip


def start_options(forget_bias: float, init_scale: float | None) -> dict:
    """What the layers of a language model's stack have in common."""
    options = {
        "return_sequences": True,
        "return_state": True,
        "forget_bias": forget_bias,
    }
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
    """Embedding, a stack of layers, softmax; see `lstm_lm` for what it returns.

    Args:
        name: of the model.
        stack: recurrent layers of the zoo that return sequences and states, and other
            layers, which take `[batch, time, d]` and a mask.
        vocab_size: number of token ids.
        embedding_dim: width of the embedding.
        dropout: rate on the embedding and on each layer's output.
        tied: takes the embedding for the softmax.
        samples: candidates of a sampled softmax in training; 0 takes all ids.
        init_scale: bound of the uniform start of embedding and softmax, or `None`.
        residual: adds each layer's input to its output.
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
            own = [parts.pop(0), parts.pop(0)]
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
    # A new one each time: one object would draw the same numbers again and again.
    return keras.initializers.RandomUniform(-scale, scale)


def _recurrent_model(
    name, make_layer, vocab_size, embedding_dim, depth, dropout, tied, samples,
    forget_bias, init_scale, residual=False,
) -> keras.Model:  # fmt: skip
    if depth < 1:
        raise ValueError(f"`depth` must be at least 1. Received: depth={depth!r}.")
    stack = [
        make_layer(f"lstm_{index}", start_options(forget_bias, init_scale))
        for index in range(depth)
    ]
    return language_model(
        name, stack, vocab_size, embedding_dim, dropout=dropout, tied=tied,
        samples=samples, init_scale=init_scale, residual=residual,
    )  # fmt: skip


def _split(state, sizes: Sequence[int]) -> list:
    """`[batch, sum(sizes)]` in parts `[batch, size]`."""
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    return [state[:, end - size : end] for size, end in zip(sizes, ends, strict=True)]
