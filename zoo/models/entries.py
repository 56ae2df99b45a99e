"""What the entries of a model's weights stand for: words, characters, labels, tasks.

Two models of one builder have the same layers, but their weights may have other words,
labels and tasks. This module tells which axis of which weight is which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zoo._lazy import keras, layers
from zoo.models.heads import layer_name
from zoo.tasks import Task, same_labels

WORDS, CHARACTERS, LABELS, TASKS = "words", "characters", "labels", "tasks"
HEAD = "head"
# Begin the names of layers of one task that have weights.
_OF_TASK = (HEAD, "crf", "private", "embedding")
# Begin the names of layers that tasks with the same labels share.
_OF_GROUP = ("common_head", "common")
_LETTERS = "letters"  # the embedding of characters

Axes = tuple[str | None, ...]


@dataclass(frozen=True)
class Part:
    """A layer with weights, and what they stand for.

    Args:
        layer: the layer.
        role: first part of its name if it belongs to tasks, else `""`.
        tasks: the tasks that it belongs to; none for a layer that all texts train.
        axes: for each weight what the entries along each axis stand for, or `None` for
            features.
    """

    layer: keras.layers.Layer
    role: str
    tasks: tuple[str, ...]
    axes: tuple[Axes, ...]

    @property
    def keys(self) -> list[tuple[str, str]]:
        """Names that the layer shares with its counterpart in another model."""
        if not self.tasks:
            return [("", self.layer.name)]
        return [(self.role, task) for task in self.tasks]


def parts_of(model: keras.Model, tasks: Mapping[str, Task]) -> list[Part]:
    """Returns the layers of a model of the zoo whose weights can be taken over.

    Left out are those that depend on the data otherwise: what `zoo train` fits before
    or after the training, and tables of n-grams, which are hashed from ids.

    Args:
        model: built by a registered builder.
        tasks: its tasks by name; none of a language model.

    Example:
        >>> from zoo.models import _registry
        >>> model = _registry.get("lstm", 9, 2, embedding_dim=4, units=4)
        >>> for part in parts_of(model, {"label": Task("categories", ("a", "b"))}):
        ...     print(part.layer.name, part.axes)
        embedding (('words', None),)
        forward ((None, None), (None, None), (None,))
        head_label ((None, 'labels'), ('labels',))
    """
    owners = _owners(tasks)
    found = []
    for layer in model.layers:
        if not layer.weights or _depends_on_data(layer):
            continue
        role, members = owners.get(layer.name, ("", ()))
        axes = tuple(_axes(layer, role, weight) for weight in layer.weights)
        found.append(Part(layer, role, members, axes))
    return found


def _owners(tasks: Mapping[str, Task]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Returns role and tasks of each layer that belongs to some, by its name."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {
        layer_name(role, tasks, name): (role, (name,))
        for role in _OF_TASK
        for name in tasks
    }
    for index, members in enumerate(same_labels(tasks).values()):
        if len(members) > 1:
            for role in _OF_GROUP:
                found[f"{role}_{index}"] = role, tuple(members)
    return found


def _depends_on_data(layer) -> bool:
    fitted = layers.NGramBag, layers.TokenBag, layers.Stacking
    return isinstance(layer, fitted) or layer.name == "ngrams_logits"


def _axes(layer, role: str, weight) -> Axes:
    none: Axes = (None,) * len(weight.shape)
    if isinstance(layer, keras.layers.Embedding):
        return (CHARACTERS if layer.name == _LETTERS else WORDS, *none[1:])
    if isinstance(layer, layers.SampledSoftmax):
        return (WORDS, *none[1:])
    if isinstance(layer, layers.CRF):
        return (LABELS,) * len(none)
    if role in (HEAD, "common_head"):
        return (*none[1:], LABELS)
    if isinstance(layer, layers.TaskSpecificLSTM):
        return (TASKS, *none[1:])
    if isinstance(layer, layers.CoupledLSTM):
        sender_and_receiver = weight.name == "coupling_kernel"
        return (TASKS, TASKS if sender_and_receiver else None, *none[2:])
    if isinstance(layer, layers.SparseMoE) and layer.gates > 1:
        of_gate = any(weight is one for one in layer.gate.weights)
        return (TASKS, *none[1:]) if of_gate else none
    return none
