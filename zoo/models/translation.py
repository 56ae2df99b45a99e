"""Translation: an LSTM encoder, an LSTM decoder, attention between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo._lazy import keras, layers
from zoo.models._cells import CELL_SPACE, IF_FACTORIZED, IF_GROUP, recurrent, states_of
from zoo.models._registry import register
from zoo.models._search_space import Choice, Float, Int
from zoo.models.decoder import Decoder, residual, scaled

ATTENTIONS = ("additive", "multiplicative", "tanh_product")
_SPACE = {
    **CELL_SPACE,
    "units": Int(128, 512, factor=2),
    "rank": Int(16, 64, factor=2, when=IF_FACTORIZED),
    "groups": Int(2, 4, factor=2, when=IF_GROUP),
    "embedding_dim": Int(128, 512, factor=2),
    "encoder_depth": Int(1, 3),
    "decoder_depth": Int(1, 3),
    "attention": Choice(*ATTENTIONS),
    "dropout": Float(0.0, 0.5),
}
_COMMON: dict[str, Any] = {
    "task": "translation",
    "family": "translation",
    "defaults": {"optimizer": "adam", "learning_rate": 2e-3},
}


@register(
    summary="LSTM encoder and decoder with attention, residuals as in GNMT.",
    space=_SPACE,
    paper="Wu et al. 2016 (GNMT), section 3; Shazeer et al. 2017, appendices E and G",
    **_COMMON,
)
def seq2seq(
    vocab_size: int = 8000,
    target_vocab_size: int | None = None,
    *,
    cell: str = "lstm",
    units: int = 256,
    projection: int | None = None,
    rank: int = 64,
    groups: int = 2,
    embedding_dim: int = 256,
    encoder_depth: int = 2,
    decoder_depth: int = 2,
    attention: str = "tanh_product",
    dropout: float = 0.3,
    tied: bool = True,
) -> keras.Model:
    """Stacks of LSTMs with residuals; the decoder attends to the encoder's states.

        x_1 = x_0 + →LSTM_1(x_0) + ←LSTM_1(x_0),  x_l = x_{l-1} + LSTM_l(x_{l-1})

    with `x_0` the embedded source times √dim; the last `x` is the memory. See
    `zoo.models.decoder.Decoder` for the decoder. Its first LSTM begins with
    `h = tanh(V s + a)` and `c = U s + b` of the last state `s` of the encoder (or
    those that its cell has), the others with zeros. Residuals are added if the widths
    are equal.

    GNMT feeds the context of a step into the first LSTM at the next step, so each step
    waits for the attention of the previous one. Here the first LSTM reads only the
    target: its states of all steps are the queries of one attention call, and the
    context goes to the layers above and to the output. So in training every LSTM is one
    scan with its input projections in one matmul, and the attended context reaches
    later steps through the second LSTM.

    Args:
        vocab_size: number of ids of the source, and of the target if they share them.
        target_vocab_size: number of ids of the target; `None` if source and target
            share one vocabulary and one embedding.
        cell: `"lstm"`, `"factorized"`, `"group"`, `"gru"`, `"sru"`, `"qrnn"`,
            `"mingru"` or `"minlstm"`, in place of all LSTMs.
        units: width of each LSTM's cell.
        projection: width of each LSTM's output, or `None` for `units`.
        rank: rank of the gate matrices of factorized cells.
        groups: groups of group cells; must divide all widths.
        embedding_dim: width of the embeddings and of the readout.
        encoder_depth: layers of the encoder; the first reads in both directions and
            returns their sum.
        decoder_depth: layers of the decoder.
        attention: `"additive"` (Bahdanau), `"multiplicative"` (Luong) or
            `"tanh_product"` (Shazeer et al.).
        dropout: rate on the embeddings, each layer's output and the readout.
        tied: whether target embedding and softmax share their weights.

    Returns:
        A functional `keras.Model`: a dict of `source` and `target`, int ids
        `[batch, time]`, 0 for padding, to logits float32
        `[batch, target time, target_vocab_size]` of the token after each of the target,
        which begins with the begin token.

    Raises:
        ValueError: for an unknown `cell` or `attention`, or a depth below 1.

    Example:
        >>> model = seq2seq(50, units=8, embedding_dim=8)
        >>> sorted(model.input), model.output.shape
        (['source', 'target'], (None, None, 50))
    """
    stacks = _Stacks(
        cell, units, projection, rank, groups, encoder_depth, decoder_depth, dropout
    )
    return _translation_model(
        "seq2seq", vocab_size, target_vocab_size, stacks, embedding_dim, attention, tied
    )


@register(
    summary="seq2seq with mixtures of experts in encoder and decoder.",
    space={
        **_SPACE,
        "encoder_depth": Int(2, 4),
        "decoder_depth": Int(2, 4),
        "num_experts": Int(4, 32, factor=2),
        "k": Int(1, 4),
        "hidden": Int(160, 1280, factor=2),
        "gating": Choice("noisy_top_k", "balanced"),
        "balance": Float(0.001, 0.1, log=True),
    },
    paper="Shazeer et al. 2017, section 5.3, appendices E and F",
    **_COMMON,
)
def moe_seq2seq(
    vocab_size: int = 8000,
    target_vocab_size: int | None = None,
    *,
    num_experts: int = 16,
    k: int = 2,
    hidden: int | Sequence[int] = 640,
    expert_groups: int | None = None,
    gating: str = "noisy_top_k",
    balance: float = 0.01,
    form: str = "auto",
    cell: str = "lstm",
    units: int = 256,
    projection: int | None = None,
    rank: int = 64,
    groups: int = 2,
    embedding_dim: int = 256,
    encoder_depth: int = 2,
    decoder_depth: int = 2,
    attention: str = "tanh_product",
    dropout: float = 0.3,
    tied: bool = True,
) -> keras.Model:
    """`seq2seq` with mixtures of experts, `x + dropout(σ(MoE(x)))`.

    They are below the last LSTM of the encoder and above the first LSTM of the decoder,
    as in the paper for an encoder of three layers. By default a token costs as many
    operations as with `seq2seq(encoder_depth=3, decoder_depth=3)`.

    Args:
        vocab_size: number of ids of the source, and of the target if they share them.
        target_vocab_size: number of ids of the target, or `None`.
        num_experts: n, of each of the two mixtures.
        k: experts per token, at each of the two levels with `expert_groups`.
        hidden: width of each expert's hidden layer, or several widths.
        expert_groups: first-level choices of hierarchical gating, or `None`.
        gating: `"noisy_top_k"`, `"switch"` or `"balanced"` (the paper's translation
            models): see `zoo.layers.SparseMoE`.
        balance: weight of both balance losses.
        form: how the experts are computed: see `zoo.layers.SparseMoE`.
        cell: cell of all LSTMs; this and the following are as in `seq2seq`.
        units: width of each LSTM's cell.
        projection: width of each LSTM's output, or `None` for `units`.
        rank: rank of the gate matrices of factorized cells.
        groups: number of groups of group cells.
        embedding_dim: width of the embeddings and of the readout.
        encoder_depth: layers of the encoder, at least 2.
        decoder_depth: layers of the decoder, at least 2.
        attention: `"additive"`, `"multiplicative"` or `"tanh_product"`.
        dropout: rate on the embeddings, each layer's output and the readout.
        tied: whether target embedding and softmax share their weights.

    Returns:
        A functional `keras.Model`, like that of `seq2seq`.

    Raises:
        ValueError: as `seq2seq`, and for sizes that do not fit.

    Example:
        >>> model = moe_seq2seq(50, units=8, embedding_dim=8, num_experts=4, hidden=4)
        >>> model.get_layer("encoder_experts").num_experts
        4
    """
    for name, depth in (
        ("encoder_depth", encoder_depth),
        ("decoder_depth", decoder_depth),
    ):
        if depth < 2:
            raise ValueError(
                f"`{name}` must be at least 2: the experts are between two LSTMs. "
                f"Received: {name}={depth!r}."
            )
    stacks = _Stacks(
        cell, units, projection, rank, groups, encoder_depth, decoder_depth, dropout
    )
    moe = {
        "num_experts": num_experts,
        "k": k,
        "hidden": hidden,
        "groups": expert_groups,
        "gating": gating,
        "importance_loss": balance,
        "load_loss": balance,
        "form": form,
        "output_activation": "sigmoid",
    }
    return _translation_model(
        "moe_seq2seq",
        vocab_size,
        target_vocab_size,
        stacks,
        embedding_dim,
        attention,
        tied,
        moe,
    )


class _Stacks:
    """The common part of both stacks of LSTMs; creates their layers."""

    def __init__(
        self, cell, units, projection, rank, groups, encoder_depth, decoder_depth, rate
    ) -> None:
        for name, depth in (("encoder", encoder_depth), ("decoder", decoder_depth)):
            if depth < 1:
                raise ValueError(
                    f"`{name}_depth` must be at least 1. "
                    f"Received: {name}_depth={depth!r}."
                )
        self.cell, self.units, self.rate = cell, units, rate
        self.of_cell = {"projection": projection, "rank": rank, "groups": groups}
        self.width = projection or units
        self.encoder_depth, self.decoder_depth = encoder_depth, decoder_depth

    def lstm(self, name: str, **options):
        """Creates a layer over all steps, for any cell."""
        options = {"return_sequences": True, "name": name, **options}
        return recurrent(self.cell, self.units, self.of_cell, **options)

    def dropout(self, x, name: str):
        return keras.layers.Dropout(self.rate, name=name)(x)

    def encode(self, x, mask, moe: Mapping | None):
        """Returns the memory `[batch, time, width]` and the last state."""
        for index in range(self.encoder_depth):
            lstm = self.lstm(f"encoder_lstm_{index}", return_state=True)
            self.sizes = lstm.cell.state_size
            if index == 0:
                lstm = layers.Bidirectional(lstm, "sum", name="encoder_lstm_0")
            if moe and index == self.encoder_depth - 1:
                experts = layers.SparseMoE(**moe, name="encoder_experts")
                more = experts(x, mask=mask)
                x = x + self.dropout(more, "encoder_experts_dropout")
            y, *states = lstm(x, mask=mask)
            x = residual(x, self.dropout(y, f"encoder_dropout_{index}"))
        if self.encoder_depth == 1:  # forward, then backward
            return x, states[0] + states[len(states) // 2]
        return x, states[0]

    def start(self, last) -> list:
        """Returns the initial states of the decoder's first LSTM."""
        bounds = {"h": "tanh"}
        return [
            keras.layers.Dense(size, bounds.get(state), name=f"start_{state}")(last)
            for state, size in zip(states_of(self.cell), self.sizes)
        ]


