"""The catalogue: builder functions by name, with a description of each model."""

from __future__ import annotations

import difflib
import fnmatch
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from zoo._lazy import keras
from zoo.models._plugins import load_plugins
from zoo.models._search_space import Range, settled
from zoo.text.inputs import plain

_ENTRIES: dict[str, Entry] = {}


@dataclass(frozen=True)
class Entry:
    """One registered model.

    Args:
        name: its name in `zoo.get`.
        builder: function that returns a new `keras.Model`.
        task: purpose of the model, such as `"text classification"`.
        summary: one line.
        paper: the source, with the section or equation.
        defaults: tested training settings (optimizer, learning rate, ...).
        family: name of the family that trains, reports on and serves it.
        space: ranges of `zoo.models._search_space` that `zoo tune` searches, of the
            builder's arguments, and of settings if they differ from the family's.
    """

    name: str
    builder: Callable
    task: str
    summary: str
    paper: str = ""
    defaults: Mapping = field(default_factory=dict)
    family: str = "classification"
    space: Mapping[str, Range] = field(default_factory=dict)

    @property
    def keywords(self) -> dict:
        """The builder's arguments with their default values."""
        parameters = inspect.signature(self.builder).parameters
        return {name: parameter.default for name, parameter in parameters.items()}


def register(
    *,
    task: str,
    summary: str,
    paper: str = "",
    defaults: Mapping | None = None,
    family: str = "classification",
    space: Mapping[str, Range] | None = None,
) -> Callable[[Callable], Callable]:
    """Decorator of a builder function, which registers it under its own name.

    Args:
        task: purpose of the model.
        summary: one line for the list of models.
        paper: the source.
        defaults: training settings for this model.
        family: name of its family, see `zoo.families`.
        space: ranges that `zoo tune` searches; see `Entry`.

    Returns:
        A decorator that returns the builder unchanged.

    Raises:
        ValueError: if another builder has the name, or a builder takes arguments that
            cannot be listed (`*args` or `**kwargs`).
    """

    def decorate(builder: Callable) -> Callable:
        for parameter in inspect.signature(builder).parameters.values():
            if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                raise ValueError(
                    "A builder must name all its arguments. "
                    f"Received: {builder.__name__} with {parameter}."
                )
        entry = Entry(
            builder.__name__,
            builder,
            task,
            summary,
            paper,
            dict(defaults or {}),
            family,
            dict(space or {}),
        )
        return _add(entry)

    return decorate


def variant(
    base: Callable,
    name: str,
    text: str,
    *,
    fixed: Mapping | None = None,
    without: Sequence[str] = (),
    arguments: Mapping | None = None,
    space: Mapping[str, Range] | None = None,
    **changes,
) -> Callable:
    """Registers a builder with other defaults as a separate model.

    Args:
        base: a registered builder.
        name: name of the new model.
        text: text of its page, before the arguments.
        fixed: arguments with a fixed value, which the model does not have.
        without: further arguments that it does not have.
        arguments: other default values of the arguments.
        space: ranges that replace or extend those of the base. Ranges that depend on
            a fixed argument are resolved.
        changes: changes of the base's `Entry`: `summary`, `paper`, `defaults`, ...

    Returns:
        The builder of the new model, which has the base's remaining arguments.

    Raises:
        ValueError: if another builder has the name, or the base lacks an argument.

    Example:
        >>> get("flstm", 100, 3, units=8, rank=2).name
        'flstm'
    """
    fixed, arguments = dict(fixed or {}), dict(arguments or {})
    own, signature = _ENTRIES[base.__name__], inspect.signature(base)
    known = own.keywords
    check_keywords(own.name, dict.fromkeys([*fixed, *without, *arguments]), known)
    gone = {**{key: known[key] for key in without}, **fixed}
    signature = signature.replace(
        parameters=[
            parameter.replace(default=arguments.get(key, parameter.default))
            for key, parameter in signature.parameters.items()
            if key not in gone
        ]
    )

    def builder(*sizes, **keywords):
        given = signature.bind(*sizes, **keywords)
        given.apply_defaults()
        model = base(**given.arguments, **gone)
        model.name = name
        return model

    builder.__name__ = builder.__qualname__ = name
    builder.__module__ = base.__module__
    # typeshed lacks the attribute of functions that `inspect.signature` reads.
    builder.__signature__ = signature  # type: ignore[attr-defined]
    builder.__doc__ = f"{text}\n\n{_sections(inspect.getdoc(base) or '', gone)}"
    ranges = {**settled(own.space, gone), **(space or {})}
    return _add(replace(own, name=name, builder=builder, space=ranges, **changes))


