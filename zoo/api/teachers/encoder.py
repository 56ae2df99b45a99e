"""A teacher that is a sentence encoder in ONNX with a logistic regression on top."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from zoo.api.teachers.base import Teacher
from zoo.families.encoding import teacher as encoding
from zoo.families.encoding.cache import teacher_vectors

STRENGTHS = (1.0, 10.0, 100.0)
BATCH = 1024


class EncoderTeacher(Teacher):
    """Probabilities of a logistic regression on the vectors of an ONNX encoder.

    It is fitted on the labelled training rows; its strength is chosen on the
    validation rows.
    """

    @cached_property
    def _encoder(self) -> encoding.Teacher:
        return encoding.Teacher(self.source)

    def identity(self) -> list:
        return [*self._encoder.digests, *self.lesson.rows]

    def ask(self, texts: Sequence[str]) -> Iterator[np.ndarray]:
        model = self._fitted
        for start in range(0, len(texts), BATCH):
            vectors = self._encoder(texts[start : start + BATCH], first=start)
            found = np.zeros((len(vectors), len(self.lesson.labels)))
            found[:, model.classes_] = model.predict_proba(vectors.astype("float32"))
            yield found

    @cached_property
    def _fitted(self) -> LogisticRegression:
        lesson, best = self.lesson, None
        train, valid = (
            np.array(teacher_vectors(self._encoder, part, folder=lesson.folder), float)
            if len(part)
            else np.zeros((0, self._encoder.width))
            for part in (lesson.texts, lesson.valid_texts)
        )
        for strength in STRENGTHS if len(valid) else STRENGTHS[1:2]:
            model = LogisticRegression(C=strength, max_iter=500)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(train, lesson.targets)
            right = 0.0
            if len(valid):
                right = model.score(valid, lesson.valid_targets)
            if best is None or right > best[0]:
                best = right, model
        assert best is not None, "there is at least one strength"
        return best[1]
