"""Ranges that `zoo tune` searches, declared with the models. Pure Python.

space={"units": Int(32, 256, factor=2), "dropout": Float(0.0, 0.7),
       "characters": Choice("cnn", "none"),
       "character_dim": Int(15, 60, when={"characters": ["cnn"]})}
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from zoo.text.objects import parse_json

GRID_POINTS = 5  # of a range without steps, in a grid search


@dataclass(frozen=True)
class Range:
    """The possible values of a setting or argument; see `Int`, `Float`, `Choice`.

    Args:
        when: by name of another parameter, the values for which this one applies;
            otherwise it keeps its default.
    """

    when: Mapping[str, Sequence] = field(default_factory=dict, kw_only=True)

    def grid(self) -> tuple:
        """Returns the values that a grid search tries, in order."""
        raise NotImplementedError

    def __contains__(self, value) -> bool:
        raise NotImplementedError

    def nearest(self, value):
        """Returns the value if it is in the range, else the nearest grid value, or the
        first value if values have no distance."""
        grid = self.grid()
        if value in self or not all(map(_is_number, (value, *grid))):
            return value if value in self else grid[0]
        return min(grid, key=lambda other: abs(other - value))


@dataclass(frozen=True)
class _Numbers(Range):
    low: float
    high: float

    def __post_init__(self) -> None:
        kinds = (int,) if isinstance(self, Int) else (int, float)
        for name in ("low", "high"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kinds):
                kind = "a whole number" if kinds == (int,) else "a number"
                raise ValueError(f"`{name}` must be {kind}. Received: {value!r}.")
        if not self.low < self.high:
            raise ValueError(
                "`low` must be below `high`. "
                f"Received: low={self.low!r}, high={self.high!r}."
            )

    def _points(self, count: int, log: bool) -> list[float]:
        shares = [index / (count - 1) for index in range(count)]
        if log:
            return [self.low * (self.high / self.low) ** share for share in shares]
        return [self.low + (self.high - self.low) * share for share in shares]

    def _check_log(self) -> None:
        if self.low <= 0:
            raise ValueError(
                "`low` of a logarithmic range must be above 0. "
                f"Received: low={self.low!r}."
            )


@dataclass(frozen=True)
class Int(_Numbers):
    """Whole numbers from `low` to `high`, both included.

    Args:
        low: the smallest.
        high: the largest, if the steps reach it.
        step: difference between neighbours.
        factor: ratio of neighbours, instead of `step`.
        log: whether to draw small numbers as often as large ones; excludes step and
            factor.

    Raises:
        ValueError: for invalid bounds, or several of step, factor and log.

    Example:
        >>> Int(32, 256, factor=2).grid(), 48 in Int(32, 128, step=16)
        ((32, 64, 128, 256), True)
    """

    low: int
    high: int
    step: int | None = None
    factor: int | None = None
    log: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [name for name in ("step", "factor", "log") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(
                "`step`, `factor` and `log` exclude each other. Accepted: one of them. "
                f"Received: {', '.join(given)}."
            )
        for name, least in (("step", 1), ("factor", 2)):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < least):
                raise ValueError(
                    f"`{name}` must be a whole number from {least}. "
                    f"Received: {name}={value!r}."
                )
        if self.log or self.factor:
            self._check_log()

    def grid(self) -> tuple[int, ...]:
        if self.factor:
            count = int(math.log(self.high / self.low, self.factor) + 1e-9) + 1
            return tuple(self.low * self.factor**index for index in range(count))
        if self.step:
            return tuple(range(self.low, self.high + 1, self.step))
        if self.high - self.low < GRID_POINTS:
            return tuple(range(self.low, self.high + 1))
        return tuple(round(point) for point in self._points(GRID_POINTS, self.log))

    def __contains__(self, value) -> bool:
        if type(value) is not int:
            return False
        if self.step or self.factor:
            return value in self.grid()
        return self.low <= value <= self.high

    def __str__(self) -> str:
        text = f"{self.low} to {self.high}"
        if self.factor:
            return f"{text}, each {self.factor} times the one before"
        if self.step:
            return f"{text} in steps of {self.step}"
        return f"{text}, logarithmic" if self.log else text


@dataclass(frozen=True)
class Float(_Numbers):
    """Numbers from `low` to `high`.

    Args:
        low: the smallest.
        high: the largest.
        log: whether to draw each order of magnitude equally often.

    Raises:
        ValueError: for invalid bounds.

    Example:
        >>> Float(1e-4, 1e-2, log=True).grid()
        (0.0001, 0.000316228, 0.001, 0.00316228, 0.01)
    """

    log: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.log:
            self._check_log()

    def grid(self) -> tuple[float, ...]:
        return tuple(rounded(point) for point in self._points(GRID_POINTS, self.log))

    def __contains__(self, value) -> bool:
        return _is_number(value) and self.low <= value <= self.high

    def __str__(self) -> str:
        text = f"{self.low:g} to {self.high:g}"
        return f"{text}, logarithmic" if self.log else text


@dataclass(frozen=True, init=False)
class Choice(Range):
    """One of several values: JSON values, or tuples of them.

    Args:
        *values: at least one, without repetitions.

    Raises:
        ValueError: if there is no value, or one is repeated.

    Example:
        >>> print(Choice("max", "mean", None))
        "max", "mean", null
    """

    values: tuple

    def __init__(self, *values, when: Mapping[str, Sequence] | None = None) -> None:
        texts = [as_json(value) for value in values]
        if not values or len(set(texts)) < len(texts):
            raise ValueError(
                "`values` of a Choice must be given, each once. "
                f"Received: {', '.join(texts) or 'none'}."
            )
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "when", when or {})

    def grid(self) -> tuple:
        return self.values

    def __contains__(self, value) -> bool:
        return as_json(value) in [as_json(known) for known in self.values]

    def __str__(self) -> str:
        return ", ".join(map(as_json, self.values))


def with_when(range_: Range, when: Mapping) -> Range:
    """Returns the range with other conditions."""
    if isinstance(range_, Choice):
        return Choice(*range_.values, when=when)
    return replace(range_, when=when)


def settled(space: Mapping[str, Range], values: Mapping) -> dict[str, Range]:
    """Returns the ranges that remain when some parameters are fixed.

    Example:
        >>> space = {"cell": Choice("a", "b"), "rank": Int(1, 9, when={"cell": ["a"]})}
        >>> settled(space, {"cell": "a"}), settled(space, {"cell": "b"})
        ({'rank': Int(when={}, low=1, high=9, step=None, factor=None, log=False)}, {})
    """
    kept = {}
    for name, range_ in space.items():
        known = {other: range_.when[other] for other in range_.when if other in values}
        met = all(values[other] in Choice(*known[other]) for other in known)
        if name not in values and met:
            open_ = {k: v for k, v in range_.when.items() if k not in known}
            kept[name] = with_when(range_, open_)
    return kept


def parse_range(text: str) -> Range:
    """Parses a range in the syntax of the command line.

    `64:256` and `0.1:0.5` are bounds, which `:log`, a step (`:32`) or a factor (`:x2`)
    may follow; `16,32,50` and `"a",["b",1]` are choices of JSON values or strings.

    Raises:
        ValueError: for any other text.

    Example:
        >>> parse_range("1e-4:1e-2:log"), parse_range("32:256:x2").grid()
        (Float(when={}, low=0.0001, high=0.01, log=True), (32, 64, 128, 256))
        >>> parse_range("cnn,none").values
        ('cnn', 'none')
    """
    bounds = [_number(part) for part in text.split(":")[:2]]
    if ":" in text and None not in bounds:
        return _bounds(text, *bounds)
    try:
        values = parse_json(f"[{text}]")
    except ValueError:
        values = [_value(part) for part in text.split(",")]
    if not text.strip():
        raise _unreadable(text)
    return Choice(*values)


def _bounds(text: str, low: float, high: float) -> Range:
    options: dict = {}
    for part in text.split(":")[2:]:
        number = _number(part.removeprefix("x"))
        if part == "log":
            options["log"] = True
        elif isinstance(number, int):
            options["factor" if part.startswith("x") else "step"] = number
        else:
            raise _unreadable(text)
    if isinstance(low, int) and isinstance(high, int):
        return Int(low, high, **options)
    if set(options) - {"log"}:
        raise _unreadable(text)
    return Float(low, high, **options)


def _unreadable(text: str) -> ValueError:
    return ValueError(
        "A range must read LOW:HIGH, LOW:HIGH:log, LOW:HIGH:STEP or LOW:HIGH:xFACTOR "
        "(the last two for whole numbers), or VALUE,VALUE,... "
        f"Received: {text!r}."
    )


def as_json(value) -> str:
    """Returns a value as JSON, to compare values: a tuple equals a list."""
    return json.dumps(value, ensure_ascii=False)


def rounded(value: float) -> float:
    """Returns a number with six digits, as many as single precision keeps.

    Example:
        >>> rounded(0.0010000000474974513)
        0.001
    """
    return float(f"{value:.6g}")


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(text: str):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return None


def _value(text: str):
    try:
        return parse_json(text)
    except ValueError:
        return text.strip()


def space_rows(space: Mapping[str, Range]) -> str:
    """Returns a space as lines of text."""
    rows = []
    for name, range_ in space.items():
        row = f"  {name}: {range_}"
        for other, values in range_.when.items():
            row += f"; when {other} is {' or '.join(map(as_json, values))}"
        rows.append(row)
    return "\n".join(rows)
