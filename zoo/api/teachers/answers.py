"""Answers of a teacher about the tasks of texts, which are kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.api.teachers.base import Said, Teacher
from zoo.api.teachers.kept import Kept, ask_missing
from zoo.tasks import Task
from zoo.training.checkpoint import fingerprint


class Answers(Kept):
    """The answers of one teacher.

    A line has from task to numbers, `null` for a task without an answer; one about
    other tasks is ignored. An earlier format had one task, without its name.

    Args:
        folder: of the teacher.
        tasks: by name.
    """

    def __init__(self, folder: Path, tasks: Mapping[str, Task]) -> None:
        self.tasks = tasks
        super().__init__(folder)

    def read(self, answer) -> dict[str, list[float]]:
        if isinstance(answer, list) and len(self.tasks) == 1:
            answer = dict.fromkeys(self.tasks, answer)
        rows = {name: answer[name] for name in self.tasks if answer[name] is not None}
        if any(len(row) != self.tasks[name].outputs for name, row in rows.items()):
            raise ValueError
        return {name: [float(value) for value in row] for name, row in rows.items()}

    def each(self, said: Said) -> list[dict[str, list[float] | None]]:
        count = max(map(len, said.values()), default=0)
        found: list[dict] = [dict.fromkeys(self.tasks) for _ in range(count)]
        for name, rows in said.items():
            for answer, row in zip(found, rows, strict=True):
                if not np.isnan(row).any():
                    answer[name] = [float(f"{value:.12g}") for value in row]
        return found

    def take(self, texts: Sequence[str]) -> Said:
        """Returns answers about all tasks; those about categories have the sum 1."""
        found, said = self.of(texts), {}
        for name, task in self.tasks.items():
            none = [np.nan] * task.outputs
            rows = np.array([answer.get(name, none) for answer in found], "float64")
            rows = rows.reshape(len(texts), task.outputs)
            if task.kind == "categories":
                rows /= rows.sum(axis=1, keepdims=True)
            said[name] = rows
        return said


def ask(
    teacher: Teacher,
    texts: Sequence[str],
    say: Callable[[str], object] = lambda line: None,
) -> Said:
    """Returns the answers of a teacher; it is only asked texts that it was not before.

    Args:
        teacher: the teacher.
        texts: any strings.
        say: receives lines on the progress.

    Returns:
        Answers about all tasks of the lesson; see `Answers.take`.

    Raises:
        TeacherError: for a teacher that fails, or answers what cannot be used; the
            answers before that are kept.
    """
    tasks = teacher.lesson.tasks
    identity = [type(teacher).__name__, *teacher.identity(), _labels(tasks)]
    kept = Answers(teacher.lesson.folder / fingerprint(identity)[:32], tasks)
    ask_missing(teacher, kept, texts, say)
    return kept.take(texts)


def _labels(tasks: Mapping[str, Task]) -> list:
    """What names the tasks of a folder of answers; in it, lines name their tasks."""
    if [task.kind for task in tasks.values()] == ["categories"]:
        return [label for task in tasks.values() for label in task.labels]
    return [[name, task.kind, *task.labels] for name, task in tasks.items()]
