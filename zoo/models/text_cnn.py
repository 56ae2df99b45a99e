"""Kim 2014: one convolution over the words, its maximum over time, softmax.

Beside it, as in `bilstm_mt`, a linear model of n-grams.
"""

from __future__ import annotations

from collections.abc import Sequence

from zoo._lazy import keras, layers
from zoo.models._registry import register
from zoo.models._search_space import Choice, Float, Int
from zoo.models.heads import heads
from zoo.models.linear import NGRAMS, linear_beside
from zoo.tasks import as_tasks

VARIANTS = ("rand", "static", "non-static", "multichannel")


@register(
    task="text classification",
    summary="Convolutions of several window sizes with max pooling, beside n-grams.",
    paper="Kim 2014, Convolutional Neural Networks for Sentence Classification; Wang "
    "and Manning 2012, Baselines and Bigrams, for the n-grams",
    defaults={"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 50},
    space={
        "embedding_dim": Int(100, 300, step=100),
        "windows": Choice((3, 4, 5), (2, 3, 4), (1, 2, 3), (2, 3, 4, 5), (3,)),
        "maps": Int(50, 200, factor=2),
        "dropout": Float(0.0, 0.7),
        "max_norm": Choice(None, 1.5, 3.0),
        "ngrams": Choice((), *NGRAMS),
        "batch_size": Choice(25, 50, 100),
    },
)
def text_cnn(
    vocab_size: int = 20000,
    tasks=None,
    *,
    variant: str = "rand",
    vectors=None,
    embedding_dim: int = 300,
    windows: Sequence[int] = (3, 4, 5),
    maps: int = 100,
    dropout: float = 0.5,
    max_norm: float | None = 3.0,
    ngrams: Sequence[int] = (1, 2),
    ngram_buckets: int = 2**20,
) -> keras.Model:
    """TextCNN: `maps` convolutions of each window size, max over time, linear heads.

        y[w] = max_i ReLU(W_w · x[i : i + w] + b_w)
        output = a (V dropout(⊕_w y[w]) + c) + b n

    With `ngrams`, `n` is the linear model of `zoo.models.linear`: `zoo train` fits it
    to its optimum, trains the network separately, and fits `a` and `b` on the
    validation part after each epoch (`zoo.layers.Stacking`). Without them, or with more
    than 256 labels in all, the output is that of the network, which is Kim's model.

    Variants of the embedding: `"rand"` is initialised at random and trained; `"static"`
    holds `vectors` and is not trained; `"non-static"` starts from `vectors` and is
    trained; `"multichannel"` has one of each and adds their convolutions by the same
    filters before the ReLU, which equals the convolution of the sum of both embeddings.

    After each step each column of `V` is limited to the norm `max_norm`. Kim limits it
    to 3 and halves the weights after training, whereas Keras's dropout doubles the
    features in training: his limit is 1.5 here. Most ports use 3, and the results
    hardly depend on it (Zhang and Wallace 2015).

    Args:
        vocab_size: number of token ids.
        tasks: in any form that `zoo.tasks.as_tasks` reads.
        variant: `"rand"`, `"static"`, `"non-static"` or `"multichannel"`.
        vectors: `[vocab_size, embedding_dim]` for the last three, such as the matrix
            of `zoo.data.vectors.read_vectors`.
        embedding_dim: width of the embedding.
        windows: window sizes in words.
        maps: feature maps of each window size.
        dropout: rate before the heads.
        max_norm: limit on the heads' columns, or `None`.
        ngrams: lengths of the n-grams, such as `(1, 2)`; empty for none.
        ngram_buckets: rows of the table of n-grams.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Raises:
        ValueError: for an unknown variant, or vectors that are missing, have another
            shape, or are given for `"rand"`.

    Example:
        >>> model = text_cnn(100, 3, embedding_dim=8, windows=(2, 3), maps=4)
        >>> model.output["label"].shape
        (None, 3)
    """
    tasks = as_tasks(tasks)
    if variant not in VARIANTS:
        raise ValueError(
            f"`variant` must be one of {', '.join(VARIANTS)}. "
            f"Received: variant={variant!r}."
        )
    _check_vectors(variant, vectors, (vocab_size, embedding_dim))

    def embedding(name: str, trainable: bool):
        layer = keras.layers.Embedding(
            vocab_size,
            embedding_dim,
            embeddings_initializer=keras.initializers.RandomUniform(-0.25, 0.25),
            trainable=trainable,
            name=name,
        )
        if vectors is not None:
            layer.build()
            layer.set_weights([vectors])
        return layer

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = layers.PaddingMask(name="mask")(tokens)
    x = embedding("embedding", variant != "static")(tokens)
    if variant == "multichannel":
        fixed = embedding("fixed_embedding", False)(tokens)
        x = keras.layers.Add(name="channels")([x, fixed])
    pooled = [
        layers.TextConvolution(maps, window, name=f"convolution_{window}")(x, mask=mask)
        for window in windows
    ]
    features = pooled[0]
    if len(pooled) > 1:
        features = keras.layers.Concatenate(name="features")(pooled)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    limit = None if max_norm is None else keras.constraints.MaxNorm(max_norm, axis=0)
    linear = linear_beside(
        tokens, mask, tasks, vocab_size=vocab_size, n=ngrams, buckets=ngram_buckets
    )
    outputs = heads(features, tasks, linear=linear, kernel_constraint=limit)
    return keras.Model(tokens, outputs, name="text_cnn")


def _check_vectors(variant: str, vectors, shape: tuple[int, int]) -> None:
    if (vectors is None) != (variant == "rand"):
        raise ValueError(
            "`vectors` must be given for the variants 'static', 'non-static' and "
            "'multichannel', and only for these. "
            f"Received: variant={variant!r}, vectors="
            f"{None if vectors is None else getattr(vectors, 'shape', '...')}."
        )
    if vectors is not None and tuple(getattr(vectors, "shape", ())) != shape:
        raise ValueError(
            "`vectors` must be an array [vocab_size, embedding_dim] = "
            f"{list(shape)}. Received: shape "
            f"{getattr(vectors, 'shape', None)} of {type(vectors).__name__}."
        )
