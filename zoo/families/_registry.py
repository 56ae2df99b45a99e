"""The catalogue of families: one object each, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.models._plugins import load_plugins
from zoo.models._registry import describe, nearest

if TYPE_CHECKING:
    from zoo.families.base import Family

_FAMILIES: dict[str, Family] = {}


def register_family(family: Family) -> Family:
    """Adds a family to the catalogue, and returns it.

    Raises:
        ValueError: if another family has its name.

    Example:
        >>> register_family(get_family("tagging")).name
        'tagging'
    """
    known = _FAMILIES.setdefault(family.name, family)
    if known is not family:
        raise ValueError(
            f"Family names must be unique. Received a second {family.name!r}, a "
            f"{type(family).__name__}; the first is a {type(known).__name__}."
        )
    return family


def families() -> dict[str, Family]:
    """Returns all families by name, those of the package first."""
    load_plugins()
    return dict(_FAMILIES)


def get_family(name: str) -> Family:
    """Returns the family of that name.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> get_family("translation").content
        'pairs of texts'
    """
    known = families()
    if name not in known:
        raise ValueError(
            f"`family` must be a registered family{nearest(name, known)}. Accepted: "
            f"{', '.join(known)}. Received: {name!r}. A family of another package is "
            "registered by importing its module, which ZOO_PLUGINS names."
        )
    return known[name]


def family_of(model: str) -> Family:
    """Returns the family of a registered model.

    Example:
        >>> family_of("bilstm_crf").name
        'tagging'
    """
    return get_family(describe(model).family)
