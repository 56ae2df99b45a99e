"""A form of graphs that converters to other runtimes read rightly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_PORTABLE: ContextVar[bool] = ContextVar("portable", default=False)


@contextmanager
def portable() -> Iterator[None]:
    """Graphs that are traced within have only what every converter knows.

    The answers are the same, without gradients. Loops write their outputs in the order
    of the steps: tf2onnx takes any other order for this one. There is one form for all
    numbers of rows, where the fast graphs hold two. Experts are all computed, since
    LiteRT has no list of tensors of different sizes.
    """
    token = _PORTABLE.set(True)
    try:
        yield
    finally:
        _PORTABLE.reset(token)


def is_portable() -> bool:
    """Whether a graph is traced within `portable`."""
    return _PORTABLE.get()
