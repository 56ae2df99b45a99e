"""What the fuzz tests share: seeds, damaged values and files, and what a message is."""

from __future__ import annotations

import contextlib
import copy
import json
import os
from collections.abc import Iterator

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st

SEED = int(os.environ.get("ZOO_FUZZ_SEED", "0"))


def fuzzed(cases: int):
    """A decorator: so many cases, from a seed that a failure prints."""
    print(f"ZOO_FUZZ_SEED={SEED}")
    quick = settings(
        max_examples=cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: seed(SEED)(quick(test))


@contextlib.contextmanager
def told() -> Iterator[None]:
    """A failure is a message in three parts; other errors pass, and fail the test."""
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        said = str(error)
        parts = "Received" in said and ("Accepted" in said or "must" in said)
        if not parts or isinstance(error, (UnicodeError, json.JSONDecodeError)):
            raise AssertionError(f"{type(error).__name__}: {said[:500]}") from error


WORDS = st.sampled_from(
    ["", " ", "a", "text", "label", "../x", "\0", "\ud800", "\u597d", "x" * 300, "a\nb"]
)
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 2**63, 10**400, 1e308, float("inf"), float("nan"), 0.5]),
    st.integers(-9, 9),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)
    ),
    max_leaves=5,
)
_DEEP = "[" * 2000
_ODD = [_DEEP.encode(), b'{"a":' + _DEEP.encode(), b"9" * 9999]


@st.composite
def damaged_objects(draw, whole: dict) -> dict:
    """A valid object of JSON with up to three values replaced, or left out."""
    found = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        place = found
        while True:
            keys = list(place) if isinstance(place, dict) else range(len(place))
            key = draw(st.sampled_from([*keys])) if len(keys) else None
            inner = None if key is None else place[key]
            deeper = isinstance(inner, (dict, list)) and inner and draw(st.booleans())
            if not deeper:
                break
            place = inner
        if key is not None and draw(st.integers(0, 3)) == 0:
            del place[key]
        elif key is not None:
            place[key] = draw(VALUES)
    return found


@st.composite
def damaged_json(draw, whole: dict) -> bytes:
    """The text of such an object; sometimes cut, or something else."""
    text = json.dumps(draw(damaged_objects(whole))).encode()
    kind = draw(st.integers(0, 11))
    if kind == 0:
        return text[: draw(st.integers(0, len(text)))]
    if kind == 1:
        return draw(st.binary(max_size=30))
    return draw(st.sampled_from(_ODD)) if kind == 2 else text


@st.composite
def damaged_bytes(draw, whole: bytes, pieces: list[bytes]) -> bytes:
    """A valid file with up to four places replaced by such pieces, or by any bytes."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(content)))
        stop = min(len(content), start + draw(st.sampled_from([0, 0, 1, 2, 9, 99])))
        piece = draw(st.one_of(st.sampled_from(pieces), st.binary(max_size=4)))
        content[start:stop] = piece
    if draw(st.integers(0, 9)) == 0:
        del content[draw(st.integers(0, len(content))) :]
    return bytes(content)