def _sections(page: str, gone: Iterable[str]) -> str:
    """Returns the sections of a docstring, without removed arguments."""
    page = page[page.index("Args:") :].split("\nExample:")[0].rstrip()
    for key in gone:
        page = re.sub(rf"\n    {key}: .*(\n     .*)*", "", page)
    return page


def _add(entry: Entry) -> Callable:
    name, builder = entry.name, entry.builder
    if name in _ENTRIES:
        raise ValueError(
            f"Model names must be unique. Received a second builder for {name!r}, "
            f"from {builder.__module__}; the first is from "
            f"{_ENTRIES[name].builder.__module__}."
        )
    _ENTRIES[name] = entry
    return builder


def list_models(pattern: str = "*", *, task: str | None = None) -> list[str]:
    """Returns the names of the registered models, sorted.

    Args:
        pattern: shell pattern, such as `"*mt*"`.
        task: only models for this task.

    Example:
        >>> "bilstm_mt" in list_models("*mt*")
        True
    """
    entries = _entries()
    return sorted(
        name
        for name in fnmatch.filter(entries, pattern)
        if task is None or entries[name].task == task
    )


def describe(name: str) -> Entry:
    """Returns the description of a model: arguments, defaults, source.

    Raises:
        ValueError: for an unknown name; the message suggests the nearest one.
    """
    entries = _entries()
    if name not in entries:
        raise ValueError(
            f"`name` must be a registered model{nearest(name, entries)}. Accepted: "
            f"{', '.join(sorted(entries))}. Received: name={name!r}."
        )
    return entries[name]


def get(name: str, *sizes, **keywords):
    """Builds a new model; see `zoo.models.starting.get`, which is `zoo.get`.

    Args:
        name: a name from `list_models()`.
        *sizes: the builder's first arguments.
        **keywords: the builder's other arguments.

    Raises:
        ValueError: for an unknown name or keyword; the message suggests the nearest
            one. Also if Keras's `floatx` is not float32.
    """
    entry = describe(name)
    check_keywords(name, keywords, entry.keywords)
    if keras.config.floatx() != "float32":
        raise ValueError(
            "Keras must compute in float32 when a model is created (mixed precision: "
            "keras.config.set_dtype_policy). Accepted: keras.config.set_floatx"
            '("float32") before, or "floatx": "float32" in ~/.keras/keras.json. '
            f"Received: floatx={keras.config.floatx()!r}."
        )
    keywords = {keyword: plain(value) for keyword, value in keywords.items()}
    return entry.builder(*map(plain, sizes), **keywords)


def check_keywords(name: str, keywords: Mapping, accepted: Iterable[str]) -> None:
    """Raises a ValueError for the first keyword that model `name` does not accept."""
    accepted = list(accepted)
    for keyword, value in keywords.items():
        if keyword not in accepted:
            raise ValueError(
                f"`{keyword}` is not an argument of model {name!r}"
                f"{nearest(keyword, accepted)}. Accepted: {', '.join(accepted)}. "
                f"Received: {keyword}={value!r}."
            )


def _entries() -> dict[str, Entry]:
    load_plugins()
    return _ENTRIES


def nearest(name: str, names) -> str:
    """Returns a hint at the most similar of some names, or nothing."""
    close = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
