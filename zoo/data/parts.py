"""The parts of a data set as a search sees them, for every kind of data set.

A data set is a dataclass with `train`, `valid` and `test`, each a dataclass of lists
with an entry a row and of dicts of such lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any


def without_test(splits):
    """The same data set with no row in its test part: no trial can read one."""
    return replace(splits, test=_emptied(splits.test))


def valid_as_train(splits):
    """The training part with the validation part behind it, which is then empty.

    Example:
        >>> from zoo.data import Examples, Splits
        >>> a, b = Examples(["x"], {"p": ["1"]}), Examples(["y"], {"p": ["0"]})
        >>> merged = valid_as_train(Splits(a, b, b))
        >>> merged.train.texts, merged.train.labels, len(merged.valid)
        (['x', 'y'], {'p': ['1', '0']}, 0)
    """
    train = _joined(splits.train, splits.valid)
    return replace(splits, train=train, valid=_emptied(splits.valid))


def _emptied(part: Any):
    if isinstance(part, list):
        return []
    if isinstance(part, Mapping):
        return {name: _emptied(value) for name, value in part.items()}
    if is_dataclass(part) and not isinstance(part, type):
        return replace(
            part, **{f.name: _emptied(getattr(part, f.name)) for f in fields(part)}
        )
    return part


def _joined(one: Any, other: Any):
    if isinstance(one, list):
        return [*one, *other]
    if isinstance(one, Mapping):
        return {name: _joined(value, other[name]) for name, value in one.items()}
    if is_dataclass(one) and not isinstance(one, type):
        return replace(
            one,
            **{
                f.name: _joined(getattr(one, f.name), getattr(other, f.name))
                for f in fields(one)
            },
        )
    return one
