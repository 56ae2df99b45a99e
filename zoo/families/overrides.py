"""Settings of a training run, with the defaults of each model.

Pure Python: the command line shows them in `--help` without loading TensorFlow.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields

from zoo.families.classification.settings import Settings
from zoo.families.language.settings import LanguageSettings
from zoo.families.tagging.settings import TaggingSettings
from zoo.families.translation.settings import TranslationSettings
from zoo.models._registry import check_keywords, describe
from zoo.models._search_space import Range
from zoo.training.settings import Checked

_OF_RECIPE = {
    "language_modeling": LanguageSettings,
    "tagging": TaggingSettings,
    "translation": TranslationSettings,
}


def settings_of(model: str) -> type[Checked]:
    """The class of the settings that a model's recipe takes."""
    return _OF_RECIPE.get(describe(model).recipe, Settings)


def space_of(model: str) -> dict[str, Range]:
    """All that `zoo tune` searches for a model: its arguments, then its settings.

    Example:
        >>> print(space_of("bilstm")["units"], "|", space_of("bilstm")["batch_size"])
        32 to 256, each 2 times the one before | 16 to 128, each 2 times the one before
    """
    own, shared = describe(model).space, settings_of(model).space
    return {**own, **{name: shared[name] for name in shared if name not in own}}


def parse_overrides(
    pairs: Sequence[str], model: str | None = None
) -> tuple[dict, dict]:
    """`key=value` pairs as settings of the training and arguments of the builder.

    Args:
        pairs: each value is JSON, or else a string.
        model: checks the names of its builder's arguments.

    Raises:
        ValueError: for a pair without `=`, or a name that the model does not know.

    Example:
        >>> parse_overrides(["epochs=3", "units=64", "variant=static"])
        ({'epochs': 3}, {'units': 64, 'variant': 'static'})
    """
    settings, keywords = {}, {}
    chosen = settings_of(model) if model else Settings
    known = [setting.name for setting in fields(chosen)]
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"Overrides must read KEY=VALUE. Received: {pair!r}.")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        (settings if key in known else keywords)[key] = value
    if model is not None:
        arguments = {name for name in describe(model).keywords if name != "tasks"}
        check_keywords(model, keywords, sorted(arguments.union(known)))
    return settings, keywords
