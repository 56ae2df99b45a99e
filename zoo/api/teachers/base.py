"""What every teacher does: answer texts about known tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.soft import TOLERANCE
from zoo.tasks import Task

# Answers by task, float `[texts, outputs]`: probabilities of the labels, or the value
# of a regression. A task may be absent; rows of NaN are texts without an answer.
Said = dict[str, np.ndarray]


class TeacherError(RuntimeError):
    """A teacher that cannot be used, or an answer that cannot."""


@dataclass(frozen=True)
class Labelled:
    """Texts with a label of some task.

    Args:
        texts: the texts.
        targets: by task, as `zoo.data.encode_labels` returns them.
        weights: by task, `[texts]`, 0 where the label is missing.
    """

    texts: Sequence[str]
    targets: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]

    def of(self, task: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the numbers of the texts with a label of a task, and the targets."""
        rows = np.flatnonzero(self.weights[task] > 0)
        return rows, self.targets[task][rows]

    @property
    def content(self) -> list:
        """What identifies them."""
        targets = []
        for name, target in self.targets.items():
            has = (self.weights[name] > 0).reshape(-1, *[1] * (target.ndim - 1))
            targets.append(list(np.where(has, target, -1)))
        return [list(self.texts), *targets]


@dataclass(frozen=True)
class Lesson:
    """What a teacher is asked, and what it may learn from first.

    Args:
        tasks: by name.
        train: training rows with a label.
        valid: validation rows with a label.
        folder: keeps what teachers learn and answer.
        seed: of what a teacher learns.
        epochs: passes over the training rows of a teacher that is fine-tuned.
        deadline: seconds within which each answer, or batch of answers, must come.
        trust: whether files of a teacher may run code.
    """

    tasks: Mapping[str, Task]
    train: Labelled
    valid: Labelled
    folder: Path
    seed: int = 0
    epochs: int = 3
    deadline: float = 600.0
    trust: bool = False

    @property
    def only(self) -> str | None:
        """The name of the task if there is one, which answers then need not name."""
        return next(iter(self.tasks)) if len(self.tasks) == 1 else None

    @property
    def rows(self) -> list:
        """What identifies the labelled rows, for teachers that learn from them."""
        return [*self.train.content, *self.valid.content]


