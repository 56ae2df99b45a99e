"""Descriptions of models: what a model and its family define together.

It is pure Python: the command line shows them without loading TensorFlow.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from zoo.families._registry import family_of
from zoo.models import _registry
from zoo.models._registry import Entry, check_keywords
from zoo.models._search_space import Range, space_rows
from zoo.reporting.terminal import shell_command
from zoo.text.objects import parse_json
from zoo.training.settings import Checked
from zoo.weights.trained import trained_models

if TYPE_CHECKING:
    from zoo.models.layer_rows import LayerRow


class Page(Entry):
    """A registered model that prints as the page of `zoo describe`."""

    def __str__(self) -> str:
        return (
            f"{self.name} ({self.task}): {self.summary}\n"
            f"Source: {self.paper}\n\n"
            f"Builder arguments:\n{_rows(self.keywords)}\n\n"
            f"Training defaults:\n{_rows(self.defaults)}\n\n"
            f"Search space:\n{space_rows(space_of(self.name))}\n\n"
            f"{inspect.getdoc(self.builder) or ''}\n"
            f"{_trained_rows(self.name)}"
        )

    def layers(self) -> list[LayerRow]:
        """Builds the model with its default arguments and returns its layers."""
        from zoo.models.layer_rows import layer_rows

        return layer_rows(_registry.get(self.name))

    def to_json(self) -> dict:
        """Returns the page as a dict that JSON holds."""
        required = inspect.Parameter.empty
        return {
            "name": self.name,
            "task": self.task,
            "family": self.family,
            "summary": self.summary,
            "paper": self.paper,
            "arguments": {
                key: None if value is required else value
                for key, value in self.keywords.items()
            },
            "defaults": dict(self.defaults),
            "space": {key: str(value) for key, value in space_of(self.name).items()},
            "description": inspect.getdoc(self.builder) or "",
            "trained": list(_trained(self.name)),
        }


def describe(name: str) -> Page:
    """Describes a model: arguments, defaults, source. Prints as a page.

    Raises:
        ValueError: for an unknown name; the message suggests the nearest one.

    Example:
        >>> print(str(describe("text_cnn")).splitlines()[0].partition(":")[0])
        text_cnn (text classification)
    """
    return Page(**vars(_registry.describe(name)))


def settings_of(model: str) -> type[Checked]:
    """Returns the class of the settings of a model's family."""
    return family_of(model).settings


def space_of(model: str) -> dict[str, Range]:
    """Returns all that `zoo tune` searches for a model: arguments, then settings.

    Example:
        >>> print(space_of("bilstm")["units"], "|", space_of("bilstm")["batch_size"])
        32 to 256, each 2 times the one before | 16 to 128, each 2 times the one before
    """
    own, shared = _registry.describe(model).space, settings_of(model).space
    return {**own, **{name: shared[name] for name in shared if name not in own}}


def parse_pairs(pairs: Sequence[str]) -> dict:
    """Parses `key=value` pairs into a dict; each value is JSON, or else a string.

    Raises:
        ValueError: for a pair without `=`.

    Example:
        >>> parse_pairs(["units=64", "variant=static"])
        {'units': 64, 'variant': 'static'}
    """
    parsed = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"Overrides must read KEY=VALUE. Received: {pair!r}.")
        try:
            parsed[key] = parse_json(text)
        except ValueError:
            parsed[key] = text
    return parsed


def parse_overrides(pairs: Sequence[str], model: str) -> tuple[dict, dict]:
    """Parses `key=value` pairs into training settings and builder arguments.

    Args:
        pairs: each value is JSON, or else a string.
        model: a registered model.

    Raises:
        ValueError: for a pair without `=`, or a name unknown to the model.

    Example:
        >>> parse_overrides(["epochs=3", "maps=64", "variant=static"], "text_cnn")
        ({'epochs': 3}, {'maps': 64, 'variant': 'static'})
    """
    return split_overrides(parse_pairs(pairs), model)


def split_overrides(parsed: Mapping, model: str) -> tuple[dict, dict]:
    """Settings of the training and arguments of the builder, told apart by name.

    Args:
        parsed: both, by name.
        model: a registered model.

    Raises:
        ValueError: for a name that the model does not know.

    Example:
        >>> split_overrides({"epochs": 3, "maps": 64}, "text_cnn")
        ({'epochs': 3}, {'maps': 64})
    """
    known = {setting.name for setting in fields(settings_of(model))}
    settings = {key: value for key, value in parsed.items() if key in known}
    keywords = {key: value for key, value in parsed.items() if key not in known}
    accepted = {name for name in _registry.describe(model).keywords if name != "tasks"}
    check_keywords(model, keywords, sorted(accepted | known))
    return settings, keywords


def _trained(model: str) -> Iterator[str]:
    """Yields the names of the trained models of the package with this architecture."""
    for name, card in trained_models().items():
        if card["facts"].get("model") == model:
            yield name


def _trained_rows(model: str) -> str:
    rows = [f"  {shell_command('zoo', 'describe', n)}" for n in _trained(model)]
    return "\n".join(["\nTrained, with their results:", *rows, ""]) if rows else ""


def _rows(mapping: Mapping) -> str:
    return "\n".join(f"  {key} = {value!r}" for key, value in mapping.items())
