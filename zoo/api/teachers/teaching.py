"""The course of a distillation: ask, train the student alone, teach it, compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from zoo.api.teachers.alone import student_alone
from zoo.api.teachers.answers import ask
from zoo.api.teachers.base import Lesson, Said, Teacher
from zoo.api.teachers.opening import open_teacher
from zoo.api.teachers.outcome import TaskTaught, Taught
from zoo.data import Splits, encode_labels
from zoo.families.classification.evaluate import evaluate_examples
from zoo.families.classification.soft import there
from zoo.families.classification.taught import (
    as_answers,
    as_outputs,
    calibrating,
    entropy,
    taught_splits,
    tempered,
)
from zoo.families.run import Run
from zoo.tasks import Task
from zoo.training.metrics import MAIN_METRIC, evaluate, mean_of_known


@dataclass(frozen=True)
class Teaching:
    """A student, its data and its teachers.

    Args:
        train: trains the student on a data set, in a folder, and may export it.
        identity: what determines the student beside its data.
        splits: the labelled data.
        lesson: of the data.
        teachers: as the user named them.
        temperature: of their answers, or `None` for the one that calibrates each task.
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
        if untaught := [
            n for n, row in answers["train"].items() if not there(row).any()
        ]:
            self.say(f"No answer about a training text is about {', '.join(untaught)}.")
        temperatures = {
            name: self.temperature or self._calibrating(name, answers["valid"][name])
            for name in self._tasks
        }
        student = self.alone(folder)
        scores = {"alone": self._student_scores(student)}
        most = len(pool) if budget is None else min(budget, len(pool))
        asked: list[int] = []
        said: Said = {}
        for number in range(1, rounds + 1):
            count = most * number // rounds - len(asked)
            asked += self._chosen(student, pool, asked, count, most)
            texts = [pool[place] for place in asked]
            said = self.ask(texts)
            taught = taught_splits(
                self.splits,
                self._tasks,
                self._tempered(answers["train"], temperatures),
                texts,
                self._tempered(said, temperatures),
                self.mixture,
            )
            last = number == rounds
            place = folder if last else folder / f"round-{number}"
            run = self.train(taught, place, export_to if last else None)
            student = run.model
        scores["taught"] = self._student_scores(student)
        scores["teacher"] = {
            part: self._teacher_scores(answers[part], part)
            for part in ("valid", "test")
        }
        agreement = self._teacher_scores(answers["train"], "train")
        tasks = {}
        for name, task in self._tasks.items():
            everything = np.concatenate([answers["train"][name], said[name]])
            has = there(everything)
            tasks[name] = TaskTaught(
                metric=MAIN_METRIC[task.kind],
                scores={
                    who: {part: found[name] for part, found in of_parts.items()}
                    for who, of_parts in scores.items()
                },
                agreement=agreement[name],
                entropy=mean_of_known(entropy(task, everything[has])),
                temperature=temperatures[name],
                answered=float(has.mean()),
            )
        found = Taught(
            teachers=list(self.teachers),
            tasks=tasks,
            mixture=self.mixture,
            asked=len(asked),
            given=max(given, len(pool)),
        )
        found.write(folder)
        self.say(str(found))
        return run

    def ask(self, texts: Sequence[str]) -> Said:
        """Returns the mean of the answers of the teachers about each task.

        A task counts the teachers that have an answer about it; rows of NaN have none.
        """
        found = [ask(teacher, texts, self.say) for teacher in self._opened]
        said = {}
        for name in self._tasks:
            rows = np.stack([answers[name] for answers in found])
            count = np.isfinite(rows).sum(axis=0)
            total = np.nansum(rows, axis=0)
            said[name] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return said

    def alone(self, folder: Path):
        """Returns the student without a teacher."""
        parts = [vars(part) for part in self.splits.parts.values()]
        read = [[p["texts"], p["labels"], p["weights"]] for p in parts]
        identity = [*self.identity, read]
        return student_alone(self.train, self.splits, identity, folder, self.say)

    @cached_property
    def _opened(self) -> list[Teacher]:
        return [open_teacher(one, self.lesson, self.say) for one in self.teachers]

    @property
    def _tasks(self) -> Mapping[str, Task]:
        return self.lesson.tasks

    def _tempered(self, said: Said, temperatures: Mapping[str, float]) -> Said:
        return {
            name: tempered(task, said[name], temperatures[name])
            for name, task in self._tasks.items()
        }

    def _calibrating(self, name: str, rows: np.ndarray) -> float:
        targets, weights = encode_labels(self.splits.valid, self._tasks)
        chosen = (weights[name] > 0) & there(rows)
        return calibrating(self._tasks[name], rows[chosen], targets[name][chosen])

    def _teacher_scores(self, said: Said, part: str) -> dict[str, float]:
        """Returns the main metric of each task, over the rows with an answer."""
        targets, weights = encode_labels(getattr(self.splits, part), self._tasks)
        found = {}
        for name, task in self._tasks.items():
            weight = weights[name] * there(said[name])
            outputs = as_outputs(task, said[name])
            result = evaluate(task, targets[name], weight, outputs, ranking=False)
            found[name] = float(result[MAIN_METRIC[task.kind]])
        return found

    def _student_scores(self, model) -> dict[str, dict[str, float]]:
        """Returns the same of a student, by part."""
        found: dict[str, dict[str, float]] = {}
        for part in ("valid", "test"):
            _, results = evaluate_examples(model, getattr(self.splits, part))
            found[part] = {
                name: float(results[name][MAIN_METRIC[task.kind]])
                for name, task in self._tasks.items()
            }
        return found

    def _chosen(self, model, pool, asked: Sequence[int], count: int, most: int):
        """Returns places in the pool: the texts that a student is least certain of.

        That is the mean entropy over tasks with labels, of its calibrated answers.
        """
        left = np.setdiff1d(np.arange(len(pool)), asked)
        if most == len(pool) and count == len(left):
            return left.tolist()
        outputs, doubt = (
            model.logits([pool[place] for place in left]),
            np.zeros(len(left)),
        )
        for name, task in model.tasks.items():
            if task.kind != "regression":
                shares = as_answers(task, outputs[name], task.temperature)
                doubt += entropy(task, shares.astype("float64"))
        return left[np.argsort(-doubt, kind="stable")[:count]].tolist()
