"""Models with a sparsely-gated mixture of experts between other layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo._lazy import keras, layers
from zoo.models._registry import register
from zoo.models._search_space import Choice, Float, Int
from zoo.models.classifiers import (
    DROPOUTS,
    POOLINGS,
    WIDTHS,
    both_directions,
    embedded_tokens,
    max_and_mean,
    pool_states,
)
from zoo.models.heads import heads
from zoo.models.language_models import STATEFUL, language_model, start_options
from zoo.tasks import as_tasks

_SHAZEER = "Shazeer et al. 2017, Outrageously Large Neural Networks"
_LANGUAGE: dict[str, Any] = {
    "task": "language modelling",
    "family": "language",
    "defaults": {"optimizer": "adam", "learning_rate": 1e-3, "clip": 5.0},
}
_BALANCE = Float(0.01, 0.3, log=True)
_LANGUAGE_SPACE = {
    "units": Int(128, 512, factor=2),
    "hidden": Int(256, 1024, factor=2),
    "balance": _BALANCE,
    "dropout": Float(0.0, 0.5),
    "learning_rate": Float(3e-4, 5e-3, log=True),
}
_CLASSIFIER_SPACE = {
    **WIDTHS,
    "num_experts": Int(4, 32, factor=2),
    "k": Int(1, 4),
    "hidden": Int(64, 256, factor=2),
    "balance": _BALANCE,
    **DROPOUTS,
}


@register(
    summary="LSTM, mixture of experts, LSTM.",
    paper=_SHAZEER,
    space={
        **_LANGUAGE_SPACE,
        "num_experts": Int(8, 64, factor=2),
        "k": Int(1, 8, factor=2),
    },
    **_LANGUAGE,
)
def moe_lm(
    vocab_size: int = 10000,
    *,
    units: int = 512,
    num_experts: int = 32,
    k: int = 4,
    hidden: int | Sequence[int] = 1024,
    balance: float = 0.1,
    form: str = "auto",
    dropout: float = 0.1,
    tied: bool = False,
    samples: int = 0,
) -> keras.Model:
    """Language model with a mixture of experts between two LSTMs.

        x_1 = x_0 + dropout(LSTM(x_0)),  x_2 = x_1 + dropout(σ(MoE(x_1))),
        x_3 = x_2 + dropout(LSTM(x_2)),  logits = x_3 Wᵀ + b

    The paper's models of equal cost are `num_experts=1, k=1, hidden=4096` for
    MoE-1-Wide, `num_experts=1, k=1, hidden=[1024] * 4` for MoE-1-Deep, and
    `lstm_lm(depth=4, residual=True)` for 4xLSTM.

    Args:
        vocab_size: number of token ids.
        units: width of every layer.
        num_experts: n.
        k: experts per token.
        hidden: width of each expert's hidden layer, or several widths.
        balance: weight of both balance losses.
        form: how the experts are computed: see `zoo.layers.SparseMoE`.
        dropout: rate on the embedding and on each layer's output.
        tied: whether embedding and softmax share their weights.
        samples: candidates of a sampled softmax in training; 0 for all ids.

    Returns:
        A functional `keras.Model`, like that of `lstm_lm`.

    Example:
        >>> model = moe_lm(50, units=8, num_experts=6, k=2, hidden=4)
        >>> model.output["state"].shape
        (None, 32)
    """
    moe = {"num_experts": num_experts, "k": k, "hidden": hidden, "form": form}
    return _moe_lm("moe_lm", moe, vocab_size, units, balance, dropout, tied, samples)


@register(
    summary="LSTM, mixture of experts in groups, LSTM.",
    paper=f"{_SHAZEER}, appendix B",
    space={
        **_LANGUAGE_SPACE,
        "num_experts": Int(64, 256, factor=2),
        "groups": Int(8, 16, factor=2),
        "k": Int(1, 4),
    },
    **_LANGUAGE,
)
def moe_lm_h(
    vocab_size: int = 10000,
    *,
    units: int = 512,
    num_experts: int = 64,
    groups: int = 8,
    k: int = 2,
    hidden: int | Sequence[int] = 1024,
    balance: float = 0.1,
    form: str = "auto",
    dropout: float = 0.1,
    tied: bool = False,
    samples: int = 0,
) -> keras.Model:
    """`moe_lm` with two levels of gates: a group, then an expert of it.

    Args:
        vocab_size: number of token ids.
        units: width of every layer.
        num_experts: n.
        groups: first-level choices.
        k: choices at each level, so that a token has k² experts.
        hidden: width of each expert's hidden layer, or several widths.
        balance: weight of both balance losses.
        form: how the experts are computed.
        dropout: rate on the embedding and on each layer's output.
        tied: whether embedding and softmax share their weights.
        samples: candidates of a sampled softmax in training; 0 for all ids.

    Returns:
        A functional `keras.Model`, like that of `lstm_lm`.

    Example:
        >>> model = moe_lm_h(50, units=8, num_experts=6, groups=3, hidden=4)
        >>> model.output["logits"].shape
        (None, None, 50)
    """
    moe = {"num_experts": num_experts, "k": k, "hidden": hidden, "form": form}
    moe["groups"] = groups
    return _moe_lm("moe_lm_h", moe, vocab_size, units, balance, dropout, tied, samples)


@register(
    task="text classification",
    summary="`bilstm` with a mixture of experts on its states.",
    paper=_SHAZEER,
    space={**_CLASSIFIER_SPACE, "pooling": Choice(*POOLINGS)},
    defaults={"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 32},
)
def moe_classifier(
    vocab_size: int = 20000,
    tasks=None,
    *,
    embedding_dim: int = 128,
    units: int = 64,
    num_experts: int = 8,
    k: int = 2,
    hidden: int = 128,
    balance: float = 0.1,
    form: str = "auto",
    pooling: str = "max",
    embedding_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """Bidirectional LSTM whose states pass through experts: `h + σ(MoE(h))`, pooled.

    Args:
        vocab_size: number of token ids.
        tasks: in any form that `zoo.tasks.as_tasks` reads; all read the same features.
        embedding_dim: width of the embedding.
        units: width of the state of each direction.
        num_experts: n.
        k: experts per token.
        hidden: width of each expert's hidden layer.
        balance: weight of both balance losses.
        form: how the experts are computed: see `zoo.layers.SparseMoE`.
        pooling: as in `bilstm`.
        embedding_dropout: rate on the embedded words.
        dropout: rate before the heads.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Example:
        >>> moe_classifier(100, 3, units=4, hidden=4).output["label"].shape
        (None, 3)
    """
    tasks = as_tasks(tasks)
    tokens, mask, x = embedded_tokens(vocab_size, embedding_dim, embedding_dropout)
    forward, backward = both_directions(x, mask, units)
    states = keras.layers.Concatenate(name="both")([forward, backward])
    moe = layers.SparseMoE(
        num_experts,
        k,
        hidden,
        output_activation="sigmoid",
        importance_loss=balance,
        load_loss=balance,
        form=form,
        name="experts",
    )
    states = keras.layers.Add(name="residual")([states, moe(states, mask=mask)])
    halves = states[:, :, :units], states[:, :, units:]
    features = pool_states(halves, mask, pooling)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    return keras.Model(tokens, heads(features, tasks), name="moe_classifier")


@register(
    task="multi-task text classification",
    summary="Shared bidirectional LSTM and experts, with a gate for each task.",
    paper="Ma et al. 2018, Multi-gate Mixture-of-Experts; " + _SHAZEER,
    space={**_CLASSIFIER_SPACE, "output_dim": Int(32, 128, factor=2)},
    defaults={"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 32},
    family="classification",
)
def moe_mt(
    vocab_size: int = 20000,
    tasks=None,
    *,
    embedding_dim: int = 128,
    units: int = 64,
    num_experts: int = 8,
    k: int = 2,
    hidden: int = 128,
    output_dim: int = 64,
    balance: float = 0.1,
    form: str = "auto",
    embedding_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """Multi-gate mixture of experts on the pooled states of a bidirectional LSTM.

        s = max_t h_t ⊕ mean_t h_t,  f_m = relu(Σ_i G_m(s)_i E_i(s))
        output_m = V_m dropout(f_m) + c_m

    Args:
        vocab_size: number of token ids.
        tasks: in any form that `zoo.tasks.as_tasks` reads.
        embedding_dim: width of the embedding.
        units: width of the state of each direction.
        num_experts: n, shared by all tasks.
        k: experts that a task's gate chooses for a text.
        hidden: width of each expert's hidden layer.
        output_dim: width of each expert's output.
        balance: weight of both balance losses.
        form: how the experts are computed: see `zoo.layers.SparseMoE`.
        embedding_dropout: rate on the embedded words.
        dropout: rate before the experts and before the heads.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Example:
        >>> model = moe_mt(100, {"a": 2, "b": 3}, units=4, hidden=4)
        >>> model.output["b"].shape
        (None, 3)
    """
    tasks = as_tasks(tasks)
    tokens, mask, x = embedded_tokens(vocab_size, embedding_dim, embedding_dropout)
    states = keras.layers.Concatenate(name="states")(both_directions(x, mask, units))
    shared = max_and_mean(states, mask)
    shared = keras.layers.Dropout(dropout, name="dropout")(shared)
    count = len(tasks)
    moe = layers.SparseMoE(
        num_experts,
        k,
        hidden,
        output_dim=output_dim,
        output_activation="relu",
        gates=count,
        importance_loss=balance,
        load_loss=balance,
        form=form,
        name="experts",
    )
    repeated = keras.layers.RepeatVector(count, name="tasks")(shared)
    features = keras.layers.Dropout(dropout, name="private_dropout")(moe(repeated))
    own = {name: features[:, index] for index, name in enumerate(tasks)}
    return keras.Model(tokens, heads(own, tasks), name="moe_mt")


def _moe_lm(name, moe, vocab_size, units, balance, dropout, tied, samples):
    options = {**STATEFUL, **start_options(1.0, None), "use_bias": False}
    experts = layers.SparseMoE(
        **moe,
        output_activation="sigmoid",
        importance_loss=balance,
        load_loss=balance,
        name="experts",
    )
    stack = [
        layers.LSTM(units, name="lstm_0", **options),
        experts,
        layers.LSTM(units, name="lstm_1", **options),
    ]
    return language_model(
        name,
        stack,
        vocab_size,
        units,
        dropout=dropout,
        tied=tied,
        samples=samples,
        init_scale=None,
        residual=True,
    )
