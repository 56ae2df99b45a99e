"""The course of a distillation: ask, train the student alone, teach it, compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from zoo.api.teachers.answers import ask
from zoo.api.teachers.base import Lesson, Teacher
from zoo.api.teachers.opening import open_teacher
from zoo.api.teachers.outcome import Taught
from zoo.data import Splits, encode_labels, learn_tasks
from zoo.families.classification.evaluate import evaluate_examples
from zoo.families.classification.taught import (
    calibrating,
    entropy,
    taught_splits,
    tempered,
)
from zoo.families.run import Run
from zoo.loading import load
from zoo.tasks import Task
from zoo.training.checkpoint import fingerprint
from zoo.training.kept import read_json, write_json

_CLAIM = "alone.json"
ALONE = "alone"  # folder of the student without a teacher, in that of the run


@dataclass(frozen=True)
class Teaching:
    """A student, its data and its teachers.

    Args:
        train: trains the student on a data set, in a folder, and may export it.
        identity: what determines the student beside its data.
        splits: the labelled data.
        lesson: of the data.
        teachers: as the user named them.
        temperature: of their answers, or `None` for the calibrating one.
        mixture: share of the label in the target of a labelled row.
        say: receives lines on the progress.
    """

    train: Callable[[Splits, Path, Path | None], Run]
    identity: Sequence
    splits: Splits
    lesson: Lesson
    teachers: Sequence[str]
    temperature: float | None
    mixture: float
    say: Callable[[str], object]

    def run(
        self,
        pool: Sequence[str],
        given: int,
        folder: Path,
        export_to: Path | None,
        *,
        budget: int | None,
        rounds: int,
    ) -> Run:
        """Teaches the student, and reports on it.

        Args:
            pool: texts that the teacher may label beside those of the data.
            given: how many there were before copies were left out.
            folder: of the run.
            export_to: folder of the exported versions, or `None`.
            budget: how many texts of the pool the teacher labels, or `None` for all.
            rounds: in how many parts it labels them.
        """
        answers = {n: self.ask(part.texts) for n, part in self.splits.parts.items()}
        temperature = self.temperature or self._calibrating(answers["valid"])
        rows = tempered(answers["train"], temperature)
        student = self.alone(folder / ALONE)
        accuracy = {"alone": self._accuracies(student), "teacher": {}}
        for part in ("valid", "test"):
            accuracy["teacher"][part] = self._agreement(answers[part], part)
        most = len(pool) if budget is None else min(budget, len(pool))
        asked: list[int] = []
        said = np.zeros((0, rows.shape[1]))
        for number in range(1, rounds + 1):
            count = most * number // rounds - len(asked)
            asked += self._chosen(student, pool, asked, count, most)
            texts = [pool[place] for place in asked]
            said = self.ask(texts)
            taught = taught_splits(
                self.splits,
                self.lesson.task,
                self.lesson.labels,
                rows,
                texts,
                tempered(said, temperature),
                self.mixture,
            )
            last = number == rounds
            place = folder if last else folder / f"round-{number}"
            run = self.train(taught, place, export_to if last else None)
            student = run.model
        everything = np.concatenate([answers["train"], said])
        accuracy["taught"] = self._accuracies(student)
        found = Taught(
            teachers=list(self.teachers),
            accuracy=accuracy,
            agreement=self._agreement(answers["train"], "train"),
            entropy=float(entropy(everything).mean()),
            temperature=temperature,
            mixture=self.mixture,
            asked=len(asked),
            given=max(given, len(pool)),
        )
        found.write(folder)
        self.say(str(found))
        return run

    def ask(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the mean of the answers of all teachers, `[texts, labels]`."""
        found = [ask(teacher, texts, self.say) for teacher in self._opened]
        return np.mean(found, axis=0).astype("float64")

    def alone(self, folder: Path):
        """Returns the student without a teacher; one that is there is not repeated."""
        parts = [vars(part) for part in self.splits.parts.values()]
        read = [[p["texts"], p["labels"], p["weights"]] for p in parts]
        claim = {"student": fingerprint([*self.identity, read])}
        path = folder / _CLAIM
        if path.is_file() and read_json(path, f"Remove {folder}.") == claim:
            return load(folder)
        self.say("The student alone:")
        run = self.train(self.splits, folder, None)
        write_json(path, claim)
        self.say("The student with its teacher:")
        return run.model

    @cached_property
    def _opened(self) -> list[Teacher]:
        return [open_teacher(one, self.lesson, self.say) for one in self.teachers]

    @cached_property
    def _tasks(self) -> dict[str, Task]:
        return learn_tasks(self.splits.train)

    def _calibrating(self, rows: np.ndarray) -> float:
        targets, weights = encode_labels(self.splits.valid, self._tasks)
        name = self.lesson.task
        there = weights[name] > 0
        return calibrating(self._tasks[name], rows[there], targets[name][there])

    def _agreement(self, rows: np.ndarray, part: str) -> float:
        """Returns the share of the labels of a part that answers agree with."""
        name, examples = self.lesson.task, getattr(self.splits, part)
        targets, weights = encode_labels(examples, self._tasks)
        there = weights[name] > 0
        right = rows.argmax(axis=1)[there] == targets[name][there]
        return float(np.mean(right)) if there.any() else float("nan")

    def _accuracies(self, model) -> dict[str, float]:
        found = {}
        for part in ("valid", "test"):
            _, results = evaluate_examples(model, getattr(self.splits, part))
            value = results[self.lesson.task].get("accuracy")
            found[part] = float("nan") if value is None else float(value)
        return found

    def _chosen(self, model, pool, asked: Sequence[int], count: int, most: int):
        """Returns places in the pool: the texts that a student is least certain of."""
        left = np.setdiff1d(np.arange(len(pool)), asked)
        if most == len(pool) and count == len(left):
            return left.tolist()
        task = model.tasks[self.lesson.task]
        logits = model.logits([pool[place] for place in left])[self.lesson.task]
        logits = logits / task.temperature
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        doubt = entropy(shares / shares.sum(axis=1, keepdims=True))
        return left[np.argsort(-doubt, kind="stable")[:count]].tolist()
