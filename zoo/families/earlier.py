"""One's own trained model to continue from: `--from FOLDER`. Loads no TensorFlow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.families.saved import saved_metadata
from zoo.models import _registry
from zoo.training.settings import SHIPPED_OR_NOT, is_folder
from zoo.weights import NONE

if TYPE_CHECKING:
    from zoo.families.base import Family

_NEED = (
    "`weights` (--from) must be the name of shipped weights, or a trained model. "
    f"Accepted: {', '.join(SHIPPED_OR_NOT)}, the folder of a run, or that of a model "
    "with its model.keras; an export has no weights to train further, its run has."
)


@dataclass(frozen=True)
class Earlier:
    """A trained model on disk.

    Args:
        name: the folder as it was given, such as `"runs/old"`.
        folder: with `model.keras`.
        metadata: of the model.
        digest: SHA-256 of its metadata, which holds those of its files.
    """

    name: str
    folder: Path
    metadata: Mapping
    digest: str

    @property
    def vectors(self) -> str:
        """Name of the shipped word vectors that it started from itself."""
        return self.metadata.get("weights", NONE)

    @property
    def keywords(self) -> dict:
        """Arguments of its builder that are known to this version of the zoo."""
        known = _registry.describe(self.metadata["name"]).keywords
        given = self.metadata.get("keywords", {})
        return {key: value for key, value in given.items() if key in known}


def find_earlier(weights: str) -> Earlier | None:
    """Returns the trained model that a value of `weights` names, if it names one.

    Raises:
        ValueError: for a folder without a trained model, or one of a newer format.
    """
    if not isinstance(weights, str) or not is_folder(weights):
        return None
    folder, metadata = saved_metadata(weights, _NEED)
    written = json.dumps(metadata, sort_keys=True)
    digest = hashlib.sha256(written.encode("utf-8")).hexdigest()
    return Earlier(str(weights), folder, metadata, digest)


def inherit(
    earlier: Earlier, model: str, family: Family, settings: Mapping, keywords: Mapping
) -> tuple[dict, dict]:
    """Returns the settings and arguments of a training that continues from a model.

    What determines its words and its sizes is as it was, unless it is given.

    Args:
        earlier: the model.
        model: name of the model to train.
        family: its family.
        settings: those that were given.
        keywords: arguments of the builder that were given.

    Raises:
        ValueError: for a model of another name, a family whose models cannot be
            continued, or a setting with which the old words would mean nothing.
    """
    kind, name = family.settings, earlier.metadata.get("name")
    if not kind.kept:
        raise ValueError(
            "`weights` (--from) must name shipped weights for this kind of model. "
            f"Accepted for {model!r}: {', '.join(SHIPPED_OR_NOT)}; classifiers, "
            f"taggers and language models also continue from a run. "
            f"Received: {earlier.name}."
        )
    if name != model:
        known = name in _registry.list_models()
        shown = f"a model {name!r} of the family {earlier.metadata['family']!r}"
        shown = shown if known else "a model that no builder of the zoo has built"
        raise ValueError(
            "`weights` (--from) must be a trained model of the name that is trained. "
            f"Accepted for {earlier.name}, {shown}: "
            f"{name if known else 'no name'}. Received: {model!r}."
        )
    before = earlier.metadata.get("settings", {})
    if before.get("fine_tune"):
        raise ValueError(
            "`weights` (--from) must be a model with one network for all tasks. "
            "Accepted: a run without `fine_tune` (--fine-tune). "
            f"Received: {earlier.name}, with a network for each task."
        )
    for key in kind.kept:
        if settings.get(key) is not None and settings[key] != before.get(key):
            raise ValueError(
                f"`{key}` must be as in the model to continue from, or its words "
                f"would be other ones. Accepted: {key}={before.get(key)!r}, or no "
                f"value. Received: {key}={settings[key]!r} with {earlier.name}."
            )
    shaping = {
        key: before[key] for key in (*kind.kept, *kind.inherited) if key in before
    }
    given = {k: v for k, v in settings.items() if v is not None or k not in shaping}
    return {**shaping, **given}, {**earlier.keywords, **keywords}


def check_place(earlier: Earlier, folder: Path) -> None:
    """Raises a `ValueError` for a run that would replace the model it starts from."""
    if earlier.folder.resolve().is_relative_to(folder.resolve()):
        raise ValueError(
            "`out` (--out) must not hold the model to continue from, which the run "
            f"would replace. Accepted: another folder, such as {folder}-2. "
            f"Received: {folder} with {earlier.name}."
        )
