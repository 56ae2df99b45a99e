"""A linear model over word n-grams, to add to the logits of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo._lazy import keras, layers
from zoo.tasks import Task, same_labels

# The bags are of unit length, as TF-IDF vectors are, so that weights of the size that a
# few hundred steps of Adam reach must be scaled to make a confident logit.
_GAIN = 10.0

# With more logits than `_WIDEST` the table has a vector of width `_NARROW` for each
# n-gram, and a matrix makes the logits of it: a column a label would be 42 GB at 10,000
# labels. The 50 fine types of TREC do not miss it: with 16 columns 80.6 % of the
# validation part are right, with 32 81.0 %, with 64 80.7 %, with a column a label
# 78.8 %; and 16 train in 0.5 GiB less.
_WIDEST, _NARROW = 32, 16


def ngram_logits(
    tokens,
    mask,
    tasks: Mapping[str, Task],
    *,
    n: Sequence[int],
    buckets: int,
) -> dict:
    """Logits of each task from its n-grams: `10 g`, with `g` a linear model.

    Tasks with the same labels share theirs, which learns from the texts of all of
    them. All are columns of one table, so each n-gram is looked up once. Of more than
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
        # Columns of length 1, as those of a table with one column a label. The zeros
        # stand in the table: an n-gram that training does not see says nothing.
        columns = keras.layers.Dense(
            width,
            use_bias=False,
            name="ngrams_logits",
            kernel_initializer=keras.initializers.RandomNormal(stddev=_NARROW**-0.5),
        )(columns)
    return {name: columns[:, chosen[name]] for name in tasks}
