"""Taggers: words and their characters, an LSTM in each direction, a tag per word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo._lazy import keras, layers
from zoo.models._cells import CELL_SPACE, IF_FACTORIZED
from zoo.models._registry import register
from zoo.models._search_space import Choice, Float, Int
from zoo.models.classifiers import both_directions, max_and_mean
from zoo.models.heads import heads, layer_name
from zoo.tasks import TAGS, Task, as_tasks

CHARACTERS = ("cnn", "lstm", "none")
_DEFAULT_TASKS = {"tags": Task(TAGS, ("O", "B", "I"), scheme="BIO")}
_SPELLED = {"characters": ("cnn", "lstm")}
_COMMON: dict[str, Any] = {
    "task": "tagging",
    "family": "tagging",
    "defaults": {"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 16},
    "space": {
        "characters": Choice(*CHARACTERS),
        "character_dim": Int(15, 60, factor=2, when=_SPELLED),
        "character_units": Int(20, 60, step=10, when=_SPELLED),
        "embedding_dim": Int(50, 200, factor=2),
        "units": Int(50, 400, factor=2),
        "embedding_dropout": Float(0.0, 0.6),
        "dropout": Float(0.0, 0.6),
        **CELL_SPACE,
        "rank": Int(25, 100, factor=2, when=IF_FACTORIZED),
    },
}


@register(
    summary="Bidirectional LSTM over words and characters, a softmax for each word.",
    paper="Ma and Hovy 2016, section 2; Lample et al. 2016, section 4",
    **_COMMON,
)
def bilstm_tagger(
    vocab_size: int = 30000,
    tasks=None,
    *,
    characters: str = "cnn",
    character_count: int = 128,
    character_dim: int = 30,
    character_units: int = 30,
    embedding_dim: int = 100,
    units: int = 200,
    cell: str = "lstm",
    rank: int = 50,
    groups: int = 2,
    embedding_dropout: float = 0.5,
    dropout: float = 0.5,
) -> keras.Model:
    """Tags words one by one: `p_t = softmax(W h_t + b)`, `h_t = →h_t ⊕ ←h_t`.

        x_t = dropout(E[word_t] ⊕ c(letters of word_t)),  h = dropout(BiLSTM(x))

    `c` is a convolution with windows of three letters and its maximum over the word, or
    the last states of an LSTM in each direction. Tasks of whole sentences, such as an
    intent, read the maximum and the mean of `h` over the words.

    Args:
        vocab_size: number of word ids.
        tasks: in any form that `zoo.tasks.as_tasks` reads; tasks of kind `"tags"` have
            a tag for each word, the others a label for the sentence.
        characters: `"cnn"`, `"lstm"` or `"none"`.
        character_count: number of character ids.
        character_dim: width of the characters' embedding.
        character_units: width of `c`; half of it for each direction of the LSTM.
        embedding_dim: width of the words' embedding.
        units: width of the state of each direction.
        cell: `"lstm"`, `"factorized"`, `"group"`, `"gru"`, `"sru"`, `"qrnn"`,
            `"mingru"` or `"minlstm"`, over the words.
        rank: rank of the gate matrices of factorized cells.
        groups: groups of group cells; must divide `units` and the width of `x`.
        embedding_dropout: rate on `x`.
        dropout: rate on `h`.

    Returns:
        A functional `keras.Model`: a dict of `tokens`, int ids `[batch, time]`, and,
        unless `characters` is `"none"`, `characters`, int ids `[batch, time, letters]`,
        both 0 for padding, to a dict from task to float32 logits: `[batch, time, tags]`
        for tags, otherwise `[batch, outputs]`.

    Raises:
        ValueError: for an unknown `characters` or `cell`, an odd `character_units` of
            LSTMs, or tasks without tags.

    Example:
        >>> model = bilstm_tagger(50, {"pos": Task("tags", ("NOUN", "VERB"))})
        >>> model.output["pos"].shape
        (None, None, 2)
    """
    return _tagger(
        "bilstm_tagger",
        False,
        vocab_size,
        tasks,
        characters,
        character_count,
        character_dim,
        character_units,
        embedding_dim,
        units,
        embedding_dropout,
        dropout,
        {"cell": cell, "rank": rank, "groups": groups},
    )


@register(
    summary="bilstm_tagger with a CRF over the tags of a sentence.",
    paper="Lample et al. 2016, section 2; Ma and Hovy 2016",
    **_COMMON,
)
def bilstm_crf(
    vocab_size: int = 30000,
    tasks=None,
    *,
    characters: str = "cnn",
    character_count: int = 128,
    character_dim: int = 30,
    character_units: int = 30,
    embedding_dim: int = 100,
    units: int = 200,
    cell: str = "lstm",
    rank: int = 50,
    groups: int = 2,
    embedding_dropout: float = 0.5,
    dropout: float = 0.5,
) -> keras.Model:
    """`bilstm_tagger` that predicts the best path of a linear-chain CRF.

        e_t = W h_t + b
        p(y | x) ∝ exp(start[y_1] + Σ_t e_t[y_t] + Σ_t A[y_{t-1}, y_t] + end[y_n])

    The scheme of a task defines which tag may follow which; forbidden tags are never
    predicted. The logits are the emissions `e_t`; `zoo.layers.CRF.decode` of the
    task's layer decodes them, as in `zoo.families.tagging.decoder.Decoder`.

    Args:
        vocab_size: number of word ids.
        tasks: as in `bilstm_tagger`; each task of kind `"tags"` has its own CRF.
        characters: `"cnn"`, `"lstm"` or `"none"`.
        character_count: number of character ids.
        character_dim: width of the characters' embedding.
        character_units: width of the features of a word's characters.
        embedding_dim: width of the words' embedding.
        units: width of the state of each direction.
        cell: `"lstm"`, `"factorized"`, `"group"`, `"gru"`, `"sru"`, `"qrnn"`,
            `"mingru"` or `"minlstm"`, over the words.
        rank: rank of the gate matrices of factorized cells.
        groups: groups of group cells; must divide `units` and the width of `x`.
        embedding_dropout: rate on words and characters.
        dropout: rate on the states.

    Returns:
        A functional `keras.Model`, like that of `bilstm_tagger`.

    Raises:
        ValueError: as `bilstm_tagger`, and for tags that are not of the task's scheme.

    Example:
        >>> tasks = {"ner": Task("tags", ("O", "B-X", "I-X"), scheme="BIO")}
        >>> bilstm_crf(50, tasks).get_layer("crf_ner").tags
        3
    """
    return _tagger(
        "bilstm_crf",
        True,
        vocab_size,
        tasks,
        characters,
        character_count,
        character_dim,
        character_units,
        embedding_dim,
        units,
        embedding_dropout,
        dropout,
        {"cell": cell, "rank": rank, "groups": groups},
    )


def _tagger(
    name,
    crf,
    vocab_size,
    tasks,
    characters,
    character_count,
    character_dim,
    character_units,
    embedding_dim,
    units,
    embedding_dropout,
    dropout,
    of_cell,
):
    tasks = as_tasks(_DEFAULT_TASKS if tasks is None else tasks)
    tagged = [task for task, spec in tasks.items() if spec.kind == TAGS]
    if not tagged:
        kinds = {task: spec.kind for task, spec in tasks.items()}
        raise ValueError(
            "`tasks` of a tagger must hold tags. Accepted: at least one Task of kind "
            f"{TAGS!r}. Received: {kinds}."
        )
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    inputs = {"tokens": tokens}
    mask = layers.PaddingMask(name="mask")(tokens)
    x = keras.layers.Embedding(vocab_size, embedding_dim, name="embedding")(tokens)
    if characters != "none":
        letters = keras.Input((None, None), dtype="int32", name="characters")
        inputs["characters"] = letters
        spelling = _spelling(
            letters, characters, character_count, character_dim, character_units
        )
        x = keras.layers.Concatenate(name="words")([x, spelling])
    x = keras.layers.Dropout(embedding_dropout, name="embedding_dropout")(x)
    both = both_directions(x, mask, units, **of_cell)
    states = keras.layers.Concatenate(name="states")(both)
    states = keras.layers.Dropout(dropout, name="dropout")(states)
    features = dict.fromkeys(tasks, states)
    if len(tagged) < len(tasks):
        pooled = max_and_mean(states, mask)
        features = {task: states if task in tagged else pooled for task in tasks}
    outputs = heads(features, tasks)
    if crf:
        for task in tagged:
            layer = _crf(tasks[task], layer_name("crf", tasks, task))
            outputs[task] = layer(outputs[task], mask=mask)
    return keras.Model(inputs, outputs, name=name)


def _spelling(letters, kind: str, count: int, width: int, units: int):
    """Computes features of the characters of each word, `[batch, time, units]`."""
    if kind not in CHARACTERS:
        raise ValueError(
            f"`characters` must be one of {', '.join(CHARACTERS)}. "
            f"Received: characters={kind!r}."
        )
    if kind == "cnn":
        layer = layers.TextConvolution(units, 3, name="convolution")
    elif units % 2:
        raise ValueError(
            "`character_units` must be even: each direction has half of it. "
            f"Received: character_units={units!r}."
        )
    else:
        layer = layers.Bidirectional(layers.LSTM(units // 2), name="letters_lstm")
    embedded = keras.layers.Embedding(count, width, name="letters")(letters)
    mask = keras.ops.not_equal(letters, 0)
    return layers.ByWord(layer, name="spelling")(embedded, mask=mask)


def _crf(task: Task, name: str):
    constraints: Mapping = {}
    if task.scheme:
        from zoo.data.tag_schemes import crf_constraints

        constraints = crf_constraints(task.labels, task.scheme)
    return layers.CRF(task.outputs, use_boundary=True, name=name, **constraints)
