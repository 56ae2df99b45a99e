"""A teacher that is a command: texts on standard input, JSON Lines from it."""

from __future__ import annotations

import queue
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from zoo.api.teachers.base import Asked, Said, Teacher
from zoo.api.teachers.json_answers import read_answer
from zoo.data.cells import CellError

PREFIX = "command:"


class CommandTeacher(Teacher):
    """Answers of a command, one line for each line that it reads, in the same order.

    A line is an answer that `zoo.api.teachers.json_answers.read_answer` reads. White
    space in a text that would end a line is a blank. The command is split as a shell
    does, and runs without one.
    """

    def identity(self) -> list:
        return [self.source]

    def ask(self, texts: Sequence[str]) -> Iterator[Said]:
        for number, line in enumerate(lines_of(self, texts, self.lesson.deadline), 1):
            if number > len(texts):  # what counts answers says so
                yield dict.fromkeys(self.lesson.tasks, np.zeros((1, 1)))
                return
            try:
                found = read_answer(line, self.lesson.tasks)
            except CellError as error:
                what = f"its answer {number:,} cannot be read: {error}"
                raise self.wrong(what, error.accepted, error.received) from None
            yield self.arranged([found])


def lines_of(teacher: Asked, texts: Sequence[str], deadline: float) -> Iterator[str]:
    """Yields the lines that a command writes about texts: one each, and any further.

    Args:
        teacher: whose source is the command.
        texts: what the command reads.
        deadline: seconds within which each line must come.

    Raises:
        TeacherError: for a command that fails, ends early or takes longer.
    """
    words = shlex.split(teacher.source.removeprefix(PREFIX))
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                encoding="utf-8",
                errors="replace",
            )
        except (OSError, IndexError) as error:
            accepted = f"{PREFIX}PROGRAM ARGUMENTS"
            raise teacher.wrong("it cannot be started", accepted, error) from None
        try:
            yield from _lines(teacher, process, texts, said, deadline)
        finally:
            process.kill()
            process.wait()


def _lines(
    teacher: Asked, process, texts: Sequence[str], said, deadline: float
) -> Iterator[str]:
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_write, args=(process, texts), daemon=True).start()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    for number, text in enumerate([*texts, None]):
        try:
            line = lines.get(timeout=deadline)
        except queue.Empty:
            what = f"it gave no answer {number + 1:,} within its deadline"
            accepted = f"an answer within {deadline:g} s"
            raise teacher.wrong(what, accepted, "none") from None
        if line is not None:
            yield line
        elif text is not None:
            code, said_last = process.wait(), _last_line(said)
            what = f"it ended after {number:,} of {len(texts):,} answers"
            shown = f"exit status {code}{said_last}"
            raise teacher.wrong(what, "one line for each text", shown)


def _write(process, texts: Sequence[str]) -> None:
    try:
        for text in texts:
            process.stdin.write(" ".join(text.splitlines()) + "\n")
        process.stdin.close()
    except (OSError, ValueError):  # it has ended; what reads its answers says so
        pass


def _read(process, lines: queue.Queue) -> None:
    for line in process.stdout:
        if line.strip():
            lines.put(line)
    lines.put(None)


def _last_line(said) -> str:
    said.seek(0)
    lines = [line.strip() for line in said.read().splitlines() if line.strip()]
    return f", {lines[-1][:200]!r}" if lines else ""
