"""A form of graphs whose layers compute the tokens of rows, not padding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_PACKINGS: ContextVar[list | None] = ContextVar("packed", default=None)


@contextmanager
def packed() -> Iterator[list]:
    """Lets layers traced within compute tokens alone; the results are the same.

    Such graphs have no gradients and cannot be compiled by XLA.

    Yields:
        The masks that layers packed by, each with its packing; empty if none did.
    """
    found: list = []
    token = _PACKINGS.set(found)
    try:
        yield found
    finally:
        _PACKINGS.reset(token)


def is_packed() -> bool:
    """Returns whether the graph is traced within `packed`."""
    return _PACKINGS.get() is not None


def packing_of(mask: Any, kind: type) -> Any:
    """Returns `kind(mask)`, which is made once for each mask of a graph."""
    packings = _PACKINGS.get()
    assert packings is not None
    for known, packing in packings:
        if known is mask and isinstance(packing, kind):
            return packing
    packings.append((mask, kind(mask)))
    return packings[-1][1]
