"""Several trained classifiers as one: a fitted sum of their logits."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.families.classification.model import TextModel
from zoo.families.classification.predicted import part_outputs
from zoo.families.classification.stacking import best_shares
from zoo.families.classification.train import Prepared
from zoo.layers import Stacking
from zoo.models.heads import layer_name

NAME = "ensemble"


def ensemble_of(members: Sequence[TextModel], prepared: Prepared) -> TextModel:
    """Returns one model of several that were trained on the same data.

        y_m = Σ_i a_mi y_mi

    The shares `a_mi` of task `m` have the lowest loss on the validation part, drawn
    towards equal ones; see `zoo.families.classification.stacking.best_shares`.

    Args:
        members: models of the same tasks and with equal pipelines; not changed, and
            the new one shares their weights.
        prepared: the data.

    Returns:
        A model whose answers are not calibrated.

    Raises:
        ValueError: for models that read texts in different ways.

    Source: Wolpert 1992, Stacked Generalization; Hansen and Salamon 1990, Neural
    Network Ensembles.
    """
    if not read_alike(members):
        raise ValueError(
            "`members` of an ensemble must read texts in the same way. Accepted: "
            "models with one vocabulary and equal settings of their pipelines. "
            f"Received: {', '.join(member.metadata['name'] for member in members)}, "
            "which differ."
        )
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    outputs = []
    for member in members:
        # A model of its own, because a saved one would hold the state of the optimizer.
        inner = member.model
        alone = keras.Model(inner.input, inner.output, name=member.metadata["name"])
        outputs.append(alone(tokens))
    judged = [part_outputs(member, prepared, "valid") for member in members]
    rows, summed = prepared.parts["valid"], {}
    for name, task in prepared.tasks.items():
        labels = rows.targets[name], rows.weights[name]
        shares = best_shares(task, *labels, *(output[name] for output in judged))
        called = layer_name(NAME, prepared.tasks, name)
        summed[name] = _weighted([output[name] for output in outputs], shares, called)
    metadata = {
        **members[-1].metadata,
        "name": NAME,
        "keywords": {},
        "members": [
            {key: member.metadata[key] for key in ("name", "keywords", "settings")}
            for member in members
        ],
    }
    model = keras.Model(tokens, summed, name=NAME)
    return TextModel(model, prepared.pipeline, prepared.tasks, metadata)


def _weighted(tensors: Sequence, shares: Sequence[float], name: str):
    """Returns the sum of the tensors, each times its share."""
    total, share = tensors[0], shares[0]
    for index, (other, its) in enumerate(zip(tensors[1:], shares[1:], strict=True)):
        stack = Stacking(dtype="float32", name=f"{name}_{index}")
        total = stack(total, other)
        stack.set_shares(share, its)
        share = 1.0
    return total


def read_alike(members: Sequence[TextModel]) -> bool:
    """Returns whether all models turn a text into the same ids."""
    first, *others = ((m.pipeline.settings, m.pipeline.vocabulary) for m in members)
    return all(other == first for other in others)
