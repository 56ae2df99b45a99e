"""A linear model over word n-grams, to add to the logits of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo._lazy import keras, layers
from zoo.models.heads import layer_name
from zoo.tasks import Task, same_labels

# The bags are of unit length, as TF-IDF vectors are, so that weights of the size that a
# few hundred steps of Adam reach must be scaled to make a confident logit.
_GAIN = 5.0


def ngram_logits(
    tokens,
    mask,
    tasks: Mapping[str, Task],
    *,
    n: Sequence[int],
    buckets: int,
    dropout: float = 0.0,
) -> dict:
    """Logits of each task from its n-grams: `5 (g + g_m)`.

    Tasks with the same labels share the linear model `g`, which learns from the texts
    of all of them; `g_m` is what task m says otherwise. Both start at zero.

    Args:
        tokens: int ids `[batch, time]`.
        mask: bool `[batch, time]`.
        tasks: the tasks by name.
        n: lengths of the n-grams.
        buckets: rows of the tables.
        dropout: share of the texts that do without these logits in training. They are
            quick to fit the training texts, and the network beside them would learn
            little from what is left.

    Returns:
        Dict from the task's name to `[batch, task.outputs]`.

    Source: Wang and Manning 2012 for the bags; Daumé 2007, Frustratingly Easy Domain
    Adaptation, for the sum of a common and a private part.
    """

    def bag(outputs: int, name: str):
        layer = layers.NGramBag(
            outputs, buckets=buckets, n=n, binary=True, weighted=True,
            embeddings_initializer="zeros", name=name,
        )  # fmt: skip
        scaled = keras.layers.Rescaling(_GAIN, name=f"{name}_gain")
        return scaled(layer(tokens, mask=mask))

    common, mixed = {}, []
    for index, members in enumerate(same_labels(tasks).values()):
        logits = bag(tasks[members[0]].outputs, f"ngrams_{index}")
        common.update(dict.fromkeys(members, logits))
        if len(members) > 1:
            mixed += members
    if mixed:
        _add_private(common, mixed, bag, tasks)
    drop = keras.layers.Dropout(dropout, noise_shape=(None, 1), name="ngrams_dropout")
    return {name: drop(logits) for name, logits in common.items()}


def _add_private(common: dict, mixed: Sequence[str], bag, tasks) -> None:
    """Adds what each task says otherwise to the logits that it shares."""
    # One table holds the private columns of all tasks, so each n-gram is read once.
    private = bag(sum(tasks[name].outputs for name in mixed), "private_ngrams")
    start = 0
    for name in mixed:
        own = private[:, start : start + tasks[name].outputs]
        start += tasks[name].outputs
        add = keras.layers.Add(name=layer_name("ngrams", tasks, name))
        common[name] = add([common[name], own])
