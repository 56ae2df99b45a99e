"""Classifiers of pairs of texts, from those of one text."""

from __future__ import annotations

from collections.abc import Mapping

from zoo._lazy import keras, layers
from zoo.models.heads import heads, layer_name
from zoo.tasks import Task


def of_pairs(model: keras.Model, tasks: Mapping[str, Task]) -> keras.Model:
    """Turns a classifier of a text into one of a pair of texts.

        u = f(first text),  v = f(second text)
        output_m = V_m (u ⊕ v ⊕ |u - v| ⊕ u * v) + c_m

    with `f` the layers below the head of task m, the same ones for both texts. What a
    model adds to its heads, as the n-grams of `bilstm_mt`, is left out: it does not
    compare the two texts.

    Args:
        model: of the registry, new: its own heads are not used.
        tasks: the tasks by name.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]` as of
        `zoo.TextPipeline(..., pairs=True)`, to a dict from task to `[batch, outputs]`.
        It shares the layers below the heads with `model`.

    Raises:
        ValueError: for a model without heads on the features of a text.

    Source: Conneau et al. 2017, Supervised Learning of Universal Sentence
    Representations from Natural Language Inference Data, section 3.1 and figure 1.

    Example:
        >>> from zoo.models.classifiers import lstm
        >>> from zoo.tasks import as_tasks
        >>> tasks = as_tasks(3)
        >>> of_pairs(lstm(100, tasks, units=4), tasks).output["label"].shape
        (None, 3)
    """
    there = {layer.name: layer for layer in model.layers}
    names = {name: layer_name("head", tasks, name) for name in tasks}
    missing = [name for name in names.values() if name not in there]
    if missing:
        raise ValueError(
            "A model of pairs of texts needs a head on the features of a text. "
            "Accepted: a model such as `bilstm`, `bilstm_mt` or `text_cnn`. "
            f"Received: {model.name!r}, which has no layer {missing[0]!r}."
        )
    features = {name: there[names[name]].input for name in tasks}
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    both = layers.SplitPairs(name="pairs")(tokens)
    encoder = keras.Model(model.input, features)
    # `call` adds the layers themselves to the graph, and not a model inside the model.
    vectors = encoder.call(both)
    compared: dict = {}  # tasks may share their features
    for name, inner in features.items():
        if id(inner) not in compared:
            compare = layers.PairFeatures(name=f"pair_features_{len(compared)}")
            compared[id(inner)] = compare(vectors[name])
    own = {name: compared[id(inner)] for name, inner in features.items()}
    constraint = there[next(iter(names.values()))].kernel_constraint
    outputs = heads(own, tasks, kernel_constraint=constraint)
    return keras.Model(tokens, outputs, name=model.name)
