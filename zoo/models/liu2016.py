"""The three multi-task LSTMs of Liu, Qiu and Huang 2016."""

from __future__ import annotations

from typing import Any

from zoo._lazy import keras, layers
from zoo.models._registry import register
from zoo.models._search_space import Choice, Int
from zoo.models.classifiers import DROPOUTS, both_directions, embedded_tokens
from zoo.models.heads import heads, layer_name
from zoo.tasks import as_tasks

_TITLE = "Liu, Qiu and Huang 2016, Recurrent Neural Network for Text Classification "
_TITLE += "with Multi-Task Learning, "
_COMMON: dict[str, Any] = {
    "task": "multi-task text classification",
    "defaults": {
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "batch_size": 32,
        "max_length": 256,  # one step after the other: no windows
    },
    "family": "classification",
    "space": {
        "embedding_dim": Int(32, 256, factor=2),
        "units": Int(25, 200, factor=2),
        "peepholes": Choice(True, False),
        **DROPOUTS,
    },
}


@register(
    summary="Model-I: one LSTM for all tasks over private and shared embeddings.",
    paper=_TITLE + "uniform-layer architecture",
    **_COMMON,
)
def mt_uniform(
    vocab_size: int = 20000,
    tasks=None,
    *,
    embedding_dim: int = 64,
    units: int = 50,
    peepholes: bool = True,
    embedding_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """Model-I of Liu et al.: each word has a private vector per task and a shared one.

        x_t^(m) = e^(m)(w_t) ⊕ e^(s)(w_t)
        h_t^(m) = LSTM(x_t^(m), h_{t-1}^(m))         # one LSTM for all tasks
        output^(m) = V^(m) dropout(h_T^(m)) + c^(m)

    Every text runs through the LSTM once for each task, all in one batch, so the cost
    grows with the number of tasks.

    Args:
        vocab_size: number of token ids.
        tasks: in any form that `zoo.tasks.as_tasks` reads.
        embedding_dim: width of the private and of the shared embedding, each.
        units: width of the state.
        peepholes: whether the gates see the cell (diagonal weights).
        embedding_dropout: rate on the embedded words.
        dropout: rate before the heads.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Example:
        >>> model = mt_uniform(100, {"a": 2, "b": 3}, embedding_dim=8, units=4)
        >>> model.output["b"].shape
        (None, 3)
    """
    tasks = as_tasks(tasks)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = layers.PaddingMask(name="mask")(tokens)

    def embed(name: str):
        return keras.layers.Embedding(vocab_size, embedding_dim, name=name)(tokens)

    def stack(tensors: list, name: str):
        """Stacks all tasks as rows of one batch, those of the first task first."""
        return keras.layers.Concatenate(axis=0, name=name)(tensors)

    private = [embed(layer_name("embedding", tasks, name)) for name in tasks]
    shared = [embed("embedding")] * len(tasks)
    x = keras.layers.Concatenate(name="words")(
        [stack(private, "private_words"), stack(shared, "shared_words")]
    )
    x = keras.layers.Dropout(embedding_dropout, name="embedding_dropout")(x)
    lstm = layers.LSTM(units, peepholes=peepholes, name="shared_forward")
    state = lstm(x, mask=stack([mask] * len(tasks), "masks"))  # [tasks * batch, units]
    state = keras.layers.Dropout(dropout, name="dropout")(state)
    states = keras.ops.split(state, len(tasks), axis=0)
    outputs = heads(dict(zip(tasks, states, strict=True)), tasks)
    return keras.Model(tokens, outputs, name="mt_uniform")


@register(
    summary="Model-II: two LSTMs, one per task, that read each other's states.",
    paper=_TITLE + "coupled-layer architecture",
    **_COMMON,
)
def mt_coupled(
    vocab_size: int = 20000,
    tasks=None,
    *,
    embedding_dim: int = 64,
    units: int = 50,
    peepholes: bool = True,
    embedding_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """Model-II of Liu et al., for exactly two tasks; see `zoo.layers.CoupledLSTM`.

    Both LSTMs run on every text, whichever task its label belongs to.

    Args:
        vocab_size: number of token ids.
        tasks: two in any form that `zoo.tasks.as_tasks` reads. `None` stands for two
            tasks `"first"` and `"second"` of two categories each.
        embedding_dim: width of the embedding.
        units: width of each task's state.
        peepholes: whether the gates see the cell (diagonal weights).
        embedding_dropout: rate on the embedded words.
        dropout: rate before the heads.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Raises:
        ValueError: unless there are two tasks.

    Example:
        >>> model = mt_coupled(100, {"a": 2, "b": 3}, embedding_dim=8, units=4)
        >>> model.output["b"].shape
        (None, 3)
    """
    tasks = as_tasks({"first": 2, "second": 2} if tasks is None else tasks)
    if len(tasks) != 2:
        raise ValueError(
            "`tasks` of mt_coupled must name exactly two tasks; mt_shared accepts any "
            f"number. Received: {len(tasks)} ({', '.join(tasks)})."
        )
    tokens, mask, x = embedded_tokens(vocab_size, embedding_dim, embedding_dropout)
    coupled = layers.CoupledLSTM(units, peepholes=peepholes, name="coupled")
    states = coupled(x, mask=mask)  # [batch, 2, units]
    states = keras.layers.Dropout(dropout, name="dropout")(states)
    features = {name: states[:, index] for index, name in enumerate(tasks)}
    return keras.Model(tokens, heads(features, tasks), name="mt_coupled")


@register(
    summary="Model-III: an LSTM per task on top of a shared bidirectional LSTM.",
    paper=_TITLE + "shared-layer architecture",
    **_COMMON,
)
def mt_shared(
    vocab_size: int = 20000,
    tasks=None,
    *,
    embedding_dim: int = 64,
    units: int = 50,
    peepholes: bool = True,
    embedding_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """Model-III of Liu et al., for any number of tasks; see `TaskSpecificLSTM`.

    The layers `embedding`, `shared_forward` and `shared_backward` can start from a
    language model (section 4.2 of the paper).

    Args:
        vocab_size: number of token ids.
        tasks: in any form that `zoo.tasks.as_tasks` reads.
        embedding_dim: width of the embedding.
        units: width of each task's state and of each direction of the shared one.
        peepholes: whether the gates see the cell (diagonal weights).
        embedding_dropout: rate on the embedded words.
        dropout: rate before the heads.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Example:
        >>> model = mt_shared(100, {"a": 2, "b": 3}, embedding_dim=8, units=4)
        >>> model.output["b"].shape
        (None, 3)
    """
    tasks = as_tasks(tasks)
    tokens, mask, x = embedded_tokens(vocab_size, embedding_dim, embedding_dropout)
    shared = keras.layers.Concatenate(name="shared")(
        both_directions(x, mask, units, peepholes=peepholes, window=None)
    )
    private = layers.TaskSpecificLSTM(
        len(tasks), units, peepholes=peepholes, name="private"
    )
    states = private(x, shared, mask=mask)  # [batch, tasks, units]
    states = keras.layers.Dropout(dropout, name="dropout")(states)
    features = {name: states[:, index] for index, name in enumerate(tasks)}
    return keras.Model(tokens, heads(features, tasks), name="mt_shared")
