"""What teachers said, on disk: each text is asked once, whatever stops a pass."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from zoo.api.teachers.base import Asked, TeacherError
from zoo.client.base import ServerError
from zoo.text.objects import parse_json
from zoo.text.writing import writing

_FILE = "answers.jsonl"
SHOWN = 10  # lines about the progress of a pass


class Kept(ABC):
    """What one teacher said, by the sha256 of the texts; subclasses say in what form.

    The file has one line for each text, written as soon as its answer comes: the sha256
    and the answer. A line that a kill has cut is ignored, so its text is asked again.

    Args:
        folder: of the teacher; created with the first answer.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / _FILE
        self._found: dict[str, Any] = {}
        if self.path.is_file():
            for line in self.path.read_text("utf-8", "replace").split("\n"):
                try:
                    key, answer = parse_json(line)
                    self._found[key] = self.read(answer)
                except (ValueError, TypeError, KeyError):
                    pass

    @abstractmethod
    def read(self, answer: Any) -> Any:
        """Returns an answer of a line.

        Raises:
            ValueError, TypeError, KeyError: for one that cannot be used.
        """

    @abstractmethod
    def each(self, said: Any) -> list:
        """Returns the answer about each text, as a line has it, of some answers."""

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Returns the texts without an answer, once each."""
        return [text for text in dict.fromkeys(texts) if _key(text) not in self._found]

    def add(self, texts: Sequence[str], said: Any) -> None:
        """Keeps answers: on disk when this returns."""
        lines = []
        for text, answer in zip(texts, self.each(said), strict=True):
            self._found[_key(text)] = self.read(answer)
            lines.append(json.dumps([_key(text), answer]) + "\n")
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                if file.tell() and not _ends_line(self.path):
                    file.write("\n")
                file.writelines(lines)

    def of(self, texts: Sequence[str]) -> list:
        """Returns the answers about texts that are not missing."""
        return [self._found[_key(text)] for text in texts]


def ask_missing(
    teacher: Asked, kept: Kept, texts: Sequence[str], say: Callable[[str], object]
) -> None:
    """Asks a teacher about the texts that it was not asked before.

    Args:
        teacher: the teacher.
        kept: receives its answers.
        texts: any strings.
        say: receives lines on the progress.

    Raises:
        TeacherError: for a teacher that fails, or answers what cannot be used; the
            answers before that are kept.
    """
    missing, done = kept.missing(texts), 0
    try:
        for said in teacher.ask(missing) if missing else ():
            count = teacher.count(said)
            asked = missing[done : done + count]
            if len(asked) < count:
                what = f"it gave more than {len(missing):,} answers"
                raise teacher.wrong(what, "one answer for each text", "more")
            kept.add(asked, teacher.checked(said, asked))
            step = -(-len(missing) // SHOWN)
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


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
