"""The numbered versions of an exported model: listing, removing, withdrawing.

It loads no TensorFlow. TF Serving only sees folders whose names are numbers, so a
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

# A prefix of folders that are not versions; a later export removes them after a day.
TEMPORARY = ".export-"
WITHDRAWN = ".withdrawn-"


def versions(folder: str | Path) -> list[int]:
    """Returns the version numbers in a model's folder, ascending."""
    return list(_folders(folder, ""))


def newest(folder: str | Path) -> Path | None:
    """Returns the folder of the newest version of an export, if there is one.

    Args:
        folder: of a model, or of one version.
    """
    folder = Path(folder)
    if (folder / "saved_model.pb").is_file():
        return folder
    found = versions(folder)
    return folder / str(found[-1]) if found else None


def withdrawn(folder: str | Path) -> list[int]:
    """Returns the numbers of the versions that `rollback` withdrew, ascending."""
    return list(_folders(folder, WITHDRAWN))


def next_number(folder: str | Path) -> int:
    """Returns the number of the next version: no number is ever reused."""
    return max([*versions(folder), *withdrawn(folder)], default=0) + 1


def prune(folder: str | Path, keep: int) -> list[int]:
    """Removes all but the newest versions, and withdrawn ones older than those.

    A version named in `models.config` next to the folder is also kept.

    Args:
        folder: the model's folder.
        keep: number of versions to keep, at least 1.

    Returns:
        The numbers of the versions that were removed.

    Raises:
        ValueError: if `keep` is not a positive whole number, or that file is invalid.
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
    """Raises a `ValueError` unless `keep` is a positive whole number."""
    whole("keep", keep, 1)


def rollback(folder: str | Path, to: int | None = None) -> int:
    """Takes the newest version out of service, or all that are newer than `to`.

    They stay on disk, under names that a server does not load; `restore` brings them
    back. A server of the latest version then switches to the newest remaining one.

    Args:
        folder: the model's folder.
        to: version to return to; by default the one before the newest.

    Returns:
        The number of the newest version in service.

    Raises:
        ValueError: if there is no such version, or none before the newest, or
            `models.config` names a version that would be withdrawn.
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
    if pinned:  # the server would unload them without a replacement
        place = Path(folder).absolute()
        label = f"{place.name}:stable={chosen}"
        command = shell_command("zoo", "serve-config", place.parent, "--label", label)
        raise ValueError(
            f"`folder` must be of a model whose {MODELS_CONFIG} names none of the "
            f"versions to withdraw. Received: {folder}, of which it names "
            f"{', '.join(map(str, pinned))}. First run `{command}`, which moves its "
            "clients; once the server has reloaded, run it again, which unloads the "
            "newer one."
        )
    for number, path in reversed(found.items()):
        if number > chosen:
            os.rename(path, path.with_name(f"{WITHDRAWN}{number}"))
    return chosen


def restore(folder: str | Path, number: int) -> None:
    """Puts a withdrawn version back into service.

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
    """Returns, by number, the folders with a prefix before their number."""
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
    """Takes them out of service at once, then removes them from disk."""
    place = tempfile.mkdtemp(prefix=TEMPORARY, dir=version.parent)
    os.rename(version, Path(place, version.name))
    shutil.rmtree(place, ignore_errors=True)
