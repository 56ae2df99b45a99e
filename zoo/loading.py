"""`zoo.load`: loads a trained model of any family from its folder."""

from __future__ import annotations

import json
from pathlib import Path

from zoo.families import get_family
from zoo.families.text_model import (
    FORMAT_VERSION,
    BaseTextModel,
    read_text_model,
    unreadable,
)
from zoo.models._registry import describe, list_models
from zoo.serving.folders import TRAINED, described, opener

_BEFORE_FAMILIES = "classification"  # of old models that are not in the registry


def load(folder: str | Path) -> BaseTextModel:
    """Loads a folder that `TextModel.save` or `zoo train` wrote.

    Args:
        folder: the model's folder, or a run's folder, which holds it as `model`.

    Returns:
        The model with its pipeline, an instance of its family's class: `zoo.TextModel`
        for a classifier, and for example
        `zoo.families.language.model.LanguageModel` for a language model.

    Raises:
        ValueError: if the folder is not a saved model, a file is missing, truncated or
            changed, its family is unknown, or the format is newer than this version of
            the zoo.
    """
    folder = Path(folder)
    if (folder / "model" / "metadata.json").exists():
        folder = folder / "model"
    path = folder / "metadata.json"
    found = opener(folder)
    if not path.is_file() or found not in ("", TRAINED):
        shown = described(folder)
        if found == TRAINED:
            shown = f"{folder}, which lacks its metadata.json; copy it again."
        raise ValueError(
            "`folder` must be a run, or the folder of a trained model with its "
            f"model.keras and metadata.json. Received: {shown}"
        )
    try:
        metadata = json.loads(path.read_text("utf-8"))
        version = int(metadata["format_version"])
        family = metadata.pop("family", None) or _family_before(metadata)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise unreadable(path, error) from None
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{path} must have format version {FORMAT_VERSION} or older. Received: "
            f"format version {version}, written by zoo {metadata.get('zoo')}; install "
            "that version of the zoo or a newer one."
        )
    return read_text_model(folder, get_family(family).text_model(), metadata)


def _family_before(metadata: dict) -> str:
    """Returns the family of a model without one in `metadata.json`: its builder's."""
    name = metadata.get("name")
    return describe(name).family if name in list_models() else _BEFORE_FAMILIES
