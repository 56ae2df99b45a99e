"""Names that are resolved on first use: modules, and the old names of renamed things.

Modules that load on first use let the models be listed without TensorFlow.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING


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
