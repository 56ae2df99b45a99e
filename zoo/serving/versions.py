"""The numbered versions of an exported model: which there are, and which go.

Loads no TensorFlow. TF Serving sees folders whose names are numbers and no others, so a
rename puts a version in or out of service at once.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from zoo.reporting.terminal import shell_command
from zoo.serving.models_config import MODELS_CONFIG, configured_versions
from zoo.text.inputs import whole

# What begins so is no version yet, or no longer: a later export removes it after a day.
TEMPORARY = ".export-"
WITHDRAWN = ".withdrawn-"


def versions(folder: str | Path) -> list[int]:
    """The version numbers in a model's folder, rising."""
    return list(_folders(folder, ""))


def withdrawn(folder: str | Path) -> list[int]:
    """The numbers of the versions that `rollback` took out of service, rising."""
    return list(_folders(folder, WITHDRAWN))


def next_number(folder: str | Path) -> int:
    """The number of the next version: no number is ever given twice."""
    return max([*versions(folder), *withdrawn(folder)], default=0) + 1


def prune(folder: str | Path, keep: int) -> list[int]:
    """Removes all but the newest versions, and withdrawn ones older than those.

    A version that the `models.config` beside the folder names also stays.

    Args:
        folder: the model's folder.
        keep: how many versions stay, 1 at least.

    Returns:
        The numbers of the versions that were removed.

    Raises:
        ValueError: if `keep` is no whole number from 1, or that file cannot be parsed.
    """
    check_keep(keep)
    there = _folders(folder, "")
    kept = {*list(there)[-keep:], *configured_versions(folder)}
    removed = [number for number in there if number not in kept]
    gone = [there[number] for number in removed]
    for number, path in _folders(folder, WITHDRAWN).items():
        if number < min(kept):
            gone.append(path)
    for path in gone:
        _remove(path)
    return removed


def check_keep(keep: int) -> None:
    """Raises a `ValueError` unless `keep` is a whole number from 1."""
    whole("keep", keep, 1)


def rollback(folder: str | Path, to: int | None = None) -> int:
    """Takes the newest version out of service, or all that are newer than `to`.

    They stay on the disk, under names that a server does not load; `restore` brings
    them back. A server of the latest version turns to the one that is then newest.

    Args:
        folder: the model's folder.
        to: the version to go back to; else the one before the newest.

    Returns:
        The number of the newest version in service.

    Raises:
        ValueError: if there is no such version, or none before the newest, or
            `models.config` names a version that would go.
    """
    found = _folders(folder, "")
    if not found:
        raise ValueError(
            "`folder` must hold versions of an exported model. "
            f"Received: {folder} with none."
        )
    older = list(found)[:-1]
    chosen = to if to is not None else max(older, default=None)
    if chosen not in older:
        accepted = ", ".join(map(str, older)) or "none: it has no older version"
        raise ValueError(
            f"`to` must be an older version in {folder}. Accepted: {accepted}. "
            f"Received: to={to!r}."
        )
    pinned = [n for n in configured_versions(folder) if n > chosen]
    if pinned:  # the server would unload them and load nothing in their place
        place = Path(folder).absolute()
        label = f"{place.name}:stable={chosen}"
        command = shell_command("zoo", "serve-config", place.parent, "--label", label)
        raise ValueError(
            f"`folder` must be of a model whose {MODELS_CONFIG} names none of the "
            f"versions that would go. Received: {folder}, of which it names "
            f"{', '.join(map(str, pinned))}. First `{command}`, which moves its "
            "clients; when the server has followed, the same command again, which "
            "drops the newer one."
        )
    for number, path in reversed(found.items()):
        if number > chosen:
            os.rename(path, path.with_name(f"{WITHDRAWN}{number}"))
    return chosen


def restore(folder: str | Path, number: int) -> None:
    """Puts a version that was withdrawn back into service.

    Raises:
        ValueError: if no such version was withdrawn.
    """
    found = _folders(folder, WITHDRAWN)
    if number not in found:
        raise ValueError(
            f"`number` must be a withdrawn version in {folder}. "
            f"Accepted: {', '.join(map(str, found)) or 'none'}. "
            f"Received: number={number!r}."
        )
    os.rename(found[number], found[number].with_name(str(number)))


def _folders(folder: str | Path, prefix: str) -> dict[int, Path]:
    """By their numbers, rising, the folders that are called so behind a prefix."""
    folder = Path(folder)
    if not folder.is_dir():
        return {}
    found = {
        path.name.removeprefix(prefix): path
        for path in folder.iterdir()
        if path.is_dir() and path.name.startswith(prefix)
    }
    numbered = {
        int(end): path
        for end, path in found.items()
        if end.isascii() and end.isdecimal()
    }
    return dict(sorted(numbered.items()))


def _remove(version: Path) -> None:
    """Out of service first and at once, then off the disk."""
    place = tempfile.mkdtemp(prefix=TEMPORARY, dir=version.parent)
    os.rename(version, Path(place, version.name))
    shutil.rmtree(place, ignore_errors=True)
