"""Imports the packages of the extras for teachers on first use."""

from __future__ import annotations

import importlib


def need(module: str, extra: str = "teacher"):
    """Imports a module that reads teachers, and returns it.

    Args:
        module: its name.
        extra: the extra that installs it.

    Raises:
        ImportError: if it is missing, with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"A teacher needs the extra `{extra}`: pip install -e '.[{extra}]'. "
            f"Received: {error}."
        ) from error
