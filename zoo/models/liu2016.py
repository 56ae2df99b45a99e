"""The three multi-task LSTMs of Liu, Qiu and Huang 2016."""

from __future__ import annotations

from zoo._lazy import keras, layers
from zoo.models.heads import heads, layer_name
from zoo.registry import register
from zoo.tasks import as_tasks

_PAPER = "Liu, Qiu and Huang 2016, Recurrent Neural Network for Text Classification "
_PAPER += "with Multi-Task Learning, "


@register(
    task="multi-task text classification",
    summary="Model-I: one LSTM for all tasks over private and shared embeddings.",
    paper=_PAPER + "section 4.1, uniform-layer architecture",
    defaults={"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 32},
    recipe="multi_task",
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
    """Model-I of Liu et al.: each word has a private vector a task and a shared one.

        x_t^(m) = e^(m)(w_t) ⊕ e^(s)(w_t)
        h_t^(m) = LSTM(x_t^(m), h_{t-1}^(m))         # one LSTM for all tasks
        output^(m) = V^(m) h_T^(m) + c^(m)

    Every text runs through the LSTM once for each task, all in one batch, so the cost
    grows with the number of tasks.

    Args:
        vocab_size: number of token ids.
        tasks: what `zoo.tasks.as_tasks` reads.
        embedding_dim: width of the private and of the shared embedding, each.
        units: width of the state.
        peepholes: lets the gates read the cell, by a diagonal weight each.
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

    private = keras.layers.Concatenate(axis=0, name="private_words")(
        [embed(layer_name("embedding", tasks, name)) for name in tasks]
    )
    shared = keras.layers.Concatenate(axis=0, name="shared_words")(
        [embed("embedding")] * len(tasks)
    )
    x = keras.layers.Concatenate(name="words")([private, shared])
    x = keras.layers.Dropout(embedding_dropout, name="embedding_dropout")(x)
    masks = keras.layers.Concatenate(axis=0, name="masks")([mask] * len(tasks))
    # [tasks * batch, units]: all tasks are rows of one batch, the first task's first.
    state = layers.LSTM(units, peepholes=peepholes, name="shared_forward")(x, mask=masks)
    state = keras.layers.Dropout(dropout, name="dropout")(state)
    states = keras.ops.split(state, len(tasks), axis=0)
    outputs = heads(dict(zip(tasks, states, strict=True)), tasks)
    return keras.Model(tokens, outputs, name="mt_uniform")
