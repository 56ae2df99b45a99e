"""Imports TensorFlow and tensorflow-text, or raises an error that says how to."""

from __future__ import annotations

import importlib.metadata

_PIP = "pip install 'tensorflow>=2.21,<2.22' 'tensorflow-text==2.21.*,!=2.21.0'"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _explain(cause: object) -> str:
    found = ", ".join(f"{p} {_version(p)}" for p in ("tensorflow", "tensorflow-text"))
    return (
        "The text pipeline and the export need TensorFlow and tensorflow-text of "
        f"the same minor version: {_PIP}. Received: {found} ({cause})."
    )


try:
    import tensorflow as tf
    import tensorflow_text as tf_text
except Exception as error:  # mismatched versions raise ImportError or NotFoundError
    raise ImportError(_explain(error)) from error

_minors = [v.split(".")[:2] for v in (tf.__version__, tf_text.__version__)]
if _minors[0] != _minors[1]:
    raise ImportError(_explain("their minor versions differ"))
