"""Catalogues whose entries are defined one per module of a package."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Generic, Protocol, TypeVar


class Ranked(Protocol):
    """An entry with a rank in lists."""

    @property
    def rank(self) -> int: ...


Entry = TypeVar("Entry", bound=Ranked)
LAST = 1000  # rank of entries that do not set one


class Registry(Generic[Entry]):
    """Entries by name, which the modules of a package add on import.

    All modules of the package are imported on first use, so a new module need not be
    listed anywhere. Modules whose names begin with `_` are helpers.

    Args:
        package: name of the package.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._imported = False
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, entry: Entry) -> None:
        """Adds an entry, whose `rank` is its place in lists.

        Raises:
            ValueError: if another entry has the name.
        """
        known = self._entries.setdefault(name, entry)
        if known is not entry:
            raise ValueError(
                f"Names in {self._package} must be unique. Accepted: a name other than "
                f"{', '.join(self._entries)}. Received: a second {name!r}."
            )

    def all(self) -> dict[str, Entry]:
        """Returns all entries by name, in the order of their ranks."""
        if not self._imported:
            folder = importlib.import_module(self._package).__path__
            for module in pkgutil.iter_modules(folder):
                if not module.name.startswith("_"):
                    importlib.import_module(f"{self._package}.{module.name}")
            self._imported = True
        return dict(sorted(self._entries.items(), key=lambda item: item[1].rank))
