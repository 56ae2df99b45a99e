"""Imports the packages of the extra `edge` on first use."""

from __future__ import annotations

import importlib


def need(*modules: str):
    """Imports the modules and returns the first.

    Raises:
        ImportError: if one is missing, with the command that installs it.
    """
    try:
        return [importlib.import_module(module) for module in modules][0]
    except ImportError as error:
        raise ImportError(
            "Exports for devices need the extra `edge`: "
            f"pip install -e '.[edge]'. Received: {error}."
        ) from error
