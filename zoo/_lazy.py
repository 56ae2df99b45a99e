"""What `import zoo` puts off, so that listing models loads no TensorFlow.

Modules load at their first use; and the classes that a saved model may name register
with Keras when it is imported, so that `keras.models.load_model` knows them.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

_MODULES = (
    "zoo.layers",
    "zoo.training.row_adam",
    "zoo.training.schedules",
    "zoo.training.sequence_loss",
    "zoo.training.streamed",
)


class LazyModule:
    """Stands for the module `name` and imports it when an attribute is read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str):
        return getattr(importlib.import_module(self._name), attribute)


layers = LazyModule("zoo.layers")
if TYPE_CHECKING:
    import keras as keras
    import numpy as numpy
else:
    keras = LazyModule("keras")
    numpy = LazyModule("numpy")


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
        except ImportError:  # a backend that the zoo does not run on is no error here
            return


class _BehindKeras(importlib.abc.MetaPathFinder):
    """Leaves imports to the other finders, and registers behind the one of Keras.

    TensorFlow imports Keras before it is whole itself: then it is waited for as well.
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
            loader: Any = spec.loader  # of a package, whose method an instance may have
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
