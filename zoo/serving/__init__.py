"""SavedModels for TF Serving, which take raw strings: written, checked, versioned.

Importing this package loads no TensorFlow. `zoo.export` writes them.
"""

from __future__ import annotations

__all__ = ["ExportError", "ServedModel"]


class ExportError(RuntimeError):
    """The written SavedModel failed its check; nothing was published."""


def __getattr__(name: str):
    if name == "ServedModel":
        from zoo.serving.served import ServedModel

        return ServedModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
