"""Answers of a teacher on disk: each text is asked once, whatever stops a pass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from zoo.api.teachers.base import Teacher, TeacherError
from zoo.client.base import ServerError
from zoo.training.checkpoint import fingerprint

_FILE = "answers.jsonl"
_SHOWN = 10  # lines about the progress of a pass


class Answers:
    """The answers of one teacher, by the sha256 of their texts.

    The file has one line for each answer, written as soon as it comes. A line that a
    kill has cut is ignored, so its text is asked again.

    Args:
        folder: of the teacher; created with the first answer.
        width: number of labels.
    """

    def __init__(self, folder: Path, width: int) -> None:
        self.path, self.width = folder / _FILE, width
        self._found: dict[str, list[float]] = {}
        if self.path.is_file():
            for line in self.path.read_text("utf-8", "replace").split("\n"):
                self._read(line)

    def _read(self, line: str) -> None:
        try:
            key, row = json.loads(line)
            if len(row) == self.width:
                self._found[key] = [float(value) for value in row]
        except (ValueError, TypeError):
            pass

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Returns the texts without an answer, once each."""
        return [text for text in dict.fromkeys(texts) if _key(text) not in self._found]

    def add(self, texts: Sequence[str], rows: np.ndarray) -> None:
        """Keeps answers: on disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = []
        for text, row in zip(texts, rows, strict=True):
            values = [round(float(value), 7) for value in row]
            self._found[_key(text)] = values
            lines.append(json.dumps([_key(text), values]) + "\n")
        with self.path.open("a", encoding="utf-8") as file:
            if file.tell() and not _ends_line(self.path):
                file.write("\n")
            file.writelines(lines)

    def take(self, texts: Sequence[str]) -> np.ndarray:
        """Returns float32 `[texts, labels]`, whose rows add up to 1."""
        found = [self._found[_key(text)] for text in texts]
        rows = np.array(found, "float64").reshape(len(texts), self.width)
        return (rows / rows.sum(axis=1, keepdims=True)).astype("float32")


def ask(
    teacher: Teacher,
    texts: Sequence[str],
    say: Callable[[str], object] = lambda line: None,
) -> np.ndarray:
    """Returns the answers of a teacher; it is only asked texts that it was not before.

    Args:
        teacher: the teacher.
        texts: any strings.
        say: receives lines on the progress.

    Returns:
        float32 `[texts, labels]`, whose rows add up to 1.

    Raises:
        TeacherError: for a teacher that fails, or answers what cannot be used; the
            answers before that are kept.
    """
    labels = teacher.lesson.labels
    identity = fingerprint([type(teacher).__name__, *teacher.identity(), list(labels)])
    kept = Answers(teacher.lesson.folder / identity[:32], len(labels))
    missing, done = kept.missing(texts), 0
    try:
        for rows in teacher.ask(missing) if missing else ():
            asked = missing[done : done + len(rows)]
            if len(asked) < len(rows):
                what = f"it gave more than {len(missing):,} answers"
                raise teacher.wrong(what, "one answer for each text", "more")
            kept.add(asked, teacher.checked(rows, asked))
            step = -(-len(missing) // _SHOWN)
            if (done + len(rows)) // step > done // step:
                shown = f"{done + len(rows):,} of {len(missing):,} texts"
                say(f"Teacher {teacher.source}: {shown}")
            done += len(rows)
        if done < len(missing):
            what = f"it answered {done:,} of {len(missing):,} texts"
            raise teacher.wrong(what, "one answer for each text", f"{done:,} answers")
    except (TeacherError, ServerError) as error:
        raise TeacherError(
            f"{error} {done:,} of {len(missing):,} answers are kept in "
            f"{kept.path.parent}; the same command asks for the others."
        ) from error
    return kept.take(texts)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
