"""The REST client, on urllib3's connection pool."""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError

from zoo.client.base import Client, DeadlineError, ServerError
from zoo.text.objects import parse_json

_TOO_MANY = 429
_NOT_IMPLEMENTED = 501  # the only 5xx that a retry cannot fix
_CHUNK = 1 << 16
_KEPT = 256  # connections that stay open; with more threads, some are closed
_HEADERS = {"Content-Type": "application/json"}


class RestClient(Client):
    """Calls TF Serving's REST API with JSON; may be used by several threads.

    Connections stay open between requests. See `zoo.client.base.Client`.
    """

    def __init__(self, address: str, model: str = "model", **options) -> None:
        super().__init__(address.rstrip("/"), model, **options)
        path = f"{urlsplit(self.address).path}/v1/models/{quote(model, safe='')}"
        if self.version is not None:
            path += f"/versions/{self.version}"
        elif self.label is not None:
            path += f"/labels/{quote(self.label, safe='')}"
        self._path = f"{path}:predict"
        self._pool = urllib3.connection_from_url(self.address, maxsize=_KEPT)

    def _rows(self, texts: list, signature: str, timeout: float) -> list[dict]:
        body = {"signature_name": signature, "instances": [_json(t) for t in texts]}
        rows = self._post(body, "predictions", timeout)
        # The server omits the name of an output if it is the only one.
        return [row if isinstance(row, dict) else {"outputs": row} for row in rows]

    def _columns(self, inputs: Mapping, signature: str, timeout: float) -> dict:
        named = {name: _json(value) for name, value in inputs.items()}
        body = {"signature_name": signature, "inputs": named}
        outputs = self._post(body, "outputs", timeout)
        return outputs if isinstance(outputs, dict) else {"outputs": outputs}

    def _post(self, body: dict, key: str, timeout: float):
        end = time.monotonic() + timeout
        try:
            status, content, later = self._exchange(json.dumps(body).encode(), end)
        except (HTTPError, TimeoutError) as error:
            raise self._described(error) from error
        try:
            answer = parse_json(content)
            if status == http.client.OK:
                found = answer[key]
                if key == "outputs" or isinstance(found, list):
                    return found
            problem = answer["error"]
        except (ValueError, KeyError, TypeError):
            problem = content[:200].decode("utf-8", "replace")
        raise ServerError(
            f"{self.address}{self._path} must take the request. "
            f"Received: HTTP status {status}, {problem}",
            status=status,
            passing=status >= 500 and status != _NOT_IMPLEMENTED,
            wait=_seconds(later) if status == _TOO_MANY else None,
        )

    def _exchange(self, body: bytes, end: float) -> tuple[int, bytes, str]:
        """Returns status, content and `Retry-After`, or raises an error at `end`."""
        response = self._response(body, end)
        try:
            content = bytearray()
            while chunk := response.read1(_CHUNK):
                content += chunk
                left = _left(end)  # urllib3's limit would restart with each chunk
                socket = getattr(response.connection, "sock", None)
                if socket is not None:
                    socket.settimeout(left)
        except BaseException:
            response.close()
            raise
        later = response.headers.get("Retry-After", "")
        return response.status, bytes(content), later

    def _response(self, body: bytes, end: float) -> urllib3.BaseHTTPResponse:
        """Returns the head of an answer, whose content is still to be read."""
        while True:
            opened = self._pool.num_connections
            try:
                return self._pool.urlopen(
                    "POST",
                    self._path,
                    body,
                    _HEADERS,
                    retries=False,  # `Client` retries, within one deadline for all
                    timeout=urllib3.Timeout(total=_left(end)),
                    preload_content=False,
                )
            except ProtocolError as error:
                # Without a new connection, the server had closed an idle one. That says
                # nothing about this request; the pool has dropped it.
                closed = isinstance(_cause(error), ConnectionError)
                if not closed or self._pool.num_connections != opened:
                    raise

    def _described(self, error: Exception) -> ServerError:
        cause = _cause(error)
        if isinstance(cause, (TimeoutError, urllib3.exceptions.TimeoutError)):
            return DeadlineError(
                f"{self.address} must answer within {self.timeout} s. "
                "Received: no answer."
            )
        # This OSError is also raised if a connection was closed.
        no_http = isinstance(cause, http.client.BadStatusLine)
        no_http = no_http and not isinstance(cause, OSError)
        wanted = "for the REST API, not gRPC" if no_http else "that can be reached"
        return ServerError(
            f"{self.address} must be a server {wanted}. Received: {cause!r}.",
            passing=not no_http,
        )


def _cause(error: Exception) -> BaseException:
    """Returns the error that urllib3 wrapped, of the socket or `http.client`."""
    if isinstance(error, NewConnectionError):
        return error.__cause__ or error
    return error.args[-1] if isinstance(error, ProtocolError) else error


def _seconds(later: str) -> float:
    """Returns the seconds of a `Retry-After`, which may be a date; 0 if it is neither.

    Example:
        >>> _seconds("2"), _seconds("soon"), _seconds("Wed, 21 Oct 2015 07:28:00 GMT")
        (2.0, 0.0, 0.0)

    Source: RFC 9110, section 10.2.3.
    """
    if later.strip().isdecimal():
        return float(later)
    try:
        left = parsedate_to_datetime(later).timestamp() - time.time()
    except (TypeError, ValueError):
        return 0.0
    return max(left, 0.0)


def _left(end: float) -> float:
    """Returns the seconds until `end`, above 0."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _json(value):
    """Returns a value for JSON; binary bytes and lone surrogates in base64.

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
