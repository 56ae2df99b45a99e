"""The trained models that ship in the package, by name. Loads no TensorFlow.

Each version has a folder `trained/NAME/VERSION/` with a package, which
`zoo.weights.packing` wrote, and a card, `card.md` and `card.json`. The card holds the
SHA-256 of the package's files.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from zoo.data.download import cache_folder, is_intact, sha256_of
from zoo.text.writing import partial_folder
from zoo.weights.packing import METADATA, unpack

CARD = "card.json"
_FOLDER = Path(__file__).parent / "trained"
_MARK = "@"  # between a name and a version


def trained_models() -> dict[str, dict]:
    """Returns the card of the newest version of each trained model, by name.

    Example:
        >>> all(card["summary"] for card in trained_models().values())
        True
    """
    names = sorted(path.name for path in _FOLDER.iterdir() if _versions(path.name))
    return {name: read_card(name, _versions(name)[-1]) for name in names}


def read_card(name: str, version: int) -> dict:
    """Returns the card of a version of a trained model."""
    return json.loads((_FOLDER / name / str(version) / CARD).read_text("utf-8"))


def trained_card(name: str) -> dict:
    """Returns the card of a trained model, such as `"sentiment-en"` or one version.

    Raises:
        ValueError: for an unknown name or version.

    Example:
        >>> trained_card("spam-en@1")["family"]
        'classification'
    """
    return read_card(*_version_of(name))


def is_trained(name: str | Path) -> bool:
    """Returns whether a name, such as `"sentiment-en"`, is that of a trained model.

    A version may follow, as in `"sentiment-en@1"`. A folder of the same name precedes.

    Example:
        >>> is_trained("runs/bilstm")
        False
    """
    known = bool(_versions(str(name).partition(_MARK)[0]))
    return known and not Path(name).exists()


def numbered(name: str | Path, version: int) -> str:
    """Returns the name of one version of a trained model.

    Raises:
        ValueError: for a folder, or an unknown name; `trained_folder` refuses unknown
            versions.
    """
    if not is_trained(str(name)) or _MARK in str(name):
        raise ValueError(
            "`version` belongs to a trained model of the package. Accepted: a name "
            f"from zoo.weights.trained_models(). Received: {str(name)!r} with "
            f"version={version!r}."
        )
    return f"{name}{_MARK}{version}"


def trained_folder(name: str | Path) -> Path:
    """Returns the folder of a trained model, as `zoo.TextModel.save` writes one.

    It is unpacked into the cache at the first call.

    Args:
        name: such as `"sentiment-en"`, or `"sentiment-en@1"` for one version.

    Raises:
        ValueError: for an unknown name or version, or a package that is damaged.
        OSError: if the cache cannot be written.
    """
    name, version = _version_of(name)
    package = _FOLDER / name / str(version)
    card = read_card(name, version)
    digest = sha256_of(json.dumps(card["sha256"], sort_keys=True).encode())
    folder = cache_folder() / "trained" / f"{name}-{version}-{digest[:12]}"
    if not _is_whole(folder):
        _check(package, card["sha256"])
        _unpack_whole(package, folder)
    return folder


def folder_of(place: str | Path) -> Path:
    """Returns the folder that a name of a trained model, or a path, stands for."""
    return trained_folder(place) if is_trained(place) else Path(place)


def _version_of(name: str | Path) -> tuple[str, int]:
    """Returns the name without a version, and the version, by default the newest."""
    name, mark, wanted = str(name).partition(_MARK)
    known = _versions(name)
    if not known:
        raise ValueError(
            "`name` must be a trained model of the package. Accepted: "
            f"{', '.join(trained_models()) or 'none'}. Received: {name!r}."
        )
    if mark and wanted not in map(str, known):
        raise ValueError(
            f"`version` must be a version of {name}. Accepted: "
            f"{', '.join(map(str, known))}. Received: {wanted!r}."
        )
    return name, int(wanted) if mark else known[-1]


def _versions(name: str) -> list[int]:
    """Returns the versions of a model, the newest last; none for an unknown name."""
    if not name or Path(name).name != name or not (_FOLDER / name).is_dir():
        return []
    found = (path.parent.name for path in (_FOLDER / name).glob(f"*/{CARD}"))
    return sorted(int(number) for number in found if number.isdecimal())


def _is_whole(folder: Path) -> bool:
    try:
        hashes = json.loads((folder / METADATA).read_text("utf-8"))["sha256"]
    except (OSError, ValueError, KeyError):
        return False
    return all(is_intact(folder / file, digest) for file, digest in hashes.items())


def _check(package: Path, hashes: dict[str, str]) -> None:
    for file, digest in hashes.items():
        if not is_intact(package / file, digest):
            raise ValueError(
                f"{package / file} cannot be read; install the package again. "
                f"Accepted: sha256 {digest}. Received: another file, or none."
            )


def _unpack_whole(package: Path, folder: Path) -> None:
    """Unpacks so that the folder appears complete or not at all."""
    try:
        with partial_folder(folder) as partial:
            unpack(package, partial / folder.name)
            shutil.rmtree(folder, ignore_errors=True)  # a damaged copy
            os.rename(partial / folder.name, folder)
    except OSError as error:
        if _is_whole(folder):  # another process finished first
            return
        raise OSError(
            f"The cache cannot be written: {folder.parent}. Accepted: a writable "
            "folder with room, named by the environment variable ZOO_CACHE. Received: "
            f"{type(error).__name__}: {error}."
        ) from None