def _translation_model(
    name: str,
    vocab_size: int,
    target_vocab_size: int | None,
    stacks: _Stacks,
    embedding_dim: int,
    attention: str,
    tied: bool,
    moe: Mapping | None = None,
) -> keras.Model:
    _check_choice("attention", attention, ATTENTIONS)
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    source_mask = layers.PaddingMask(name="source_mask")(source)
    target_mask = layers.PaddingMask(name="target_mask")(target)
    embed_source, embed_target, softmax = _embeddings(
        vocab_size, target_vocab_size, embedding_dim, tied
    )
    x = stacks.dropout(embed_source(source), "source_dropout")
    memory, last = stacks.encode(x, source_mask, moe)
    memory = keras.layers.Identity(name="memory")(memory)
    start = stacks.start(last)
    decoder = Decoder(
        embed=embed_target,
        stack=[stacks.lstm(f"decoder_lstm_{i}") for i in range(stacks.decoder_depth)],
        attention=_attention(attention, stacks.width),
        experts=layers.SparseMoE(**moe, name="decoder_experts") if moe else None,
        readout=keras.layers.Dense(embedding_dim, "tanh", name="readout"),
        softmax=softmax,
    )
    logits, _ = decoder.run(
        target,
        lambda index, x: decoder.stack[index](
            x, initial_state=None if index else start
        ),
        lambda queries: decoder.attention(queries, memory, mask=source_mask),
        stacks.dropout,
        target_mask,
    )
    return keras.Model({"source": source, "target": target}, logits, name=name)


