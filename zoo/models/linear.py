"""A linear model over words, their letters and their vectors, in the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo._lazy import keras, layers
from zoo.models._registry import register
from zoo.models._search_space import Choice
from zoo.tasks import Task, as_tasks, same_labels

# More outputs make tables of gigabytes, and a fit of hours.
MOST_OUTPUTS = 256
NGRAMS = ((1,), (1, 2), (1, 2, 3))  # the lengths that a search compares


@register(
    task="text classification",
    summary="Logistic regression on words, letters and word vectors; fitted, exact.",
    paper="Wang and Manning 2012, Baselines and Bigrams; Joulin et al. 2016",
    defaults={"batch_size": 64},
    space={"ngrams": Choice(*NGRAMS)},
)
def linear(
    vocab_size: int = 20000,
    tasks=None,
    *,
    ngrams: Sequence[int] = (1, 2),
    ngram_buckets: int = 2**20,
) -> keras.Model:
    """Logistic regression, or ridge regression, as a Keras model.

        y = c + W_1 φ_1 + W_2 φ_2 + W_3 φ_3

    with `φ_1` the TF-IDF of hashed word n-grams, `φ_2` that of the n-grams of letters
    within words, and `φ_3` the mean of pre-trained word vectors, where there are any.
    Where the validation part prefers that, the weights of `φ_1` are multiplied by the
    ratio of NB-SVM; see `zoo.layers.NGramBag.adapt`.
    No weight is trained by gradients: `zoo train` fits them to their optimum, by
    scikit-learn, and sums the weights of the letters and of the vectors of each token
    once. A model that was not fitted answers 0.

    Args:
        vocab_size: number of token ids.
        tasks: what `zoo.tasks.as_tasks` reads; at most 256 outputs, those of tasks
            with the same labels counted once.
        ngrams: lengths of the word n-grams.
        ngram_buckets: rows of their table.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Raises:
        ValueError: for tasks with too many outputs.

    Example:
        >>> linear(100, 3, ngram_buckets=64).output["label"].shape
        (None, 3)
    """
    tasks = as_tasks(tasks)
    if outputs_of(tasks) > MOST_OUTPUTS:
        raise ValueError(
            "`tasks` of a linear model must not have too many labels. Accepted: "
            f"{MOST_OUTPUTS}; `bilstm_mt` and `text_cnn` take more. Received: "
            f"{outputs_of(tasks)}."
        )
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = layers.PaddingMask(name="mask")(tokens)
    outputs = linear_outputs(
        tokens, mask, tasks, vocab_size=vocab_size, n=ngrams, buckets=ngram_buckets
    )
    return keras.Model(tokens, outputs, name="linear")


def linear_outputs(
    tokens,
    mask,
    tasks: Mapping[str, Task],
    *,
    vocab_size: int,
    n: Sequence[int],
    buckets: int,
) -> dict:
    """Outputs of each task that `zoo.families.classification.fitting` fits.

    Tasks with the same labels share theirs, which learn from the texts of all of them.

    Args:
        tokens: int ids `[batch, time]`.
        mask: bool `[batch, time]`.
        tasks: the tasks by name.
        vocab_size: number of token ids.
        n: lengths of the word n-grams.
        buckets: rows of their table.

    Returns:
        Dict from task to float32 `[batch, outputs]`.
    """
    width = outputs_of(tasks)
    words = layers.NGramBag(
        width,
        buckets=buckets,
        n=n,
        binary=True,
        weighted=True,
        embeddings_initializer="zeros",
        trainable=False,
        dtype="float32",
        name="linear_words",
    )
    letters = layers.TokenBag(width, vocab_size, name="linear_letters")
    meaning = layers.TokenBag(width, vocab_size, combiner="mean", name="linear_vectors")
    bags = [bag(tokens, mask=mask) for bag in (words, letters, meaning)]
    summed = keras.layers.Add(dtype="float32", name="linear")(bags)
    return {name: summed[:, column] for name, column in columns_of(tasks).items()}


def linear_beside(
    tokens, mask, tasks: Mapping[str, Task], *, n, **sizes
) -> dict | None:
    """Returns `linear_outputs` for a network to be stacked with.

    Returns:
        As `linear_outputs`; `None` without n-grams, or for tasks with too many outputs.
    """
    if not n or outputs_of(tasks) > MOST_OUTPUTS:
        return None
    return linear_outputs(tokens, mask, tasks, n=n, **sizes)


def columns_of(tasks: Mapping[str, Task]) -> dict[str, slice]:
    """Which columns of the linear model's outputs are those of a task.

    Example:
        >>> columns_of(as_tasks({"a": 2, "b": 2, "c": 3}))
        {'a': slice(0, 2, None), 'b': slice(0, 2, None), 'c': slice(2, 5, None)}
    """
    chosen, width = {}, 0
    for members in same_labels(tasks).values():
        column = slice(width, width + tasks[members[0]].outputs)
        width = column.stop
        chosen.update(dict.fromkeys(members, column))
    return {name: chosen[name] for name in tasks}


def outputs_of(tasks: Mapping[str, Task]) -> int:
    """How many outputs a linear model of the tasks has."""
    return max(column.stop for column in columns_of(tasks).values())
