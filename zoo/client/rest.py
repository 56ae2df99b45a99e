"""The REST client, on the standard library."""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections import deque
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from zoo.client.base import Client, DeadlineError, ServerError

_NOT_IMPLEMENTED = 501  # the one of the 5xx that a second try cannot mend
_CHUNK = 1 << 16


class RestClient(Client):
    """Speaks JSON with TF Serving's REST API; may be used by several threads.

    Connections stay open between requests. See `zoo.client.base.Client`.
    """

    def __init__(self, address: str, model: str = "model", **options) -> None:
        super().__init__(address.rstrip("/"), model, **options)
        self._url = urlsplit(self.address)
        path = f"{self._url.path}/v1/models/{quote(model, safe='')}"
        if self.version is not None:
            path += f"/versions/{self.version}"
        elif self.label is not None:
            path += f"/labels/{quote(self.label, safe='')}"
        self._path = f"{path}:predict"
        self._idle: deque[http.client.HTTPConnection] = deque()

    def _rows(self, texts: list, signature: str, timeout: float) -> list[dict]:
        body = {"signature_name": signature, "instances": [_json(t) for t in texts]}
        rows = self._post(body, "predictions", timeout)
        # The server leaves out the name of an output that is alone.
        return [row if isinstance(row, dict) else {"outputs": row} for row in rows]

    def _columns(self, inputs: Mapping, signature: str, timeout: float) -> dict:
        named = {name: _json(value) for name, value in inputs.items()}
        body = {"signature_name": signature, "inputs": named}
        outputs = self._post(body, "outputs", timeout)
        return outputs if isinstance(outputs, dict) else {"outputs": outputs}

    def _post(self, body: dict, key: str, timeout: float):
        end = time.monotonic() + timeout
        try:
            status, content = self._exchange(json.dumps(body).encode(), end)
        except TimeoutError as error:
            raise DeadlineError(
                f"{self.address} must answer within {self.timeout} s. "
                "Received: no answer."
            ) from error
        except (OSError, http.client.HTTPException) as error:
            # It is also raised, as an OSError, where a connection was closed.
            no_http = isinstance(error, http.client.BadStatusLine)
            no_http = no_http and not isinstance(error, OSError)
            wanted = (
                "of the REST API, not of gRPC" if no_http else "that can be reached"
            )
            raise ServerError(
                f"{self.address} must be a server {wanted}. Received: {error!r}.",
                passing=not no_http,
            ) from error
        try:
            answer = json.loads(content)
            if status == http.client.OK:
                return answer[key]
            problem = answer["error"]
        except (ValueError, KeyError, TypeError):
            problem = content[:200].decode("utf-8", "replace")
        raise ServerError(
            f"{self.address}{self._path} must take the request. "
            f"Received: HTTP status {status}, {problem}",
            status=status,
            passing=status >= 500 and status != _NOT_IMPLEMENTED,
        )

    def _exchange(self, body: bytes, end: float) -> tuple[int, bytes]:
        """Status and content, or a `TimeoutError` at `end`."""
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._send(self._new_connection(), body, end)
        try:
            return self._send(connection, body, end)
        except ConnectionError:  # closed by the server while it was idle
            return self._exchange(body, end)

    def _send(
        self, connection: http.client.HTTPConnection, body: bytes, end: float
    ) -> tuple[int, bytes]:
        try:
            _limit(connection, end)
            if connection.sock is None:
                connection.connect()
                _limit(connection, end)
            headers = {"Content-Type": "application/json"}
            connection.request("POST", self._path, body, headers)
            _limit(connection, end)
            response = connection.getresponse()
            content = bytearray()
            while chunk := response.read1(_CHUNK):
                content += chunk
                if connection.sock is not None:
                    _limit(connection, end)
            response.read()  # `read1` leaves the response open at its end
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return response.status, bytes(content)

    def _new_connection(self) -> http.client.HTTPConnection:
        https = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if https else http.client.HTTPConnection
        return kind(self._url.hostname, self._url.port)


def _limit(connection: http.client.HTTPConnection, end: float) -> None:
    """Lets the next step on the socket last until `end` and no longer."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.timeout = left
    if connection.sock is not None:
        connection.sock.settimeout(left)


def _json(value):
    """A value for JSON; bytes that are no text, and lone surrogates, in base64.

    Example:
        >>> _json(["good", b"good", b"\\xff"])
        ['good', 'good', {'b64': '/w=='}]
    """
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode()}
    return value
