"""Imports the packages of the extra `teacher` on first use."""

from __future__ import annotations

import importlib


def need(module: str):
    """Imports a module that reads teachers, and returns it.

    Raises:
        ImportError: if it is missing, with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            "A teacher needs the extra `teacher`: pip install -e '.[teacher]'. "
            f"Received: {error}."
        ) from error
