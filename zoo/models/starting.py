"""Builds models whose word embedding starts from vectors: `zoo.get` with `weights`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from zoo import weights as shipped
from zoo._lazy import keras
from zoo.models import _registry
from zoo.text.vocabulary import SPECIALS, check_vocabulary

if TYPE_CHECKING:
    import numpy as np

_LAYER, _SOURCE = "embedding", "source_embedding"


def get(name: str, *sizes, weights: str = shipped.NONE, **keywords):
    """Builds a new model.

    With `weights="english"` the word embedding starts from word vectors that ship in
    the package, so it is 256 wide, or 100 with `"glove-en"`, and is trained further.
    Without a vocabulary the model has that of the vectors,
    `zoo.weights.vocabulary("english")`: four special tokens and 40,000 English words in
    lower case. The pipeline that goes with it is
    `zoo.TextPipeline(zoo.weights.vocabulary("english"))`, and for a tagger
    `zoo.TaggingPipeline` with these words. With the words of a vocabulary of one's own,
    such as `pipeline.vocabulary`, the words that have a vector start from it, the
    others at random.

    Args:
        name: a name from `list_models()`.
        *sizes: the builder's first arguments: `vocab_size`, a number or the words by
            id, then for classifiers and taggers `tasks`, for translation
            `target_vocab_size`.
        weights: `"english"`, `"glove-en"` or `"none"`.
        **keywords: the builder's other arguments; `describe(name)` lists them.

    Returns:
        A functional `keras.Model`, not compiled. A classifier maps token ids `[batch,
        time]`, with 0 as padding, to a dict from task name to float32 logits `[batch,
        labels]` (for a regression the value `[batch, 1]`); a language model maps tokens
        and a state to logits and the new state (see `lstm_lm`), a translation model a
        source and a target to logits (see `seq2seq`).

    Raises:
        ValueError: for an unknown name or keyword; the message suggests the nearest
            one. Also for `weights` with a number for the words, another width, or a
            model whose embedding is part of its softmax; and if Keras's `floatx` is not
            float32.

    Example:
        >>> model = get("bilstm", weights="glove-en", units=8)
        >>> model.get_layer("embedding").input_dim, model.output["label"].shape
        (40004, (None, 2))
        >>> words = ["[PAD]", "[UNK]", "[BEGIN]", "[END]", "good", "bad"]
        >>> get("bilstm", words, 3, weights="glove-en", units=8).output["label"].shape
        (None, 3)
    """
    if weights == shipped.NONE:
        if sizes and _has_specials(sizes[0]):
            sizes = (len(check_vocabulary(sizes[0])), *sizes[1:])
        return _registry.get(name, *sizes, **keywords)
    if weights not in shipped.NAMES:
        raise ValueError(
            "`weights` must name word vectors that ship in the package. Accepted: "
            f"{', '.join(shipped.NAMES)} or {shipped.NONE}; `zoo.train` also takes "
            f"{shipped.AUTO}, which looks at its texts. Received: weights={weights!r}."
        )
    first, *rest = sizes or (keywords.pop("vocab_size", None),)
    if first is None:
        first = shipped.vocabulary(weights)
    if not isinstance(first, (list, tuple)):
        raise ValueError(
            "`weights` needs the words of the vocabulary, because each has its own "
            "vector. Accepted: a list of words by id, such as `pipeline.vocabulary`, "
            f"or nothing for `zoo.weights.vocabulary({weights!r})`. "
            f"Received: vocab_size={first!r} with weights={weights!r}."
        )
    if "embedding_dim" not in _registry.describe(name).keywords:
        raise ValueError(
            "`weights` needs a model with a word embedding. Accepted: a model with the "
            "argument `embedding_dim`. "
            f"Received: name={name!r} with weights={weights!r}."
        )
    matrix, _ = shipped.read_vectors(weights, check_vocabulary(first))
    model = started(name, matrix, rest, keywords)
    if not any(map(_is_of_words, model.layers)):
        raise ValueError(
            "`weights` needs a word embedding that is not part of the softmax. "
            "Accepted: tied=False for a language model, and a `target_vocab_size` for "
            f"translation. Received: name={name!r} with weights={weights!r}."
        )
    return model


def _has_specials(value) -> bool:
    """Returns whether a value is a vocabulary, and not the size of one."""
    listed = isinstance(value, (list, tuple))
    return listed and tuple(value[: len(SPECIALS)]) == SPECIALS


def started(
    name: str, matrix: np.ndarray, sizes: Sequence, keywords: Mapping
) -> keras.Model:
    """Builds a registered model with its word embedding set to vectors.

    A translation model multiplies its embedding by the root of its width, so there the
    vectors are divided by it.

    Args:
        name: name of the model.
        matrix: float32 `[words, width]`.
        sizes: the builder's arguments after `vocab_size`: tasks, or sizes.
        keywords: further arguments of the builder.

    Raises:
        ValueError: for an `embedding_dim` that differs from the width of the vectors.
    """
    if "embedding_dim" not in _registry.describe(name).keywords:
        return _registry.get(name, len(matrix), *sizes, **keywords)
    width = matrix.shape[1]
    given = keywords.get("embedding_dim", width)
    if given != width:
        raise ValueError(
            f"`embedding_dim` must equal the width of the vectors. Accepted: {width}, "
            f"or no value. Received: embedding_dim={given!r}."
        )
    keywords = {**keywords, "embedding_dim": width}
    if "vectors" in _registry.describe(name).keywords:
        chosen = {"variant": "non-static", **keywords, "vectors": matrix}
        return _registry.get(name, len(matrix), *sizes, **chosen)
    model = _registry.get(name, len(matrix), *sizes, **keywords)
    for layer in model.layers:  # one, or one for each task besides it
        if _is_of_words(layer):
            scale = math.sqrt(width) if layer.name == _SOURCE else 1.0
            layer.set_weights([matrix / scale])
    return model


def set_target(model: keras.Model, matrix: np.ndarray) -> None:
    """Sets the target embedding of a translation model, if it has one of its own."""
    for layer in model.layers:
        if layer.name == "target_embedding":
            layer.set_weights([matrix / math.sqrt(matrix.shape[1])])


def _is_of_words(layer) -> bool:
    named = layer.name == _SOURCE or layer.name.startswith(_LAYER)
    return isinstance(layer, keras.layers.Embedding) and named
