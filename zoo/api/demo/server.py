"""The HTTP server of the page: who may ask, what is too large, and what is answered.

It listens on this machine alone. The header `Host` must be that of the page, so that
no other site reaches it by a name of its own that leads here (DNS rebinding); requests
that change or cost something must come from the page, by their `Origin`.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from zoo.api.demo.models import Models
from zoo.api.demo.refused import Refused
from zoo.api.demo.tables import Tables
from zoo.data.formats.registry import accepted_endings, table_suffixes
from zoo.text.objects import parse_json

HOST = "127.0.0.1"
MOST_TEXT = 2 * 2**20  # bytes of a request with texts
MOST_TABLE = 64 * 2**20
_DIGITS = 15  # of the length of a body
_PAGES = Path(__file__).with_name("pages")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_SAFETY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Reply:
    """An answer: its status, its content, and headers of its own."""

    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


def json_reply(value: object, status: int = 200) -> Reply:
    """Returns an answer in JSON, in ASCII: lone surrogates have no UTF-8."""
    content = json.dumps(value, allow_nan=False).encode("ascii")
    return Reply(content, {"Content-Type": "application/json"}, status)


class DemoServer(ThreadingHTTPServer):
    """Serves the page and answers its requests, each in a thread.

    Args:
        models: of the page.
        tables: of the page.
        port: to listen on; 0 for any that is free.

    Raises:
        OSError: for a port that is taken or may not be used.
    """

    daemon_threads = True

    def __init__(self, models: Models, tables: Tables, port: int = 0) -> None:
        super().__init__((HOST, port), Handler)
        self.models, self.tables = models, tables
        names = (HOST, "localhost")
        self.hosts = {f"{name}:{self.server_port}" for name in names}
        if self.server_port == 80:  # browsers leave it out
            self.hosts |= {*names}

    def handle_error(self, request, client_address) -> None:
        """Passes over clients that are gone; the base class would print a traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: DemoServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "zoo", ""
    timeout = 60  # seconds in which a client has to send
    _unread: int | None = 0  # bytes of the body; `None` if their number is unknown

    def do_GET(self) -> None:
        self._respond(self._read)

    def do_POST(self) -> None:
        self._respond(self._change)

    def do_DELETE(self) -> None:
        self._respond(self._change)

    def send_error(self, code, message=None, explain=None) -> None:
        """Answers a request that is not understood; `http.server` calls it."""
        accepted = "GET, POST and DELETE of HTTP/1.1, as the page sends them"
        error = Refused(code, "The request is not understood", accepted, str(message))
        self.close_connection = True
        self._send(json_reply({"error": str(error)}, code))

    def log_message(self, format, *args) -> None:
        """Writes nothing: the terminal shows errors alone."""

    def _respond(self, answer: Callable[[list[str]], Reply]) -> None:
        self._unread = self._length()
        if "Transfer-Encoding" in self.headers:  # a body of which the end is unknown
            self._unread, self.close_connection = None, True
        try:
            self._check_host()
            path = urlsplit(self.path).path
            reply = answer([unquote(part) for part in path.strip("/").split("/")])
        except Refused as error:
            reply = json_reply({"error": str(error)}, error.status)
        except ConnectionError:
            self.close_connection = True
            return
        except (ValueError, TypeError, OSError, ImportError, RuntimeError) as error:
            reply = json_reply({"error": str(error)}, 400)
        except Exception as error:
            print(f"zoo: error: {traceback.format_exc()}", file=sys.stderr)
            what, accepted = "The server failed", "a report of it as an issue"
            failed = Refused(500, what, accepted, repr(error))
            reply = json_reply({"error": str(failed)}, failed.status)
        self._send(reply)

    def _check_host(self) -> None:
        host = self.headers.get("Host", "")
        if host.lower() not in self.server.hosts:
            what = "The header Host must be the page's own"
            raise Refused(403, what, " or ".join(sorted(self.server.hosts)), repr(host))

    def _check_origin(self) -> None:
        origin, own = self.headers.get("Origin"), f"http://{self.headers['Host']}"
        if origin is None or origin.lower() != own.lower():
            what = "The header Origin must be the page's own"
            raise Refused(403, what, own, repr(origin))

    def _read(self, path: list[str]) -> Reply:
        """Answers a request that changes nothing."""
        match path:
            case ["api", "models"]:
                return json_reply(self._about())
            case ["api", "tables", key]:
                return json_reply(self.server.tables[key].to_json())
            case ["api", "tables", key, "labelled"]:
                return self._labelled(key)
            case [name] if page := _page(name):
                return Reply(page.read_bytes(), {"Content-Type": _TYPES[page.suffix]})
        raise self._no_such_page()

    def _change(self, path: list[str]) -> Reply:
        """Answers a request that changes or costs something."""
        self._check_origin()
        models, tables = self.server.models, self.server.tables
        match self.command, path:
            case "POST", ["api", "open"]:
                return json_reply(models.describe(self._asked()["model"]))
            case "POST", ["api", "answer" | "explanation" as what]:
                asked = self._asked("texts")
                ask = models.answer if what == "answer" else models.explain
                parts = ask(asked["model"], asked["texts"])
                return json_reply({"parts": [part.to_json() for part in parts]})
            case "POST", ["api", "tables"]:
                query = parse_qs(urlsplit(self.path).query)
                name = query.get("name", [""])[0]
                key = tables.add(name, self._body(MOST_TABLE))
                return json_reply({"id": key, **tables[key].to_json()}, 201)
            case "POST", ["api", "tables", key]:
                asked = self._asked("columns")
                model = models[asked["model"]]
                wanted = 2 if model.pairs else 1
                tables.label(key, model.model.predict, asked["columns"], wanted)
                return json_reply(tables[key].to_json(), 202)
            case "DELETE", ["api", "tables", key]:
                tables.remove(key)
                return json_reply({})
        raise self._no_such_page()

    def _about(self) -> dict:
        listed = self.server.models.summaries.items()
        return {
            "models": [{"name": name, "summary": line} for name, line in listed],
            "most": {"text": MOST_TEXT, "table": MOST_TABLE},
            "tables": {"named": accepted_endings(), "endings": table_suffixes()},
        }

    def _labelled(self, key: str) -> Reply:
        upload = self.server.tables[key]
        if upload.state != "ready":
            what = "The table is not labelled"
            raise Refused(409, what, "a table whose state is 'ready'", upload.state)
        name = quote(upload.labelled_name, safe="")
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        }
        return Reply(upload.labelled.read_bytes(), headers)

    def _no_such_page(self) -> Refused:
        return Refused(404, "There is no such page", "/", f"{self.command} {self.path}")

    def _asked(self, texts: str = "") -> dict:
        """Returns the body: a dict with `model`, and perhaps a list named `texts`."""
        body = self._body(MOST_TEXT)
        try:
            asked = parse_json(body)
            model, listed = asked["model"], asked[texts] if texts else []
            if not isinstance(listed, list) or not all(
                isinstance(one, str) for one in (model, *listed)
            ):
                raise TypeError("a value of another type")
        except (ValueError, KeyError, TypeError) as error:
            accepted = '{"model": NAME}'
            if texts:
                accepted = f'{{"model": NAME, "{texts}": [TEXT, ...]}}'
            what = "The body must be an object in JSON"
            raise Refused(400, what, accepted, repr(error)) from None
        return {"model": model, texts: listed}

    def _length(self) -> int | None:
        """Returns the length of the body, or `None` if it is not given."""
        given = self.headers.get("Content-Length", "")
        known = given.isascii() and given.isdecimal() and len(given) <= _DIGITS
        return int(given) if known else None

    def _body(self, most: int) -> bytes:
        length = self._unread
        if length is None:
            what = "The body must have a length"
            raise Refused(411, what, "the header Content-Length", "no number there")
        if length > most:
            what = "The body is too large"
            raise Refused(413, what, f"at most {most:,} bytes", f"{length:,} bytes")
        body = self.rfile.read(length)
        self._unread = 0
        if len(body) < length:
            raise ConnectionResetError("the client sent less than it announced")
        return body

    def _send(self, reply: Reply) -> None:
        """Sends an answer; what was not read of the body ends the connection."""
        self.close_connection |= bool(self._unread)
        self.send_response(reply.status)
        closing = {"Connection": "close"} if self.close_connection else {}
        length = {"Content-Length": str(len(reply.content))}
        for name, value in {**_SAFETY, **reply.headers, **length, **closing}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.content)
        left = min(self._unread or 0, 2 * MOST_TABLE)
        while left > 0 and (block := self.rfile.read(min(left, 2**16))):
            left -= len(block)  # a client that still sends would not read the answer


def _page(name: str) -> Path | None:
    """Returns the file of a page; `""` is the first one."""
    page = _PAGES / (name or "index.html")
    return page if page in _PAGES.iterdir() else None
