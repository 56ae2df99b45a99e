"""Answers of a teacher on disk: each text is asked once, whatever stops a pass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.api.teachers.base import Said, Teacher, TeacherError
from zoo.client.base import ServerError
from zoo.tasks import Task
from zoo.training.checkpoint import fingerprint

_FILE = "answers.jsonl"
_SHOWN = 10  # lines about the progress of a pass


class Answers:
    """The answers of one teacher, by the sha256 of their texts.

    The file has one line for each text, written as soon as its answers come: the sha256
    and from task to numbers, `null` for a task without an answer. A line that a kill
    has cut is ignored, so its text is asked again, and so is one about other tasks. An
    earlier format had one task, without its name.

    Args:
        folder: of the teacher; created with the first answer.
        tasks: by name.
    """

    def __init__(self, folder: Path, tasks: Mapping[str, Task]) -> None:
        self.path, self.tasks = folder / _FILE, tasks
        self._found: dict[str, dict[str, list[float]]] = {}
        if self.path.is_file():
            for line in self.path.read_text("utf-8", "replace").split("\n"):
                self._read(line)

    def _read(self, line: str) -> None:
        try:
            key, said = json.loads(line)
            if isinstance(said, list) and len(self.tasks) == 1:
                said = dict.fromkeys(self.tasks, said)
            rows = {name: said[name] for name in self.tasks if said[name] is not None}
            if all(len(row) == self.tasks[name].outputs for name, row in rows.items()):
                self._found[key] = {n: [*map(float, row)] for n, row in rows.items()}
        except (ValueError, TypeError, KeyError):
            pass

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Returns the texts without an answer, once each."""
        return [text for text in dict.fromkeys(texts) if _key(text) not in self._found]

    def add(self, texts: Sequence[str], said: Said) -> None:
        """Keeps answers: on disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = []
        for row, text in enumerate(texts):
            found = {
                name: [float(f"{value:.12g}") for value in rows[row]]
                for name, rows in said.items()
                if not np.isnan(rows[row]).any()
            }
            self._found[_key(text)] = found
            named = {name: found.get(name) for name in self.tasks}
            lines.append(json.dumps([_key(text), named]) + "\n")
        with self.path.open("a", encoding="utf-8") as file:
            if file.tell() and not _ends_line(self.path):
                file.write("\n")
            file.writelines(lines)

    def take(self, texts: Sequence[str]) -> Said:
        """Returns answers about all tasks; those about categories have the sum 1."""
        said = {}
        for name, task in self.tasks.items():
            none = [np.nan] * task.outputs
            found = [self._found[_key(text)].get(name, none) for text in texts]
            rows = np.array(found, "float64").reshape(len(texts), task.outputs)
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
    missing, done = kept.missing(texts), 0
    try:
        for said in teacher.ask(missing) if missing else ():
            count = max(map(len, said.values()), default=0)
            asked = missing[done : done + count]
            if len(asked) < count:
                what = f"it gave more than {len(missing):,} answers"
                raise teacher.wrong(what, "one answer for each text", "more")
            kept.add(asked, teacher.checked(said, asked))
            step = -(-len(missing) // _SHOWN)
            if (done + count) // step > done // step:
                shown = f"{done + count:,} of {len(missing):,} texts"
                say(f"Teacher {teacher.source}: {shown}")
            done += count
        if done < len(missing):
            what = f"it answered {done:,} of {len(missing):,} texts"
            raise teacher.wrong(what, "one answer for each text", f"{done:,} answers")
    except (TeacherError, ServerError) as error:
        raise TeacherError(
            f"{error} {done:,} of {len(missing):,} answers are kept in "
            f"{kept.path.parent}; the same command asks for the others."
        ) from error
    return kept.take(texts)


def _labels(tasks: Mapping[str, Task]) -> list:
    """What names the tasks of a folder of answers; in it, lines name their tasks."""
    if [task.kind for task in tasks.values()] == ["categories"]:
        return [label for task in tasks.values() for label in task.labels]
    return [[name, task.kind, *task.labels] for name, task in tasks.items()]


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
