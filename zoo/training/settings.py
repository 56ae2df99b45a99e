"""The base of the settings of all families: values that are checked on creation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import ClassVar

from zoo.models._registry import describe
from zoo.models._search_space import Range
from zoo.text.inputs import plain
from zoo.weights import AUTO, NAMES, NONE
from zoo.weights.trained import is_trained


def _whole(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value) -> bool:
    return _whole(value) or isinstance(value, float) and math.isfinite(value)


def is_folder(weights: str) -> bool:
    """Returns whether a value of `weights` names a trained model, and no shipped one.

    Example:
        >>> is_folder("runs/old"), is_folder("none")
        (True, False)
    """
    return weights not in SHIPPED_OR_NOT


def _exists(weights: str) -> bool:
    try:
        return not is_folder(weights) or Path(weights).is_dir() or is_trained(weights)
    except (OSError, ValueError):  # no name that a file can have
        return False


# Values of `imbalance`, and the one of `loss_weights` that is not a mapping.
IMBALANCES = ("none", "weights", "focal", "oversample")
UNCERTAINTY = "uncertainty"
WHOLE_WORDS = ("unicode", "whitespace")  # tokenizers whose tokens are words
SHIPPED_OR_NOT = (AUTO, NONE, *NAMES)  # values of `weights` that are no folder
_FROM_0 = ("a whole number of at least 0", lambda value: _whole(value) and value >= 0)
_NOT_NEGATIVE = (
    "a number of at least 0",
    lambda value: _number(value) and value >= 0,
)
_SHARE = (
    "a number above 0 and at most 1, or none",
    lambda value: value is None or _number(value) and 0 < value <= 1,
)
_SHIPPED = (
    ", ".join(SHIPPED_OR_NOT[:-1]) + f" or {SHIPPED_OR_NOT[-1]}",
    lambda value: isinstance(value, str) and not is_folder(value),
)
_BY_NAME = {
    "weights": (
        f"{', '.join(SHIPPED_OR_NOT)}, or the name or folder of a trained model",
        lambda value: isinstance(value, str) and _exists(value),
    ),
    "seed": _FROM_0,
    "subwords": _FROM_0,
    "patience": _FROM_0,
    "pretrain_epochs": _FROM_0,
    "decay_after": _FROM_0,
    "warmup": _FROM_0,
    "hold": _FROM_0,
    "replace_rare": _SHARE,
    "loss_weights": (
        f"a mapping from tasks to numbers, or {UNCERTAINTY!r}",
        lambda value: isinstance(value, Mapping) or value == UNCERTAINTY,
    ),
    "imbalance": (
        ", ".join(IMBALANCES[:-1]) + f" or {IMBALANCES[-1]}",
        lambda value: value in IMBALANCES,
    ),
    "label_smoothing": (
        "a number from 0 to below 1",
        lambda value: _number(value) and 0 <= value < 1,
    ),
    "length_penalty": _NOT_NEGATIVE,
    "label_weight": _NOT_NEGATIVE,
    "token_weight": _NOT_NEGATIVE,
    "neighbour_weight": _NOT_NEGATIVE,
    "abstain": (
        "a probability above 0 and below 1, or none",
        lambda value: value is None or isinstance(value, float) and 0 < value < 1,
    ),
}
_ACCEPTED = {
    "int": ("a whole number of at least 1", lambda value: _whole(value) and value >= 1),
    "int | None": (
        "a whole number of at least 1, or none",
        lambda value: value is None or _whole(value) and value >= 1,
    ),
    "float": (
        "a number above 0",
        lambda value: _number(value) and value > 0,
    ),
    "float | None": (
        "a number above 0, or none",
        lambda value: value is None or _number(value) and value > 0,
    ),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "str": ("a name", lambda value: isinstance(value, str)),
    "str | float": (
        "a name or a number",
        lambda value: _number(value) or isinstance(value, str),
    ),
    "Mapping[str, float] | str": (
        "a mapping or a name",
        lambda value: isinstance(value, (Mapping, str)),
    ),
    "Mapping[str, str | Mapping]": (
        "a mapping",
        lambda value: isinstance(value, Mapping),
    ),
}


@dataclass(frozen=True)
class Checked:
    """Checks each value on creation, by its field's name or else its type.

    Attributes:
        space: ranges that `zoo tune` searches for every model of the family, unless the
            model has its own.
        unsearchable: settings that cannot be searched, with the reason.
        keeps_width: whether `weights="auto"` leaves the embedding of a model as wide
            as it is by default, and then takes no vectors of another width.
        kept: settings that a model which continues from a trained one must share with
            it; none for a family whose models cannot be continued.
        inherited: further settings that it takes from there, unless they are given.
        of_training: settings that do not change how the data are prepared.
    """

    space: ClassVar[Mapping[str, Range]] = {}
    unsearchable: ClassVar[Mapping[str, str]] = {}
    keeps_width: ClassVar[bool] = False
    kept: ClassVar[tuple[str, ...]] = ()
    inherited: ClassVar[tuple[str, ...]] = ()
    of_training: ClassVar[tuple[str, ...]] = ()

    def prepares_as(self, other: Checked) -> bool:
        """Returns whether data prepared for other settings are ready for these."""
        differ = {
            one.name
            for one in fields(self)
            if getattr(self, one.name) != getattr(other, one.name)
        }
        return type(self) is type(other) and differ <= set(self.of_training)

    def obstacle(self, arguments: Mapping) -> tuple[str, str, str] | None:
        """Returns why an embedding cannot start from word vectors, or `None`.

        Args:
            arguments: all arguments of the model's builder.

        Returns:
            The three parts of a message: what `weights` need, what is accepted, and
            what was received.
        """
        return None

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = plain(getattr(self, setting.name))
            object.__setattr__(self, setting.name, value)
            of_type = _ACCEPTED[str(setting.type)]
            accepted, is_accepted = _BY_NAME.get(setting.name, of_type)
            if setting.name == "weights" and not self.kept:
                accepted, is_accepted = _SHIPPED
            if not is_accepted(value):
                raise ValueError(
                    f"`{setting.name}` must be {accepted}. "
                    f"Received: {setting.name}={value!r}."
                )
        vectors, weights = getattr(self, "vectors", ""), getattr(self, "weights", "")
        if vectors and weights not in ("auto", ""):
            raise ValueError(
                "`weights` (--from) must be omitted if `vectors` names a file. "
                "Accepted: one of the two. "
                f"Received: weights={weights!r} and vectors={vectors!r}."
            )

    @classmethod
    def of(cls, model: str, **overrides):
        """Returns the defaults of a registered model, with `overrides`.

        `None` keeps the default, unless it is a value of the setting, as for `average`.

        Raises:
            ValueError: for an unknown model or setting.
        """
        known = {setting.name: setting.type for setting in fields(cls)}
        unknown = sorted(set(overrides) - set(known))
        if unknown:
            raise ValueError(
                f"Settings must be among {', '.join(sorted(known))}. "
                f"Received: {', '.join(unknown)}."
            )
        given = {
            name: value
            for name, value in overrides.items()
            if value is not None or "None" in known[name]
        }
        return cls(**{**describe(model).defaults, **given})

    def to_config(self) -> dict:
        """Returns a JSON-ready dict."""
        return asdict(self)
