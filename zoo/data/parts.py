"""The three parts of a data set, of whatever kind its rows are.

A part is a dataclass of lists with an entry a row, and of dicts of such lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields, is_dataclass, replace
from typing import Any, Generic, TypeVar

Part = TypeVar("Part")
PARTS = ("train", "valid", "test")


@dataclass
class Splits(Generic[Part]):
    """The parts of a data set: `Examples`, or what else a family learns from.

    Args:
        train: what the model learns from.
        valid: what early stopping and choices look at.
        test: looked at once.
        unlabeled: further texts without labels, for language models.
        notes: how the parts came about, where that matters to a reader of results.
        settings: of the training that the texts ask for, such as the tokenizer of a
            corpus that is tokenized already.
        reading: how the files were read, which a trained model remembers.
        schemes: of tags, by tagging task; none for tags without one.
        tokenized: of translations, whether white space parts the words and marks of
            the targets, so that BLEU takes them as they stand.
    """

    train: Part
    valid: Part
    test: Part
    _: KW_ONLY
    unlabeled: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    settings: dict = field(default_factory=dict)
    reading: dict = field(default_factory=dict)
    schemes: dict[str, str] = field(default_factory=dict)
    tokenized: bool = False

    @property
    def parts(self) -> dict[str, Part]:
        """The parts by the names of `PARTS`."""
        return {name: getattr(self, name) for name in PARTS}


def without_test(splits: Splits[Part]) -> Splits[Part]:
    """The same data set with no row in its test part: no trial can read one."""
    return replace(splits, test=_emptied(splits.test))


def valid_as_train(splits: Splits[Part]) -> Splits[Part]:
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
