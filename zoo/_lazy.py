"""Names that are resolved on first use, so that listing models loads no TensorFlow.

Modules load when one of their attributes is read, and renamed attributes are found by
their old names. The classes that a saved model may name register with Keras when it is
imported, so that `keras.models.load_model` knows them.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
import warnings
from collections.abc import Callable, Mapping
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


def renamed(module: str, names: Mapping[str, str]) -> Callable[[str], object]:
    """Returns a module's `__getattr__`, which warns about renamed names.

    Args:
        module: its `__name__`.
        names: new names by old ones.
    """

    def __getattr__(name: str):
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        _warn(name, names[name])
        return getattr(importlib.import_module(module), names[name])

    return __getattr__


class RenamedAttributes:
    """Base of a class whose attributes were renamed.

    Reading an old name warns and gives the new attribute; so does a subclass that
    defines one. `__getattr__` keeps old names out of `dir`, which Keras walks to save.

    Attributes:
        renamed: new names by old ones.
    """

    renamed: Mapping[str, str] = {}

    def __init_subclass__(cls, **options) -> None:
        super().__init_subclass__(**options)
        for old, new in cls.renamed.items():
            if old in vars(cls):
                _warn(old, new)
                setattr(cls, new, vars(cls)[old])

    if not TYPE_CHECKING:  # else every name would do for a type checker

        def __getattr__(self, name: str):
            new = type(self).renamed.get(name)
            if new is None:
                kind = type(self).__name__
                raise AttributeError(f"{kind!r} object has no attribute {name!r}")
            _warn(name, new)
            return getattr(self, new)


def _warn(old: str, new: str) -> None:
    message = f"`{old}` was renamed to `{new}`; the old name will be removed."
    warnings.warn(message, DeprecationWarning, stacklevel=3)


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
