"""A form of graphs that converters to other runtimes support."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_PORTABLE: ContextVar[bool] = ContextVar("portable", default=False)


@contextmanager
def portable() -> Iterator[None]:
    """Restricts graphs traced within to operations that every converter supports.

    The results are the same, without gradients. Loops write their outputs in the order
    of the steps, as tf2onnx assumes this order. There is one form for all numbers of
    rows, where the fast graphs hold two. All experts are computed, because LiteRT has
    no list of tensors of different sizes.
    """
    token = _PORTABLE.set(True)
    try:
        yield
    finally:
        _PORTABLE.reset(token)


def is_portable() -> bool:
    """Returns whether the graph is traced within `portable`."""
    return _PORTABLE.get()
