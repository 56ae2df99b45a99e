"""Reads the answers of graphs and servers, whose scores have no names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.api.teachers.base import Said, Teacher, listed

_SCORES = ("scores", "probabilities", "outputs")


class NamedScores:
    """Turns answers into probabilities by label, or values of regressions.

    Of each task an answer has a list of scores: `<task>_scores`,
    `<task>_probabilities`, `<task>_outputs` or `<task>`; of a single task also
    `scores`, `probabilities`, `outputs` or the only list of numbers of it. Its labels
    are those in `classes` or `labels`, with the task's name before it where the scores
    have it; else they are in the order of the data's labels, and `label`, where there
    is one, must then be that of the highest score of categories.

    Args:
        teacher: that gave the answers, for messages.
    """

    def __init__(self, teacher: Teacher) -> None:
        self.teacher = teacher

    def __call__(self, answers: Sequence[Mapping]) -> Said:
        return self.teacher.arranged([self._by_task(answer) for answer in answers])

    def _by_task(self, answer: Mapping) -> dict[str, dict[str, float]]:
        teacher, found = self.teacher, {}
        for task in teacher.lesson.tasks:
            start, scores = self._scores(answer, task)
            if scores is not None:
                found[task] = self._named(answer, task, start, scores)
        if not found:
            name = teacher.lesson.only
            accepted = f"an output {_SCORES[0]!r} [batch, labels]"
            if name is None:
                names = [f"{task}_{_SCORES[0]}" for task in teacher.lesson.tasks]
                accepted = f"an output [batch, labels] of the name {listed(names)}"
            what = "its answers have no scores that can be told from others"
            shown = f"the outputs {', '.join(answer) or 'none'}"
            raise teacher.wrong(what, accepted, shown)
        return found

    def _named(self, answer: Mapping, name: str, start: str, scores: list):
        teacher, task = self.teacher, self.teacher.lesson.tasks[name]
        labels = task.labels or ("value",)
        names = answer.get(f"{start}classes", answer.get(f"{start}labels"))
        if task.labels and isinstance(names, (list, tuple)):
            texts = [_text(text) for text in names]
            teacher.check_labels(name, texts)
            if len(texts) != len(scores):
                what = f"an answer{teacher.about(name)} has another number of labels"
                raise teacher.wrong(what, f"{len(scores)} labels", f"{len(texts)}")
            return dict(zip(texts, scores, strict=False))
        if len(scores) != len(labels):
            accepted = f"{len(labels)} scores, of {listed(labels)}"
            what = f"an answer{teacher.about(name)} has other scores"
            raise teacher.wrong(what, accepted, len(scores))
        label, best = answer.get(f"{start}label"), int(np.argmax(scores))
        checked = task.kind == "categories" and label is not None and _text(label)
        if checked and _text(label) != labels[best]:
            what = (
                f"its labels{teacher.about(name)} are other ones, or in another order"
            )
            accepted = f"scores of {listed(labels)} in this order"
            shown = f"label {_text(label)!r} with the scores {scores}"
            raise teacher.wrong(what, accepted, shown)
        return dict(zip(labels, scores, strict=True))

    def _scores(self, answer: Mapping, task: str) -> tuple[str, list | None]:
        """Returns the start of the names of outputs, and the scores, if there are."""
        starts = [f"{task}_"]
        if self.teacher.lesson.only is not None:
            starts.insert(0, "")
        for start in starts:
            for key in (f"{start}{scores}" for scores in _SCORES):
                if isinstance(found := answer.get(key), list):
                    return start, self._checked(key, found)
        number = self.teacher.lesson.tasks[task].kind == "regression"
        if found := _numbers(answer.get(task), number):
            return starts[-1], found
        if self.teacher.lesson.only is not None:
            lists = [_numbers(value, number) for value in answer.values()]
            lists = [found for found in lists if found]
            if len(lists) == 1:
                return "", lists[0]
        return "", None

    def _checked(self, key: str, scores: list) -> list:
        if not scores or not all(isinstance(score, (int, float)) for score in scores):
            what, accepted = f"its {key!r} of a text are no scores", "a list of numbers"
            raise self.teacher.wrong(what, accepted, repr(scores)[:80])
        return scores


def _numbers(value: Any, number: bool) -> list[float] | None:
    """Returns a list of numbers; with `number` also that of a single one."""
    if number and isinstance(value, float):
        return [value]
    numbers = isinstance(value, list) and all(isinstance(x, float) for x in value)
    return value if numbers else None


def _text(name) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
