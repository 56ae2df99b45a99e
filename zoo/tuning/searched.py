"""The space of one search: the ranges of one or several models, and fixed values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from zoo.families import family_of
from zoo.families.catalogue import settings_of, space_of
from zoo.families.pretrained import AUTO, NONE
from zoo.models._registry import check_keywords, describe
from zoo.models._search_space import (
    Choice,
    Float,
    Int,
    Range,
    as_json,
    settled,
    space_rows,
    with_when,
)
from zoo.training.settings import SHIPPED_OR_NOT, is_folder

MODEL = "model"  # the parameter that chooses among several models
_KINDS = {int: (int,), float: (int, float), bool: (bool,), str: (str,)}  # by default


@dataclass(frozen=True)
class Searched:
    """The parameters of a search.

    Args:
        models: names of registered models of one family of settings.
        parameters: name and range; a parameter follows those that it depends on. A name
            occurs several times if models differ in its range, but once per model.
        fixed: settings and arguments that do not vary.
    """

    models: tuple[str, ...]
    parameters: tuple[tuple[str, Range], ...]
    fixed: Mapping

    def matters(self, range_: Range, values: Mapping) -> bool:
        """Returns whether a parameter applies, given the values of those before it."""
        values = {MODEL: self.models[0], **self.fixed, **values}
        return all(
            other in values and values[other] in Choice(*accepted)
            for other, accepted in range_.when.items()
        )

    def active(self, values: Mapping) -> Iterator[tuple[str, Range]]:
        """Returns the parameters that apply with these values."""
        for name, range_ in self.parameters:
            if self.matters(range_, values):
                yield name, range_

    def defaults(self) -> dict:
        """Returns the first model's defaults, each moved into its range if outside."""
        values: dict = {}
        for name, range_ in self.parameters:
            if self.matters(range_, values):
                default = default_of(self.models[0], name)
                if name == MODEL:
                    default = self.models[0]
                values[name] = range_.nearest(default)
        return values

    def moved(self) -> list[str]:
        """Returns the parameters whose first value is not the model's default."""
        model = self.models[0]
        return [
            name
            for name, value in self.defaults().items()
            if name != MODEL and as_json(value) != as_json(default_of(model, name))
        ]

    def grid(self) -> Iterator[dict]:
        """Yields all combinations, the defaults first, then each range in order."""
        first = self.defaults()

        def combined(at: int, values: dict) -> Iterator[dict]:
            if at == len(self.parameters):
                yield values
                return
            name, range_ = self.parameters[at]
            if not self.matters(range_, values):
                yield from combined(at + 1, values)
                return
            points = list(range_.grid())
            if name in first and first[name] in range_:
                points = [first[name], *(p for p in points if p != first[name])]
            for point in points:
                yield from combined(at + 1, {**values, name: point})

        return combined(0, {})

    def chosen(self, values: Mapping) -> tuple[str, dict, dict]:
        """Returns the model, settings and builder arguments of a combination."""
        values = {**self.fixed, **values}
        model = values.pop(MODEL, self.models[0])
        known = {setting.name for setting in fields(settings_of(model))}
        settings: dict = {}
        keywords: dict = {}
        for name, value in values.items():
            (settings if name in known else keywords)[name] = value
        arguments = describe(
            model
        ).keywords  # fixed values of other models are left out
        return model, settings, {k: v for k, v in keywords.items() if k in arguments}

    def describe(self) -> dict[str, str]:
        """Returns a line for each parameter."""
        lines: dict[str, str] = {}
        for name, range_ in self.parameters:
            line = space_rows({name: range_}).strip().partition(": ")[2]
            lines[name] = f"{lines[name]} | {line}" if name in lines else line
        return lines


def searched_space(
    models: Sequence[str],
    ranges: Mapping[str, Range] | None = None,
    fixed: Mapping | None = None,
    only: Sequence[str] = (),
) -> Searched:
    """Returns the space of a search over models, with ranges and fixed values.

    Several models add a parameter `model`: so `bilstm flstm glstm` searches the type of
    the recurrent layer. Parameters that only some have are searched for these.

    Args:
        models: names of registered models.
        ranges: ranges that replace or extend those of the models.
        fixed: values of settings and arguments that do not vary.
        only: names of all that varies besides `ranges`; empty for everything with a
            range.

    Raises:
        ValueError: for models of different families, unknown names, values that a
            setting does not accept, or nothing left to search.
    """
    ranges, fixed = dict(ranges or {}), dict(fixed or {})
    models = tuple(dict.fromkeys(models))
    families = {family_of(model).name for model in models}
    if len(families) != 1:
        raise ValueError(
            "`models` of a search must belong to one family. "
            f"Received: {', '.join(models) or 'none'}, of "
            f"{', '.join(sorted(families)) or 'none'}."
        )
    both = sorted(set(ranges) & set(fixed))
    if both:
        raise ValueError(
            "A name must have a range or a fixed value. "
            f"Received both for {', '.join(both)}."
        )
    for name, values in [*ranges.items(), *fixed.items()]:
        _check(models, name, values)
    known = {name: None for model in models for name in [*space_of(model), *ranges]}
    for name in only:
        check_keywords(models[0], {name: "searched"}, known)
    spaces = {model: _space(model, ranges, fixed, only) for model in models}
    parameters = [(MODEL, Choice(*models))] if len(models) > 1 else []
    found: dict[tuple[str, str], list[str]] = {}
    for model, space in spaces.items():
        for name, range_ in space.items():
            found.setdefault((name, _as_text(range_)), []).append(model)
    for (name, _), owners in found.items():
        range_ = spaces[owners[0]][name]
        if len(owners) < len(models):
            range_ = _only_when(range_, {MODEL: owners})
        parameters.append((name, range_))
    if not parameters:
        raise ValueError(
            "A search needs something to vary. Accepted: at least one range that "
            f"is not fixed. Received: {', '.join(models)} with everything fixed."
        )
    parameters = _parents_first(parameters)
    return Searched(models, tuple(parameters), fixed)


