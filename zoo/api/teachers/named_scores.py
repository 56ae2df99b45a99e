"""Reads the answers of graphs and servers, whose scores have no names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from zoo.api.teachers.base import Teacher, listed

_SCORES = ("scores", "probabilities", "outputs")


class NamedScores:
    """Turns answers into probabilities by label.

    An answer has a list of scores: `scores`, that of the task, `<task>_scores`,
    `probabilities`, `outputs`, or the only list of numbers of it. Its labels are those
    in `classes` or `labels`; else they are in the order of the data's labels, and
    `label`, where there is one, must then be that of the highest score.

    Args:
        teacher: that gave the answers, for messages.
    """

    def __init__(self, teacher: Teacher) -> None:
        self.teacher = teacher

    def __call__(self, answers: Sequence[Mapping]) -> np.ndarray:
        return self.teacher.of_scores([self._named(answer) for answer in answers])

    def _named(self, answer: Mapping) -> dict[str, float]:
        teacher, labels = self.teacher, self.teacher.lesson.labels
        start, scores = self._scores(answer)
        names = answer.get(f"{start}classes", answer.get(f"{start}labels"))
        if isinstance(names, (list, tuple)):
            texts = [_text(name) for name in names]
            teacher.check_labels(texts)
            return dict(zip(texts, scores, strict=False))
        if len(scores) != len(labels):
            accepted = f"{len(labels)} scores, of {listed(labels)}"
            raise teacher.wrong("an answer has other scores", accepted, len(scores))
        label, best = answer.get(f"{start}label"), int(np.argmax(scores))
        if label is not None and _text(label) and _text(label) != labels[best]:
            what = "its labels are other ones, or in another order"
            accepted = f"scores of {listed(labels)} in this order"
            shown = f"label {_text(label)!r} with the scores {scores}"
            raise teacher.wrong(what, accepted, shown)
        return dict(zip(labels, scores, strict=True))

    def _scores(self, answer: Mapping) -> tuple[str, list]:
        """Returns the start of the names of outputs, and the scores."""
        task = f"{self.teacher.lesson.task}_"
        for start, name in (("", ""), (task, task)):
            for key in (f"{name}{scores}" for scores in _SCORES):
                if isinstance(answer.get(key), list):
                    return start, answer[key]
        lists = [key for key, value in answer.items() if _is_numbers(value)]
        if len(lists) == 1:
            return "", answer[lists[0]]
        what = "its answers have no scores that can be told from others"
        accepted = f"an output {_SCORES[0]!r} [batch, labels]"
        shown = f"the outputs {', '.join(answer) or 'none'}"
        raise self.teacher.wrong(what, accepted, shown)


def _is_numbers(value) -> bool:
    return isinstance(value, list) and all(isinstance(x, float) for x in value)


def _text(name) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