def _embeddings(vocab_size, target_vocab_size, dim: int, tied: bool):
    """Returns the source embedding, the target embedding and the softmax."""
    shared, target_size = target_vocab_size is None, target_vocab_size or vocab_size

    def start():
        # A new one each time, because one object would repeat the same numbers.
        return keras.initializers.RandomNormal(stddev=dim**-0.5)

    def embedding(name: str, size: int):
        layer = keras.layers.Embedding(size, dim, start(), name=name)
        return lambda ids: scaled(layer(ids))

    if tied:
        softmax = layers.TiedSoftmax(
            target_size, dim, samples=0, kernel_initializer=start(), name="softmax"
        )

        def embed_target(ids):
            return scaled(softmax(ids, embed=True))
    else:
        softmax = layers.SampledSoftmax(target_size, samples=0, name="softmax")
        embed_target = embedding("target_embedding", target_size)
    if shared:
        return embed_target, embed_target, softmax
    return embedding("source_embedding", vocab_size), embed_target, softmax


def _attention(kind: str, units: int):
    if kind == "multiplicative":
        return layers.MultiplicativeAttention(name="attention")
    kinds = {
        "additive": layers.AdditiveAttention,
        "tanh_product": layers.TanhProductAttention,
    }
    return kinds[kind](units, name="attention")


def _check_choice(name: str, value, accepted: Sequence[str]) -> None:
    if value not in accepted:
        raise ValueError(
            f"`{name}` must be one of {', '.join(accepted)}. "
            f"Received: {name}={value!r}."
        )
