"""Descriptions of the named data sets, available before any is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from zoo.data.errors import DataError, nearest
from zoo.data.parts import Splits
from zoo.data.registry import LAST, Registry

# Takes the folder in `ZOO_DATA`, or `None` if there is none (public sets only).
Load = TypeVar("Load", bound=Callable[..., Splits])


@dataclass(frozen=True)
class NamedSet:
    """A set that `load_named` knows.

    Args:
        name: name of the set.
        description: one line for `zoo list --data`.
        load: reads it; takes the set's folder inside `ZOO_DATA`, or `None`.
        folder: name of that folder.
        files: files of the folder.
        content: its content, by which families recognise the sets they can use:
            `"labels of texts"`, `"tags of words"`, `"pairs of texts"` or `"texts"`.
        public: whether there is a pinned public file to download.
        rank: its place in the list; sets without one come last.
    """

    name: str
    description: str
    load: Callable[..., Splits]
    folder: str
    files: str
    content: str
    public: bool
    rank: int


_SETS: Registry[NamedSet] = Registry("zoo.data.sets")


def register_set(
    name: str,
    description: str,
    *,
    files: str,
    content: str,
    folder: str | None = None,
    public: bool = False,
    rank: int = LAST,
) -> Callable[[Load], Load]:
    """Adds the set that a function loads; see `NamedSet` for the arguments.

    By default the folder has the name of the set.

    Raises:
        ValueError: if another set has the name.
    """

    def add(load: Load) -> Load:
        place = name if folder is None else folder
        entry = NamedSet(name, description, load, place, files, content, public, rank)
        _SETS.add(name, entry)
        return load

    return add


def named_sets() -> list[tuple[str, str]]:
    """Returns the name and one-line description of every named set.

    Example:
        >>> "sst2" in dict(named_sets())
        True
    """
    return [(name, entry.description) for name, entry in _SETS.all().items()]


def named_set(name: str) -> NamedSet:
    """Returns the description of a set before it is read.

    Raises:
        DataError: for an unknown name.

    Example:
        >>> named_set("multi30k").content
        'pairs of texts'
    """
    known = _SETS.all()
    if name not in known:
        raise DataError(
            f"`name` must be a named data set. Accepted: {', '.join(known)}. "
            f"Received: {name!r}.{nearest(name, known)}"
        )
    return known[name]
