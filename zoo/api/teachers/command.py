"""A teacher that is a command: texts on standard input, JSON Lines from it."""

from __future__ import annotations

import queue
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from zoo.api.teachers.base import Said, Teacher
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
        words = shlex.split(self.source.removeprefix(PREFIX))
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
                raise self.wrong("it cannot be started", accepted, error) from None
            try:
                yield from self._answers(process, texts, said)
            finally:
                process.kill()
                process.wait()

    def _answers(self, process, texts: Sequence[str], said) -> Iterator[Said]:
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_write, args=(process, texts), daemon=True).start()
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        for number, text in enumerate([*texts, None]):
            try:
                line = lines.get(timeout=self.lesson.deadline)
            except queue.Empty:
                what = f"it gave no answer {number + 1:,} within its deadline"
                accepted = f"an answer within {self.lesson.deadline:g} s"
                raise self.wrong(what, accepted, "none") from None
            if text is None:
                if line is not None:
                    # One too many; what counts answers says so.
                    yield dict.fromkeys(self.lesson.tasks, np.zeros((1, 1)))
                return
            if line is None:
                code, said_last = process.wait(), _last_line(said)
                what = f"it ended after {number:,} of {len(texts):,} answers"
                shown = f"exit status {code}{said_last}"
                raise self.wrong(what, "one line for each text", shown)
            yield self.arranged([self._parsed(line, number)])

    def _parsed(self, line: str, number: int) -> dict[str, dict[str, float] | None]:
        what = f"its answer {number + 1:,} cannot be read"
        try:
            return read_answer(line, self.lesson.tasks)
        except CellError as error:
            raise self.wrong(
                f"{what}: {error}", error.accepted, error.received
            ) from None


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
