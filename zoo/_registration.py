"""Registers the zoo's classes with Keras, without importing Keras.

`import zoo` must not load TensorFlow: the classes that saved models refer to are
imported at once if Keras is already imported, and otherwise right after it.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from typing import Any

_MODULES = (
    "zoo.layers",
    "zoo.training.row_adam",
    "zoo.training.schedules",
    "zoo.training.sequence_loss",
    "zoo.training.streamed",
)


def register() -> None:
    """Registers the zoo's classes with Keras now, or as soon as it is imported."""
    if "keras" in sys.modules:
        _import_all()
    else:
        sys.meta_path.insert(0, _BehindKeras())


def _import_all() -> None:
    for name in _MODULES:
        try:
            importlib.import_module(name)
        except ImportError:  # not an error: a backend that the zoo does not support
            return


class _BehindKeras(importlib.abc.MetaPathFinder):
    """Leaves imports to the other finders, and registers after that of Keras.

    TensorFlow imports Keras before it is complete itself; then it is awaited as well.
    """

    def __init__(self) -> None:
        self._under_way: set[str] = set()

    def find_spec(self, name, path=None, target=None):
        if name not in ("keras", "tensorflow") or name in self._under_way:
            return None
        self._under_way.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._under_way.discard(name)
        if spec is not None:
            loader: Any = spec.loader  # of a package; its instance's method is replaced
            execute = loader.exec_module
            loader.exec_module = lambda module: self._execute(execute, module)
        return spec

    def _execute(self, execute, module) -> None:
        self._under_way.add(module.__name__)
        try:
            execute(module)
        finally:
            self._under_way.discard(module.__name__)
        if "keras" in sys.modules and not self._under_way and self in sys.meta_path:
            sys.meta_path.remove(self)
            _import_all()
