"""Teachers that tag words: runs and exports of taggers of the zoo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from zoo.api.teachers.base import TeacherError
from zoo.api.teachers.opening import kind_of
from zoo.api.teachers.trained import identity_of
from zoo.loading import load
from zoo.tasks import TAGS, Task
from zoo.text import as_bytes

ACCEPTED = "the folder of a run or an export of a tagger of the zoo"
# By task, for each sentence float `[words, tags]`, or `[labels]`.
Shares = dict[str, list[np.ndarray]]


class TagsWords(Protocol):
    """What gives distributions over tags and labels; see `Tagger`."""

    source: str
    tasks: dict[str, Task]

    def ask(self, sentences: Sequence[Sequence[str]], tasks: Iterable[str]) -> Shares:
        """Returns the distributions about the tasks that it has."""
        ...


class Tagger:
    """The distributions of a tagger over its tags and labels.

    An export gives the probability of the likeliest tag alone; the rest is spread
    evenly over the others.

    Args:
        source: what the user named.
        trust: whether the operations of an export may reach files, network or Python.

    Raises:
        ValueError: for something else than a run or an export.
        TeacherError: for a model that does not tag.
    """

    def __init__(self, source: str, *, trust: bool = False) -> None:
        self.source, kind = source, kind_of(source)
        self._exported = kind == "exported"
        self._ask: Callable[[Sequence[Sequence[str]]], Shares] = self._of_export
        if kind == "trained":
            model = load(source)
            self.tasks = dict(model.tasks)
            self._ask = getattr(model, "distributions", self._of_export)
        elif self._exported:
            from zoo.serving.served import ServedModel

            self._served = ServedModel(source, trust=trust)
            specs = dict(self._served.metadata["tasks"] or {})
            self.tasks = {name: Task.from_config(spec) for name, spec in specs.items()}
        else:
            raise ValueError(
                f"`teacher` (--teacher) must tag words. Accepted: {ACCEPTED}. "
                f"Received: {source}, the kind {kind}."
            )
        if not any(task.kind == TAGS for task in self.tasks.values()):
            raise TeacherError(
                f"`teacher` {source}: it does not tag words. Accepted: {ACCEPTED}. "
                f"Received: the tasks {', '.join(map(repr, self.tasks)) or 'none'}."
            )

    def identity(self) -> list:
        """Returns what determines the answers."""
        return identity_of(self.source, exported=self._exported)

    def ask(self, sentences: Sequence[Sequence[str]], tasks: Iterable[str]) -> Shares:
        """Returns the distributions about the tasks that the tagger has."""
        said = self._ask(sentences)
        return {name: said[name] for name in tasks if name in self.tasks}

    def _of_export(self, sentences: Sequence[Sequence[str]]) -> Shares:
        import tensorflow as tf

        most = max(map(len, sentences), default=0)
        rows = [[*map(as_bytes, words), *[b""] * most][:most] for words in sentences]
        words = tf.constant(rows, tf.string, shape=(len(rows), most))
        outputs = self._served.signature("words")(words=words)
        found: Shares = {}
        for name, task in self.tasks.items():
            keys = self._served.metadata["outputs"][name]
            scores = outputs[keys["scores"]].numpy().astype(float)
            if task.kind != TAGS:
                found[name] = list(scores)
                continue
            tags = outputs[keys["tags"]].numpy()
            sizes = map(len, sentences)
            found[name] = [
                spread(task, tags[row, :size], scores[row, :size])
                for row, size in enumerate(sizes)
            ]
        return found


def spread(task: Task, tags: Sequence[bytes], scores: np.ndarray) -> np.ndarray:
    """Returns `[words, tags]` with the probability of one tag of each word.

    Example:
        >>> task = Task("tags", ("O", "B-X", "I-X"))
        >>> spread(task, [b"B-X"], np.array([0.5])).tolist()
        [[0.25, 0.5, 0.25]]
    """
    count = len(task.labels)
    rest = (1.0 - scores) / max(count - 1, 1)
    shares = np.repeat(rest[:, None], count, axis=1)
    for place, tag in enumerate(tags):
        shares[place, task.labels.index(tag.decode("utf-8"))] = scores[place]
    return shares


def mean_shares(
    taggers: Sequence[TagsWords],
    tasks: Mapping[str, Task],
    sentences: Sequence[Sequence[str]],
) -> Shares:
    """Returns the mean of the distributions of the taggers that have a task.

    Args:
        taggers: the teachers.
        tasks: those of the mean; their labels include those of the teachers.
        sentences: lists of words.
    """
    said: Shares = {}
    found = [tagger.ask(sentences, tasks) for tagger in taggers]
    for name, task in tasks.items():
        those = [
            _placed(tagger.tasks[name], task, shares[name])
            for tagger, shares in zip(taggers, found, strict=True)
            if name in shares
        ]
        said[name] = [np.mean(rows, axis=0) for rows in zip(*those, strict=True)]
    return said


def _placed(own: Task, task: Task, rows: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns probabilities in the order of the labels of a task, 0 for others."""
    places = [task.labels.index(label) for label in own.labels]
    placed = []
    for row in rows:
        placed.append(np.zeros((*row.shape[:-1], len(task.labels))))
        placed[-1][..., places] = row
    return placed


def joint_tasks(
    taggers: Sequence[TagsWords], known: Mapping[str, Task]
) -> dict[str, Task]:
    """Returns the tasks of the data that some teacher has, with all their labels.

    Args:
        taggers: the teachers.
        known: the tasks of the data, as the student has them.

    Raises:
        TeacherError: if there is none, or its tags are of another scheme.
    """
    found = {}
    for name, task in known.items():
        those = [tagger for tagger in taggers if name in tagger.tasks]
        labels = dict.fromkeys(task.labels)
        for tagger in those:
            own = tagger.tasks[name]
            if (own.kind, own.scheme) != (task.kind, task.scheme):
                wanted, shown = (f"{t.kind} {t.scheme}".strip() for t in (task, own))
                raise TeacherError(
                    f"`teacher` {tagger.source}: its task {name!r} is of another kind "
                    f"or scheme. Accepted: {wanted}, of the setting `scheme` of the "
                    f"student. Received: {shown}."
                )
            labels.update(dict.fromkeys(own.labels))
        if those:
            found[name] = Task(task.kind, tuple(labels), scheme=task.scheme)
    if not found:
        shown = "; ".join(", ".join(map(repr, tagger.tasks)) for tagger in taggers)
        raise TeacherError(
            "`teacher` (--teacher) must have a task of the data. Accepted: "
            f"{', '.join(map(repr, known))}. Received: {shown}."
        )
    return found
