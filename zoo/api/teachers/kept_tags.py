"""What taggers said, on disk: each sentence is asked once, whatever stops a pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.api.teachers.base import Asked
from zoo.api.teachers.kept import Kept, ask_missing
from zoo.api.teachers.taggers import Shares, Tagger
from zoo.tasks import TAGS, Task
from zoo.training.checkpoint import fingerprint

BATCH = 256  # sentences asked at once
DIGITS = 6  # of a probability that is kept


class KeptTagger:
    """A tagger whose answers are kept; it is only asked what it was not before.

    Args:
        tagger: the teacher.
        folder: keeps the answers of all teachers.
        say: receives lines on the progress.
    """

    def __init__(
        self, tagger: Tagger, folder: Path, say: Callable[[str], object]
    ) -> None:
        self.source, self.tasks = tagger.source, tagger.tasks
        self._asked, self._say = _Asked(tagger), say
        labels = {name: [*task.labels] for name, task in self.tasks.items()}
        identity = [*self._asked.identity(), labels, "tags"]
        self._kept = _Distributions(folder / fingerprint(identity)[:32], self.tasks)

    def ask(self, sentences: Sequence[Sequence[str]], tasks: Iterable[str]) -> Shares:
        """Returns the distributions about the tasks that the tagger has.

        Raises:
            TeacherError: for a teacher that fails; the answers before that are kept.
        """
        texts = [json.dumps(list(words)) for words in sentences]
        ask_missing(self._asked, self._kept, texts, self._say)
        found = self._kept.of(texts)
        known = [name for name in tasks if name in self.tasks]
        return {name: [answer[name] for answer in found] for name in known}


class _Asked(Asked):
    """A tagger, asked about sentences that are JSON lists of words."""

    def __init__(self, tagger: Tagger) -> None:
        super().__init__(tagger.source)
        self._tagger = tagger

    def identity(self) -> list:
        return self._tagger.identity()

    def ask(self, texts: Sequence[str]) -> Iterator[Shares]:
        for start in range(0, len(texts), BATCH):
            sentences = [json.loads(text) for text in texts[start : start + BATCH]]
            yield self._tagger.ask(sentences, self._tagger.tasks)

    def count(self, said: Shares) -> int:
        return len(next(iter(said.values())))

    def checked(self, said: Shares, texts: Sequence[str]) -> Shares:
        return said


class _Distributions(Kept):
    """By task, the distribution of each word, or that of the sentence."""

    def __init__(self, folder: Path, tasks: Mapping[str, Task]) -> None:
        self._tasks = tasks
        super().__init__(folder)

    def read(self, answer: Any) -> dict[str, np.ndarray]:
        found = {}
        for name, task in self._tasks.items():
            shape = (-1, len(task.labels)) if task.kind == TAGS else len(task.labels)
            found[name] = np.asarray(answer[name], float).reshape(shape)
        return found

    def each(self, said: Shares) -> list[dict[str, list]]:
        rows = zip(*said.values(), strict=True)
        return [
            {
                name: np.round(np.asarray(part, float), DIGITS).tolist()
                for name, part in zip(said, row, strict=True)
            }
            for row in rows
        ]