class Asked(ABC):
    """What is asked about texts.

    Args:
        source: what the user named.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    @abstractmethod
    def identity(self) -> list:
        """Returns what determines the answers, such as the sha256 of files."""

    @abstractmethod
    def ask(self, texts: Sequence[str]) -> Iterator[Any]:
        """Yields answers about some texts at a time, in the order of the texts.

        Raises:
            TeacherError: with one sentence on what went wrong; answers before it count.
        """

    @abstractmethod
    def count(self, said: Any) -> int:
        """Returns about how many texts there are answers."""

    @abstractmethod
    def checked(self, said: Any, texts: Sequence[str]) -> Any:
        """Returns answers that can be used.

        Raises:
            TeacherError: for others.
        """

    def wrong(self, what: str, accepted: str, received: object) -> TeacherError:
        """Returns an error about this teacher, in three parts."""
        return TeacherError(
            f"`teacher` {self.source}: {what}. Accepted: {accepted}. "
            f"Received: {received}."
        )


class Teacher(Asked):
    """Answers texts about the tasks of a lesson, or some of them.

    Args:
        source: what the user named.
        lesson: the tasks, and rows to learn from. A teacher learns when it is first
            asked, because answers that are kept need no teacher.
    """

    def __init__(self, source: str, lesson: Lesson) -> None:
        super().__init__(source)
        self.lesson = lesson

    @abstractmethod
    def ask(self, texts: Sequence[str]) -> Iterator[Said]:
        """Yields answers about some texts at a time; see `Asked.ask`."""

    def count(self, said: Said) -> int:
        return max(map(len, said.values()), default=0)

    def check_labels(self, task: str, labels: Sequence[str]) -> None:
        """Raises unless a teacher knows the labels of a task and no others.

        Raises:
            TeacherError: for other labels.
        """
        known = self.lesson.tasks[task].labels
        if set(labels) != set(known):
            what = f"its labels{self.about(task)} are not those of the data"
            raise self.wrong(what, listed(known), listed(labels))

    def arranged(
        self, answers: Sequence[Mapping[str, Mapping[str, float] | None]]
    ) -> Said:
        """Returns arrays of answers about texts.

        Args:
            answers: of each text, by task a dict from label to probability, or from
                `"value"` to the value of a regression; `None` is no answer, and a label
                that is missing has the probability 0.

        Raises:
            TeacherError: for a label that the data lack.
        """
        said = {}
        for task in self.lesson.tasks:
            if any(answer.get(task) is not None for answer in answers):
                rows = [self._row(task, answer.get(task)) for answer in answers]
                said[task] = np.array(rows, float)
        return said

    def _row(self, task: str, scores: Mapping[str, float] | None) -> list[float]:
        names = self.lesson.tasks[task].labels or ("value",)
        if scores is None:
            return [np.nan] * len(names)
        if not scores.keys() <= set(names):
            self.check_labels(task, [*scores])
            what = f"an answer{self.about(task)} names a label that the data lack"
            raise self.wrong(what, listed(names), listed([*scores]))
        return [scores.get(name, 0.0) for name in names]

    def checked(self, said: Said, texts: Sequence[str]) -> Said:
        """Returns answers; those about categories have the sum 1.

        Raises:
            TeacherError: unless they are probabilities of the labels or numbers, and
                there is an answer about a task of each text.
        """
        found, answered = {}, np.zeros(len(texts), bool)
        for name, rows in said.items():
            task = self.lesson.tasks[name]
            wanted, rows = _wanted(task), np.asarray(rows, float)
            if rows.shape != (len(texts), task.outputs):
                what = f"its answers{self.about(name)} have another shape"
                raise self.wrong(what, wanted, f"shape {list(rows.shape)}")
            # Each text must have an answer about the only task.
            absent = np.isnan(rows).all(axis=1) & (self.lesson.only is None)
            if not (fine := absent | _usable(task, rows)).all():
                row = int(np.argmin(fine))
                shown = f"{rows[row].tolist()} for {texts[row][:60]!r}"
                what = f"an answer{self.about(name)} is no {_NAMES[task.kind]}"
                raise self.wrong(what, wanted, shown)
            if task.kind != "regression":
                rows = np.clip(rows, 0.0, 1.0)
            if task.kind == "categories":
                rows = rows / rows.sum(axis=1, keepdims=True)
            found[name], answered = rows, answered | ~absent
        if not answered.all():
            shown = f"none for {texts[int(np.argmin(answered))][:60]!r}"
            tasks = listed([*self.lesson.tasks])
            what = "a text has no answer about any task of the data"
            raise self.wrong(what, f"an answer about one of {tasks}", shown)
        return found

    def about(self, task: str) -> str:
        """Returns words of a message that name a task, where there are several."""
        return "" if self.lesson.only is not None else f" about the task {task!r}"


_NAMES = {
    "categories": "distribution",
    "multilabel": "list of probabilities",
    "regression": "number",
}


def _wanted(task: Task) -> str:
    if task.kind == "regression":
        return "one finite number a text"
    if task.kind == "multilabel":
        return f"{task.outputs} probabilities a text, from 0 to 1"
    return f"{task.outputs} probabilities a text, of at least 0, that add up to 1"


def _usable(task: Task, rows: np.ndarray) -> np.ndarray:
    """Bools `[rows]`."""
    fine = np.isfinite(rows).all(axis=1)
    if task.kind == "regression":
        return fine
    fine &= (rows >= -1e-6).all(axis=1)
    if task.kind == "multilabel":
        return fine & (rows <= 1 + TOLERANCE).all(axis=1)
    return fine & (np.abs(rows.sum(axis=1) - 1) <= TOLERANCE)


def listed(labels: Sequence[str], most: int = 10) -> str:
    """Returns labels as text, cut if there are many."""
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(map(repr, list(labels)[:most])) + more if labels else "none"
