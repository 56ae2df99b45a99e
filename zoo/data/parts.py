"""The three parts of a data set, whatever its rows are.

A part is a dataclass of lists with one entry per row, and of dicts of such lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from zoo.data.dealing import TrainingStream

Part = TypeVar("Part")
PARTS = ("train", "valid", "test")


@dataclass
class Splits(Generic[Part]):
    """The parts of a data set: `Examples`, or another class that a family learns from.

    Args:
        train: rows that the model learns from.
        valid: rows for early stopping and for choices.
        test: rows that are read once.
        unlabeled: further texts without labels, for language models.
        notes: how the parts came about, where that matters to a reader of results.
        settings: training settings that the texts require, such as the tokenizer of a
            corpus that is already tokenized.
        reading: how the files were read, which is saved with a trained model.
        schemes: tag scheme of each tagging task; none for tags without one.
        tokenized: of translations, whether the targets are already tokenized, so that
            BLEU uses them unchanged.
        stream: all training rows, a few thousand at a time, if they stay in their
            files; `train` is then a selection of them. See `zoo.data.dealing`.
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
    stream: TrainingStream | None = None

    @property
    def parts(self) -> dict[str, Part]:
        """The parts by the names of `PARTS`."""
        return {name: getattr(self, name) for name in PARTS}


def without_test(splits: Splits[Part]) -> Splits[Part]:
    """Returns the same data set with an empty test part, which no trial can read."""
    return replace(splits, test=_emptied(splits.test))


def valid_as_train(splits: Splits[Part]) -> Splits[Part]:
    """Appends the validation part to the training part and leaves it empty.

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
