"""The common base of the clients: batches, deadlines and retries."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice

from zoo.text.inputs import each_text, real, whole

_FIRST_PAUSE = 0.05  # seconds, doubled each time
_LONGEST_PAUSE = 2.0


class ServerError(RuntimeError):
    """The server rejected a request, or is unreachable.

    Attributes:
        status: HTTP status code, or gRPC status name; `None` without a connection.
        passing: whether the same request may succeed a moment later.
        wait: of a server that limits the rate of requests, the seconds after which it
            takes the next one, 0 if it does not say; else `None`.
    """

    def __init__(
        self,
        message: str,
        *,
        status=None,
        passing: bool = False,
        wait: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.passing = passing
        self.wait = wait


class DeadlineError(ServerError, TimeoutError):
    """There was no answer within `timeout`."""


class Client(ABC):
    """Sends requests to one model of a server.

    Args:
        address: address of the server.
        model: its name on the server.
        version: number of the version, or
        label: its label, such as `"stable"`; by default the server's newest version.
        timeout: seconds allowed for a request, including retries.
        retries: how often to retry a request, with growing pauses, if the server is
            unreachable, unavailable or failed; never if it rejected the request or
            time is up.
        batch_size: texts per request. A server that batches rejects more than its
            `max_batch_size`.

    Raises:
        ValueError: for both a version and a label, or numbers out of range.
    """

    def __init__(
        self,
        address: str,
        model: str = "model",
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 10.0,
        retries: int = 3,
        batch_size: int = 64,
    ) -> None:
        if version is not None and label is not None:
            raise ValueError(
                "Give a `version` or a `label`, not both. "
                f"Received: version={version!r}, label={label!r}."
            )
        self.address = address
        self.model = model
        self.version = version and whole("version", version, 0, 2**63 - 1)
        self.label = label
        self.timeout = real("timeout", timeout, 0.001)
        self.retries = whole("retries", retries, 0)
        self.batch_size = whole("batch_size", batch_size, 1)

    def __repr__(self) -> str:
        chosen = {"model": self.model, "version": self.version, "label": self.label}
        shown = [f"{name}={value!r}" for name, value in chosen.items() if value]
        return f"{type(self).__name__}({', '.join([repr(self.address), *shown])})"

    def predict(
        self, texts: Iterable[str | bytes], signature: str = "serving_default"
    ) -> list[dict]:
        """Returns answers for texts, in their order.

        Args:
            texts: any iterable; each request takes `batch_size` of them.
            signature: a signature whose only input is `text`.

        Returns:
            For each text a dict from the name of an output to its value, such as
            `label` and the list `scores`.

        Raises:
            ValueError: for one text instead of several.
            ServerError: see the class; `DeadlineError` is one.
        """
        answers: list[dict] = []
        for chunk in _chunks(texts, self.batch_size):
            rows = self._retrying(partial(self._rows, chunk, signature))
            if len(rows) != len(chunk):
                raise ServerError(
                    f"The server must answer each of {len(chunk)} texts. "
                    f"Received: {len(rows)} answers."
                )
            answers += rows
        return answers

    def call(self, inputs: Mapping, signature: str = "serving_default") -> dict:
        """Sends one request of any signature, whose inputs may include scalars.

        Args:
            inputs: numbers, texts or nested lists of them, by name.
            signature: its name.

        Returns:
            The outputs by name, as nested lists.

        Raises:
            ServerError: see the class; `DeadlineError` is one.
        """
        return self._retrying(lambda left: self._columns(inputs, signature, left))

    @abstractmethod
    def _rows(self, texts: list, signature: str, timeout: float) -> list[dict]:
        """Makes one attempt at a request of texts only."""

    @abstractmethod
    def _columns(self, inputs: Mapping, signature: str, timeout: float) -> dict:
        """Makes one attempt at a request of any inputs."""

    def _retrying(self, attempt: Callable[[float], object]):
        """Calls `attempt` with the seconds left, until it succeeds or time is up."""
        end = time.monotonic() + self.timeout
        for pause in [*_pauses(self.retries), None]:
            left = end - time.monotonic()
            try:
                return attempt(left)
            except ServerError as error:
                over = end - time.monotonic()
                if not error.passing or pause is None or pause >= over:
                    raise
                time.sleep(pause)


def _pauses(count: int) -> Iterator[float]:
    """Half of each pause is random, so that clients do not all return at once."""
    for number in range(count):
        longest = min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE)
        yield longest * random.uniform(0.5, 1.0)


def _chunks(texts: Iterable, size: int) -> Iterator[list]:
    stream = each_text(texts)
    while chunk := list(islice(stream, size)):
        yield chunk
