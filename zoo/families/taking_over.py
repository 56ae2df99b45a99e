"""Copies the weights of a trained model into a new one with other words and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from zoo.models.entries import CHARACTERS, HEAD, LABELS, TASKS, WORDS, Part, parts_of
from zoo.tasks import Task

_SHOWN = 10  # names that a line lists

# Positions in the new weights, and of the same entries in the old ones.
Pairs = tuple[np.ndarray, np.ndarray]


@dataclass
class TakenOver:
    """What a new model has from an older one; prints as lines.

    Args:
        words: entries of the vocabulary that both have, and all of the new model.
        layers: names of the layers that were taken over.
        begun: names of those that start as usual.
        new: by task, the labels that the old model lacked.
        gone: by task, labels of the old model that the new one lacks.
        differences: why weights could not be taken over; nothing is usable then.
    """

    words: tuple[int, int]
    layers: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    new: dict[str, list[str]] = field(default_factory=dict)
    gone: dict[str, list[str]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        shared, total = self.words
        lines = [
            f"Taken over: {_listed(self.layers)}; {shared:,} of the vocabulary's "
            f"{total:,} entries.",
            f"From the start: {_listed(self.begun)}." if self.begun else "",
        ]
        for said, found in (("New", self.new), ("Gone", self.gone)):
            for task, labels in found.items():
                what = f"labels of {task}: {_listed(labels)}" if labels else task
                lines.append(f"{said}: {what}.")
        return "\n".join(filter(None, lines))


def take_over(
    new: tuple[keras.Model, Mapping[str, Task], Any],
    old: tuple[keras.Model, Mapping[str, Task], Any],
) -> TakenOver:
    """Copies weights, in place, for the words, labels and tasks that both models have.

    The others keep their initial values. Tasks are compared by name and kind. The head
    of a regression is converted to the new mean and scale, so that it predicts the same
    values.

    Args:
        new: the model that receives them, its tasks and its pipeline.
        old: the trained model, its tasks and its pipeline.

    Returns:
        What was taken over, or differences of layers and sizes.
    """
    (model, tasks, pipeline), (before, old_tasks, old_pipeline) = new, old
    both = [n for n in tasks if n in old_tasks and tasks[n].kind == old_tasks[n].kind]
    pairs = {
        WORDS: _pairs(pipeline.vocabulary, old_pipeline.vocabulary),
        CHARACTERS: _pairs(
            *(getattr(p, "alphabet", ()) for p in (pipeline, old_pipeline))
        ),
        TASKS: _pairs([*tasks], [n if n in both else "" for n in old_tasks]),
    }
    taken = TakenOver((len(pairs[WORDS][0]), len(pipeline.vocabulary)))
    there = {key: part for part in parts_of(before, old_tasks) for key in part.keys}
    for part in parts_of(model, tasks):
        name = part.layer.name
        keys = [key for key in part.keys if not part.tasks or key[1] in both]
        key = next((key for key in keys if key in there), ("", ""))
        match, task = there.get(key), key[1] if part.tasks else ""
        if match is None and part.tasks:
            taken.begun.append(name)
        elif match is None:
            taken.differences.append(f"the old model has no layer {name}")
        elif differing := _difference(part, match):
            taken.differences.append(differing)
        else:
            _copy(part, match, {**pairs, LABELS: _labels(task, tasks, old_tasks)})
            if part.role == HEAD and tasks[task].kind == "regression":
                _rescale(part.layer, old_tasks[task], tasks[task])
            taken.layers.append(name)
    names = {part.layer.name for part in parts_of(model, tasks) if not part.tasks}
    taken.differences += [
        f"the new model has no layer {part.layer.name}"
        for part in parts_of(before, old_tasks)
        if not part.tasks and part.layer.name not in names
    ]
    _compare_labels(taken, tasks, old_tasks, both)
    return taken


def _labels(task: str, tasks, old_tasks) -> Pairs:
    if not task:
        return _pairs((), ())
    if tasks[task].kind == "regression":
        return _pairs(("value",), ("value",))
    return _pairs(tasks[task].labels, old_tasks[task].labels)


def _pairs(new: Sequence[str], old: Sequence[str]) -> Pairs:
    """Returns the positions of what both have."""
    places = {entry: place for place, entry in enumerate(old)}
    found = [(at, places[entry]) for at, entry in enumerate(new) if entry in places]
    array = np.array(found, "int64").reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _difference(part: Part, match: Part) -> str:
    """Returns how the weights of two layers differ in features, or ""."""
    new, old = part.layer.weights, match.layer.weights
    if type(part.layer) is not type(match.layer) or len(new) != len(old):
        return f"the layer {part.layer.name} is of another kind"
    for one, other, axes, others in zip(new, old, part.axes, match.axes, strict=True):
        if len(axes) != len(others):
            same = TASKS in (*axes, *others)  # one gate, or a gate for each task
        else:
            sizes = zip(one.shape, other.shape, axes, strict=True)
            same = all(now == then for now, then, axis in sizes if axis is None)
        if not same:
            shapes = f"{list(one.shape)} instead of {list(other.shape)}"
            return f"layer {part.layer.name}: {shapes}"
    return ""


def _copy(part: Part, match: Part, pairs: Mapping[str, Pairs]) -> None:
    """Copies the entries that both layers have."""
    weights = zip(part.layer.weights, match.layer.weights, part.axes, strict=True)
    for one, other, axes in weights:
        if len(one.shape) != len(other.shape):
            continue
        values = keras.ops.convert_to_numpy(one).copy()
        found = [
            pairs[axis] if axis else (np.arange(size), np.arange(size))
            for axis, size in zip(axes, values.shape, strict=True)
        ]
        to, come = (np.ix_(*places) for places in zip(*found, strict=True))
        values[to] = keras.ops.convert_to_numpy(other)[come]
        one.assign(values)


def _rescale(head, old: Task, new: Task) -> None:
    """Converts a head of standardised values to another mean and scale."""
    kernel, bias = map(keras.ops.convert_to_numpy, head.weights)
    factor = old.scale / new.scale
    head.set_weights(
        [kernel * factor, bias * factor + (old.mean - new.mean) / new.scale]
    )


def _compare_labels(taken: TakenOver, tasks, old_tasks, both: Sequence[str]) -> None:
    for name in both:
        now, then = tasks[name].labels, old_tasks[name].labels
        new = [label for label in now if label not in then]
        gone = [label for label in then if label not in now]
        taken.new.update({name: new} if new else {})
        taken.gone.update({name: gone} if gone else {})
    for name in (n for n in tasks if n not in both):
        taken.new[f"the task {name}"] = []
    for name in (n for n in old_tasks if n not in tasks):
        taken.gone[f"the task {name}"] = []


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
