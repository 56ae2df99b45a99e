"""What every teacher does: answer texts with the probabilities of known labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.soft import TOLERANCE


class TeacherError(RuntimeError):
    """A teacher that cannot be used, or an answer that cannot."""


@dataclass(frozen=True)
class Lesson:
    """What a teacher is asked, and what it may learn from first.

    Args:
        task: name of the task.
        labels: its labels, in the order of their ids.
        texts: of the training rows with a label.
        targets: ids of their labels.
        valid_texts: of the validation rows with a label.
        valid_targets: ids of their labels.
        folder: keeps what teachers learn and answer.
        seed: of what a teacher learns.
        epochs: passes over the training rows of a teacher that is fine-tuned.
        deadline: seconds within which each answer, or batch of answers, must come.
    """

    task: str
    labels: tuple[str, ...]
    texts: Sequence[str]
    targets: np.ndarray
    valid_texts: Sequence[str]
    valid_targets: np.ndarray
    folder: Path
    seed: int = 0
    epochs: int = 3
    deadline: float = 600.0

    @property
    def rows(self) -> list:
        """What identifies the labelled rows, for teachers that learn from them."""
        parts = self.texts, self.targets, self.valid_texts, self.valid_targets
        return [list(part) for part in parts]


class Teacher(ABC):
    """Answers texts with a distribution over the labels of a lesson.

    Args:
        source: what the user named.
        lesson: the labels, and rows to learn from. A teacher learns when it is first
            asked, because answers that are kept need no teacher.
    """

    def __init__(self, source: str, lesson: Lesson) -> None:
        self.source, self.lesson = source, lesson

    @abstractmethod
    def identity(self) -> list:
        """Returns what determines the answers, such as the sha256 of files."""

    @abstractmethod
    def ask(self, texts: Sequence[str]) -> Iterator[np.ndarray]:
        """Yields float `[some texts, labels]`, in the order of the texts.

        Raises:
            TeacherError: with one sentence on what went wrong; answers before it count.
        """

    def wrong(self, what: str, accepted: str, received: object) -> TeacherError:
        """Returns an error about this teacher, in three parts."""
        return TeacherError(
            f"`teacher` {self.source}: {what}. Accepted: {accepted}. "
            f"Received: {received}."
        )

    def check_labels(self, labels: Sequence[str]) -> None:
        """Raises unless a teacher knows the labels of the lesson and no others.

        Raises:
            TeacherError: for other labels.
        """
        if set(labels) != set(self.lesson.labels):
            what = "its labels are not those of the data"
            raise self.wrong(what, listed(self.lesson.labels), listed(labels))

    def of_scores(self, answers: Sequence[Mapping[str, float]]) -> np.ndarray:
        """Returns `[answers, labels]` of dicts from label to probability.

        Raises:
            TeacherError: for a label that the data lack.
        """
        labels = self.lesson.labels
        known = set(labels)
        for answer in answers:
            if not known.issuperset(answer):
                self.check_labels([*answer])
                what = "an answer names a label that the data lack"
                raise self.wrong(what, listed(labels), listed([*answer]))
        return np.array(
            [[answer.get(label, 0.0) for label in labels] for answer in answers], float
        ).reshape(len(answers), len(labels))

    def checked(self, rows: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """Returns answers whose rows add up to 1.

        Raises:
            TeacherError: unless they are distributions over the labels.
        """
        wanted = f"{len(self.lesson.labels)} probabilities a text, of at least 0, "
        wanted += "that add up to 1"
        rows = np.asarray(rows, float)
        if rows.ndim != 2 or rows.shape[1] != len(self.lesson.labels):
            what = "its answers have another shape"
            raise self.wrong(what, wanted, f"shape {list(rows.shape)}")
        fine = np.isfinite(rows).all(axis=1) & (rows >= -1e-6).all(axis=1)
        fine &= np.abs(rows.sum(axis=1) - 1) <= TOLERANCE
        if not fine.all():
            row = int(np.argmin(fine))
            shown = f"{rows[row].tolist()} for {texts[row][:60]!r}"
            raise self.wrong("an answer is no distribution", wanted, shown)
        rows = np.maximum(rows, 0.0)
        return rows / rows.sum(axis=1, keepdims=True)


def listed(labels: Sequence[str], most: int = 10) -> str:
    """Returns labels as text, cut if there are many."""
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(map(repr, list(labels)[:most])) + more if labels else "none"
