"""A teacher that is a model of a running TensorFlow Serving."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence

from zoo.api.teachers.base import Said, Teacher
from zoo.api.teachers.named_scores import NamedScores
from zoo.client import connect
from zoo.client.base import Client, ServerError

# `host:port`, also with a scheme, and the name of the model after a slash.
ADDRESS = re.compile(
    r"(?P<server>(?:(?:https?|grpc)://)?[\w.-]+:\d+|(?:https?|grpc)://[\w.-]+)"
    r"(?:/(?P<model>[\w.-]+))?/?"
)


# Seconds before the next request of a server that limits their rate and says no time.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class ServerTeacher(Teacher):
    """Probabilities of `host:port/model`; without a model, of the one named `model`.

    Its answers are kept by this address, so a server with another model needs another
    address, or another folder of answers.
    """

    def identity(self) -> list:
        return [self.source]

    def ask(self, texts: Sequence[str]) -> Iterator[Said]:
        read = NamedScores(self)
        for answers in answers_of(self.source, texts, self.lesson.deadline):
            yield read(answers)


def answers_of(
    source: str, texts: Sequence[str], deadline: float
) -> Iterator[list[dict]]:
    """Yields the answers of a server about some texts at a time.

    A server that limits the rate of requests is asked again when it says, or after
    pauses that double from 1 s to 1 min, as long as they end within the deadline.

    Args:
        source: its address, which matches `ADDRESS`.
        texts: what it is asked.
        deadline: seconds within which each batch must be answered.

    Raises:
        ServerError: for a server that is unreachable, fails or takes longer.
    """
    found = ADDRESS.fullmatch(source)
    assert found is not None, "what opens teachers has matched it"
    client = connect(found["server"], found["model"] or "model", timeout=deadline)
    for start in range(0, len(texts), client.batch_size):
        yield _answered(client, texts[start : start + client.batch_size], deadline)


def _answered(client: Client, texts: Sequence[str], deadline: float) -> list[dict]:
    end, pause = time.monotonic() + deadline, _FIRST_PAUSE
    while True:
        try:
            return client.predict(texts)
        except ServerError as error:
            wait = error.wait or pause
            if error.wait is None or time.monotonic() + wait >= end:
                raise
        time.sleep(wait)
        pause = min(2.0 * pause, _LONGEST_PAUSE)
