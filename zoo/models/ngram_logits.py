"""A linear model over word n-grams, to add to the logits of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo._lazy import keras, layers
from zoo.tasks import Task, same_labels

# The bags have unit length, like TF-IDF vectors, so the weights that a few hundred
# steps of Adam reach must be scaled to give confident logits.
_GAIN = 10.0

# With more logits than `_WIDEST` the table has a vector of width `_NARROW` for each
# n-gram, and a matrix turns it into logits: one column per label would take 42 GB for
# 10,000 labels. This costs no accuracy on the 50 fine types of TREC: 16 columns reach
# 80.6 % on the validation part, 32 81.0 %, 64 80.7 %, one per label 78.8 %; and 16 take
# 0.5 GiB less in training.
_WIDEST, _NARROW = 32, 16


def ngram_logits(
    tokens,
    mask,
    tasks: Mapping[str, Task],
    *,
    n: Sequence[int],
    buckets: int,
) -> dict:
    """Returns logits of each task from its n-grams: `10 g`, with `g` a linear model.

    Tasks with the same labels share their logits, which learn from the texts of all of
    them. All are columns of one table, so each n-gram is looked up once. With more than
    32 columns the table has rank 16: `g = W Σ s_b E[b] / |s|`, with `E[b]` `[16]`.

    Args:
        tokens: int ids `[batch, time]`.
        mask: bool `[batch, time]`.
        tasks: the tasks by name.
        n: lengths of the n-grams.
        buckets: rows of the table.

    Returns:
        Dict from task to `[batch, outputs]`.

    Source: Wang and Manning 2012, Baselines and Bigrams; Joulin et al. 2016 for the
    table and, with more than 32 logits, its narrow vectors.
    """
    chosen, width = {}, 0
    for members in same_labels(tasks).values():
        columns = slice(width, width + tasks[members[0]].outputs)
        width = columns.stop
        chosen.update(dict.fromkeys(members, columns))
    narrow = width > _WIDEST
    bag = layers.NGramBag(
        _NARROW if narrow else width,
        buckets=buckets,
        n=n,
        binary=True,
        weighted=True,
        embeddings_initializer="zeros",
        name="ngrams",
    )
    columns = keras.layers.Rescaling(_GAIN, name="ngrams_gain")(bag(tokens, mask=mask))
    if narrow:
        # Columns of norm 1, like those of a table with one column per label. The table
        # is initialised with zeros: n-grams that are not in training have no effect.
        columns = keras.layers.Dense(
            width,
            use_bias=False,
            name="ngrams_logits",
            kernel_initializer=keras.initializers.RandomNormal(stddev=_NARROW**-0.5),
        )(columns)
    return {name: columns[:, chosen[name]] for name in tasks}
