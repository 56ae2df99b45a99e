"""`zoo.load`: loads a trained model of any family from its folder."""

from __future__ import annotations

from pathlib import Path

from zoo.families import get_family
from zoo.families.saved import saved_metadata
from zoo.families.text_model import BaseTextModel, read_text_model
from zoo.weights.trained import numbered


def load(folder: str | Path, version: int | None = None) -> BaseTextModel:
    """Loads a trained model: of the package, or what `zoo train` or `save` wrote.

    Args:
        folder: a name from `zoo list --trained`, the model's folder, or a run's folder,
            which holds it as `model`.
        version: of a model of the package; by default the newest.

    Returns:
        The model with its pipeline, an instance of its family's class: `zoo.TextModel`
        for a classifier, and for example
        `zoo.families.language.model.LanguageModel` for a language model.

    Raises:
        ValueError: if the folder is not a saved model, a file is missing, truncated or
            changed, its family is unknown, or the format is newer than this version of
            the zoo; or for `version` with a folder.

    Example:
        >>> zoo.load("spam-en").predict(["Win a prize now!"])  # doctest: +SKIP
    """
    if version is not None:
        folder = numbered(folder, version)
    place, metadata = saved_metadata(folder)
    family = get_family(metadata.pop("family"))
    return read_text_model(place, family.text_model(), metadata)
