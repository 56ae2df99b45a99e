"""A teacher that is a sentence encoder in ONNX, with a regression for each task."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from zoo.api.teachers.base import Labelled, Said, Teacher
from zoo.families.classification.estimators import fit_weights
from zoo.families.classification.taught import as_outputs
from zoo.families.encoding import teacher as encoding
from zoo.families.encoding.cache import teacher_vectors
from zoo.tasks import Task
from zoo.training.metrics import evaluate, merit

STRENGTHS = (1.0, 10.0, 100.0)
BATCH = 1024

# From vectors `[texts, width]` to answers `[texts, outputs]`.
Head = Callable[[np.ndarray], np.ndarray]


class EncoderTeacher(Teacher):
    """Answers of a regression on the vectors of an ONNX encoder.

    It is a logistic one for labels, and a ridge regression for a number, fitted on the
    training rows with a label of the task; its strength is chosen on the validation
    rows.
    """

    @cached_property
    def _encoder(self) -> encoding.Teacher:
        return encoding.Teacher(self.source)

    def identity(self) -> list:
        return [*self._encoder.digests, *self.lesson.rows]

    def ask(self, texts: Sequence[str]) -> Iterator[Said]:
        heads = self._heads
        for start in range(0, len(texts), BATCH):
            vectors = self._encoder(texts[start : start + BATCH], first=start)
            vectors = vectors.astype("float32")
            yield {name: head(vectors) for name, head in heads.items()}

    @cached_property
    def _heads(self) -> dict[str, Head]:
        lesson = self.lesson
        train, valid = map(self._vectors, (lesson.train, lesson.valid))
        heads = {}
        for name, task in lesson.tasks.items():
            (rows, targets), (held, truth) = (
                lesson.train.of(name),
                lesson.valid.of(name),
            )
            heads[name] = _fitted(task, train[rows], targets, valid[held], truth)
        return heads

    def _vectors(self, part: Labelled) -> np.ndarray:
        if not len(part.texts):
            return np.zeros((0, self._encoder.width))
        folder = self.lesson.folder
        return np.array(
            teacher_vectors(self._encoder, part.texts, folder=folder), float
        )


def _fitted(task: Task, vectors, targets, held, truth) -> Head:
    """Returns the head of the best main metric on held-out rows."""
    best: tuple[float, Head] | None = None
    for strength in STRENGTHS if len(held) else STRENGTHS[1:2]:
        head, score = _head(task, strength, vectors, targets), 0.0
        if len(held):
            said = as_outputs(task, head(held))
            found = evaluate(task, truth, np.ones(len(truth)), said, ranking=False)
            score = float(np.nan_to_num(merit(task, found), nan=0.0))
        if best is None or score > best[0]:
            best = score, head
    assert best is not None, "there is at least one strength"
    return best[1]


def _head(task: Task, strength: float, vectors, targets) -> Head:
    if task.kind == "categories":
        return _categories(task, strength, vectors, targets)
    rows = csr_matrix(vectors), targets, np.ones(len(targets))
    found = fit_weights(task, strength, rows)
    if task.kind == "regression":
        return lambda vectors: task.value(vectors @ found.weights + found.bias)
    return lambda vectors: expit(vectors @ found.weights + found.bias)


def _categories(task: Task, strength: float, vectors, targets) -> Head:
    model = LogisticRegression(C=strength, max_iter=500)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(vectors, targets)

    def head(vectors: np.ndarray) -> np.ndarray:
        found = np.zeros((len(vectors), task.outputs))
        found[:, model.classes_] = model.predict_proba(vectors)
        return found

    return head
