"""Modules that load at their first use, so that listing models loads no TensorFlow."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING


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
