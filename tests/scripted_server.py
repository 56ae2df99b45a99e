"""A server of HTTP that does what a test says, and pauses that nobody waits for."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from zoo.client import base


class Scripted(ThreadingHTTPServer):
    """Does what `script` says, one step a request: a status or a word of `Handler`.

    With the status 429 it names `later`, if that is set.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.requests, self.connections = [], [], 0
        self.later = ""
        self.release, self.meeting = threading.Event(), threading.Barrier(4)
        self.address = f"127.0.0.1:{self.server_port}"

    def finish_request(self, request, address):
        self.connections += 1
        super().finish_request(request, address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, body))
        step = self.server.script.pop(0) if self.server.script else 200
        if step == "drop":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        answer = {"error": f"problem {step}"}
        if step == "hang":
            self.server.release.wait(30)
        if step == "meet":  # nobody is answered before all have asked
            self.server.meeting.wait(30)
        if step in (200, "hang", "slow", "close", "cut", "meet"):
            texts = body.get("instances", [])
            answer = {
                "predictions": [{"label": t, "scores": [1.0]} for t in texts],
                "outputs": body.get("inputs"),
            }
        content = b"<html>" if step == 502 else json.dumps(answer).encode()
        self.send_response(step if isinstance(step, int) else 200)
        self.send_header("Content-Length", str(len(content)))
        if step == 429 and self.server.later:
            self.send_header("Retry-After", self.server.later)
        if step == 307:
            self.send_header("Location", self.path)
        self.end_headers()
        if step == "slow":  # a byte now and then, each within any limit of a socket
            for byte in content:
                if self.server.release.wait(0.02):
                    break
                self.wfile.write(bytes([byte]))
        else:
            self.wfile.write(content[: len(content) // (2 if step == "cut" else 1)])
        if step in (
            "close",
            "cut",
        ):  # behind the back of a client that means to come again
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pauses(monkeypatch):
    """Nobody waits; the pauses that would have been made are listed."""
    made = []
    monkeypatch.setattr(base.time, "sleep", made.append)
    return made
