"""A teacher that is a model of a running TensorFlow Serving."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from zoo.api.teachers.base import Said, Teacher
from zoo.api.teachers.named_scores import NamedScores
from zoo.client import connect

# `host:port`, also with a scheme, and the name of the model after a slash.
ADDRESS = re.compile(
    r"(?P<server>(?:(?:https?|grpc)://)?[\w.-]+:\d+|(?:https?|grpc)://[\w.-]+)"
    r"(?:/(?P<model>[\w.-]+))?/?"
)


class ServerTeacher(Teacher):
    """Probabilities of `host:port/model`; without a model, of the one named `model`.

    Its answers are kept by this address, so a server with another model needs another
    address, or another folder of answers.
    """

    def identity(self) -> list:
        return [self.source]

    def ask(self, texts: Sequence[str]) -> Iterator[Said]:
        found = ADDRESS.fullmatch(self.source)
        assert found is not None, "what opens teachers has matched it"
        name, deadline = found["model"] or "model", self.lesson.deadline
        client, read = (
            connect(found["server"], name, timeout=deadline),
            NamedScores(self),
        )
        for start in range(0, len(texts), client.batch_size):
            yield read(client.predict(texts[start : start + client.batch_size]))
