"""Finds the folder of a trained model and reads its metadata. Loads no TensorFlow."""

from __future__ import annotations

from pathlib import Path

from zoo.models._registry import describe, list_models
from zoo.serving.folders import TRAINED, described, opener
from zoo.text.objects import DAMAGES, read_object
from zoo.weights.trained import folder_of

FORMAT_VERSION = 2  # in version 1, a regression's model returned the value in float32
METADATA = "metadata.json"
_BEFORE_FAMILIES = "classification"  # of old models that are not in the registry
# Of the values that this version of the zoo asks for.
_KINDS = {
    "format_version": int,
    "family": str,
    "name": str,
    "keywords": dict,
    "settings": dict,
    "reading": dict,
    "weights": str,
    "tasks": dict,
    "sha256": dict,
}
_ACCEPTED = (
    "a run, a name from `zoo list --trained`, or the folder of a trained model with "
    "its model.keras"
)


def saved_metadata(
    folder: str | Path,
    need: str = f"`folder` must be {_ACCEPTED} and {METADATA}.",
) -> tuple[Path, dict]:
    """Returns the folder of a trained model, and the content of its `metadata.json`.

    Args:
        folder: the model's folder, a run's folder, which holds it as `model`, or the
            name of a trained model that ships with the package.
        need: first sentence of the error for another folder.

    Returns:
        The folder with `model.keras`; and the metadata, of which `family` is known
        also for models that were saved before there were families.

    Raises:
        ValueError: if the folder holds no trained model, its metadata is damaged, or
            the format is newer than this version of the zoo.
    """
    folder = folder_of(folder)
    if (folder / "model" / METADATA).exists():
        folder = folder / "model"
    path = folder / METADATA
    found = opener(folder)
    if not path.is_file() or found not in ("", TRAINED):
        shown = described(folder)
        if found == TRAINED:
            shown = f"{folder}, which lacks its {METADATA}; copy it again."
        raise ValueError(f"{need} Received: {shown}")
    try:
        metadata = read_object(path, _KINDS)
        version = metadata["format_version"]
        metadata["family"] = metadata.get("family") or family_before(metadata)
    except DAMAGES as error:
        raise unreadable(path, error) from None
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{path} must have format version {FORMAT_VERSION} or older. Received: "
            f"format version {version}, written by zoo {metadata.get('zoo')}; install "
            "that version of the zoo or a newer one."
        )
    return folder, metadata


def unreadable(path: Path, error: Exception) -> ValueError:
    """Returns the error for a `metadata.json` that is not that of a saved model."""
    return ValueError(
        f"{path} must be the JSON metadata of a saved model. Received: a file that "
        f"cannot be read ({error!r}); it may be truncated."
    )


def family_before(metadata: dict) -> str:
    """Returns the family of a model without one in `metadata.json`: its builder's."""
    name = metadata.get("name")
    return describe(name).family if name in list_models() else _BEFORE_FAMILIES
