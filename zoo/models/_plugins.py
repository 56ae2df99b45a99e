"""Modules outside the package that register models and families of their own."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from functools import cache

GROUP = "zoo.plugins"  # entry points of installed packages


@cache
def load_plugins() -> None:
    """Imports each plugin once.

    Plugins are the modules in the environment variable `ZOO_PLUGINS`, separated by
    commas, and the entry points `zoo.plugins` of installed packages. Processes that a
    search or an export starts see the same ones.

    Raises:
        ImportError: for a module in `ZOO_PLUGINS` that cannot be imported.
    """
    for entry_point in importlib.metadata.entry_points(group=GROUP):
        entry_point.load()
    for name in filter(None, os.environ.get("ZOO_PLUGINS", "").split(",")):
        try:
            importlib.import_module(name.strip())
        except ModuleNotFoundError as error:
            if error.name != name.strip():
                raise
            raise ImportError(
                "`ZOO_PLUGINS` must name modules that can be imported, separated by "
                f"commas. Received: {name!r}, which is on no path."
            ) from error