def default_of(model: str, name: str):
    """Returns the default of a setting or of an argument of the builder."""
    settings = settings_of(model)
    if name in {setting.name for setting in fields(settings)}:
        return getattr(settings.of(model), name)
    return describe(model).keywords.get(name)


def _space(model: str, ranges: Mapping, fixed: Mapping, only: Sequence[str]) -> dict:
    own = space_of(model)
    if _starts_from_vectors(model, fixed) and "embedding_dim" not in only:
        fixed = {"embedding_dim": None, **fixed}  # as wide as the vectors
    space = {name: range_ for name, range_ in own.items() if name not in fixed}
    arguments = describe(model).keywords
    known = {setting.name for setting in fields(settings_of(model))}
    for name, range_ in ranges.items():
        if name in known or name in arguments:
            when = own[name].when if name in own and not range_.when else {}
            space[name] = _only_when(range_, when)
    if only:
        space = {k: v for k, v in space.items() if k in only or k in ranges}
    # Parameters that depend on a fixed value are kept or removed here, once.
    others = {other for range_ in space.values() for other in range_.when} - set(space)
    return settled(
        space, {name: fixed.get(name, default_of(model, name)) for name in others}
    )


def _starts_from_vectors(model: str, fixed: Mapping) -> bool:
    """Returns whether the vectors decide how wide an embedding is, if any suit."""
    weights = fixed.get("weights", default_of(model, "weights"))
    if weights == AUTO and settings_of(model).keeps_width:
        weights = NONE
    return bool(fixed.get("vectors")) or weights not in (None, NONE)


def _only_when(range_: Range, when: Mapping) -> Range:
    return with_when(range_, {**range_.when, **when})


def _parents_first(parameters: list) -> list:
    """Sorts parameters so that each follows those that it depends on."""
    done: list = []
    waiting = list(parameters)
    while waiting:
        names = {name for name, _ in waiting}
        ready = [item for item in waiting if not names & set(item[1].when)]
        if not ready:
            raise ValueError(
                "Conditions of ranges must not be circular. "
                f"Received: {', '.join(sorted(names))}."
            )
        done += ready
        waiting = [item for item in waiting if item not in ready]
    return done


def _as_text(range_: Range) -> str:
    return f"{type(range_).__name__} {space_rows({'': range_})}"


def _check(models: Sequence[str], name: str, given) -> None:
    """Raises for a name unknown to all models, or a value that is not accepted."""
    settings = settings_of(models[0])
    if name in settings.unsearchable and isinstance(given, Range):
        raise ValueError(
            f"`{name}` cannot be searched: {settings.unsearchable[name]}. "
            f"Accepted: a fixed value. Received: {given}."
        )
    known = [setting.name for setting in fields(settings)]
    values = [given]
    if isinstance(given, Choice):
        values = list(given.values)
    elif isinstance(given, (Int, Float)):
        values = [given.low, given.high]
    if name in known:
        for value in values:
            settings.of(models[0], **{name: value})
        if name == "weights" and any(map(is_folder, values)):
            raise ValueError(
                "`weights` cannot be a folder in a search, which varies the sizes that "
                f"a trained model fixes. Accepted: {', '.join(SHIPPED_OR_NOT)}. "
                f"Received: {as_json(given)}."
            )
        return
    owners = [m for m in models if name in describe(m).keywords and name != "tasks"]
    if not owners:
        accepted = {n for m in models for n in describe(m).keywords} - {"tasks"}
        check_keywords(models[0], {name: given}, sorted(accepted.union(known)))
    for model in owners:
        default = describe(model).keywords[name]
        kinds = _KINDS.get(type(default))
        # The bounds of a Float may be whole numbers; the values between them are not.
        fits = not (isinstance(given, Float) and kinds == (int,))
        if kinds and not (fits and all(type(value) in kinds for value in values)):
            shown = given if isinstance(given, Range) else as_json(given)
            raise ValueError(
                f"`{name}` of {model} must have the type of its default, "
                f"{as_json(default)}. Received: {shown}."
            )
