"""A form of graphs that answer for a single row without padding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class _Row:
    """The most steps of the row, and the masks that are true at all of them."""

    steps: int
    whole: list = field(default_factory=list)


_ROW: ContextVar[_Row | None] = ContextVar("single", default=None)


@contextmanager
def single(steps: int) -> Iterator[None]:
    """Allows graphs traced within what a request of one row allows.

    Their ids are one row without padding; they need no gradients; and their weights no
    longer change, so a graph may hold some as constants. The results are the same.
    For one row, launching operations takes longer than their work.

    Args:
        steps: the most steps of the row.
    """
    token = _ROW.set(_Row(steps))
    try:
        yield
    finally:
        _ROW.reset(token)


def is_single(steps: int | None = None) -> bool:
    """Returns whether the graph is traced within `single`, for at most `steps`."""
    row = _ROW.get()
    return row is not None and (steps is None or row.steps <= steps)


def whole(mask: Any) -> Any:
    """Notes that a mask is true at every step, and returns it."""
    row = _ROW.get()
    if row is not None:
        row.whole.append(mask)
    return mask


def is_whole(mask: Any) -> bool:
    """Returns whether a mask is one that `whole` noted."""
    row = _ROW.get()
    return row is not None and any(mask is known for known in row.whole)
