"""Data sets by name: from the folder `ZOO_DATA`, the cache, or a pinned download."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.data.download import DownloadError
from zoo.data.errors import DataError
from zoo.data.parts import Splits
from zoo.data.sets.registry import NamedSet, named_set


def load_named(name: str) -> Splits:
    """Loads a data set by name.

    Looks in the folder that `ZOO_DATA` names, then in the cache (`ZOO_CACHE`), and
    downloads otherwise; the SHA-256 of a cached or downloaded file is always checked.

    Args:
        name: one of `named_sets()`.

    Returns:
        `Splits`; its `notes` name the parts that are not official. For a tagged set
        `zoo.data.tagged_splits.TaggedSplits`, for pairs of texts
        `zoo.data.pairs.PairSplits`.

    Raises:
        DataError: for an unknown name, an unavailable set without a public file, and a
            failed or corrupted download.
    """
    entry = named_set(name)
    try:
        return entry.load(_folder(entry))
    except DownloadError as error:
        raise DownloadError(f"{error} {_supply(entry)}") from None


def _folder(entry: NamedSet) -> Path | None:
    root = os.environ.get("ZOO_DATA")
    folder = Path(root).expanduser() / entry.folder if root else None
    if folder is not None and folder.is_dir():
        return folder
    if entry.public:
        return None
    received = f"no folder {folder}" if root else "ZOO_DATA is not set"
    raise DataError(
        f"Data set {entry.name!r} has no public file with a fixed content, so it is "
        f"read only from ZOO_DATA. {_supply(entry)} Received: {received}."
    )


def _supply(entry: NamedSet) -> str:
    place = "folders of one folder, and name that folder"
    if entry.folder != ".":
        place = f"a folder {entry.folder!r}, and name its parent folder"
    return (
        f"To supply it yourself, put {entry.files} into {place} in the environment "
        "variable ZOO_DATA."
    )
