"""Servers that limit the rate of requests are waited for, within the deadline."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from scripted_server import pauses, server  # noqa: F401

from zoo.api.teachers.server import answers_of
from zoo.client.base import ServerError


def asked(server, deadline: float) -> list[str]:  # noqa: F811
    found = answers_of(f"{server.address}/mood", ["a", "b"], deadline)
    return [answer["label"] for answers in found for answer in answers]


def test_as_long_as_the_server_says(server, pauses):  # noqa: F811
    server.script, server.later = [429, 429], "7"
    assert asked(server, 60.0) == ["a", "b"] and pauses == [7.0, 7.0]
    server.script, server.later = [429], formatdate(time.time() + 30, usegmt=True)
    assert asked(server, 60.0) == ["a", "b"] and 28.0 < pauses[2] <= 30.0


def test_ever_longer_if_it_says_nothing(server, pauses):  # noqa: F811
    server.script = [429] * 8
    assert asked(server, 600.0) == ["a", "b"]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_not_beyond_the_deadline(server, pauses):  # noqa: F811
    server.script, server.later = [429], "61"
    with pytest.raises(ServerError, match="HTTP status 429") as caught:
        asked(server, 60.0)
    assert not pauses and caught.value.wait == 61.0
    server.script = [404]
    with pytest.raises(ServerError, match="HTTP status 404") as caught:
        asked(server, 60.0)
    assert not pauses and caught.value.wait is None
