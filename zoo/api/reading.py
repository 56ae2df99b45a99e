"""Which data a call reads, and how: the arguments that its families look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.data import Splits
from zoo.data.memory import from_python
from zoo.data.tag_schemes import SCHEMES
from zoo.data.tagged_files import NO_SCHEME
from zoo.families import get_family
from zoo.tasks import KINDS

# Beside `data`, `label`, `text`, `task_column`, `valid` and `test`.
FURTHER = (
    "target",
    "valid_target",
    "test_target",
    "separator",
    "missing",
    "on_bad_rows",
    "on_single_class",
    "encoding",
    "quotes",
    "comment",
    "weight",
    "stream",
)


@dataclass
class Reading:
    """The arguments of a call about data, as families read them.

    Args:
        data: a named set, a file or rows in memory; `None` for the family's default.
        label: a name, names, or kinds by name; kept as `COLUMN[:KIND]` each.
        text: a name, or two names for pairs of texts; kept as a name or a list of two.
        task_column, valid, test, target, valid_target, test_target, separator,
        missing, on_bad_rows, on_single_class, encoding, quotes, comment,
        weight, stream, unknown_labels: see `zoo.train` and `zoo.evaluate`.
        seed: of the split.
        verbose: whether to tell what was left out.
    """

    data: Any = None
    label: Any = None
    text: Any = None
    task_column: str | None = None
    valid: Any = None
    test: Any = None
    target: str | None = None
    valid_target: str | None = None
    test_target: str | None = None
    separator: str | None = None
    missing: Any = None
    on_bad_rows: str = "error"
    on_single_class: str = "error"
    encoding: str | None = None
    quotes: bool | None = None
    comment: str | None = None
    weight: str | None = None
    stream: bool = False
    unknown_labels: str = "error"
    seed: int | None = None
    verbose: bool = True

    def __post_init__(self) -> None:
        for name in ("data", "valid", "test"):
            setattr(self, name, from_python(getattr(self, name), name))
        self.label = labels_of(self.label)
        self.text = columns_of_texts(self.text)
        if self.missing is not None:
            one = isinstance(self.missing, str)
            self.missing = [self.missing] if one else list(self.missing)
        choices = {
            "on_bad_rows": ("error", "skip"),
            "on_single_class": ("error", "skip"),
            "unknown_labels": ("error", "wrong"),
        }
        for name, accepted in choices.items():
            value = getattr(self, name)
            if value not in accepted:
                raise ValueError(
                    f"`{name}` must be one of {', '.join(map(repr, accepted))}. "
                    f"Received: {name}={value!r}."
                )


def read(
    data: Any,
    *,
    family: str = "classification",
    label: str | Sequence[str] | Mapping[str, str] | None = None,
    text: str | Sequence[str] | None = None,
    valid: Any = None,
    test: Any = None,
    task_column: str | None = None,
    seed: int = 0,
    verbose: bool = True,
    **further: Any,
) -> Splits:
    """Reads, checks and splits data as `zoo.train` does, for a model of one's own.

    Args:
        data: as of `zoo.train`, and so are `label`, `text`, `valid`, `test`,
            `task_column` and `further`.
        family: what is to be learnt: `"classification"`, `"language"`, `"tagging"`,
            `"translation"` or `"encoding"`.
        seed: of the split.
        verbose: tells on standard error which rows were left out.

    Returns:
        `Splits`: `train`, `valid` and `test`, with `notes` that a reader should see.
        Parts have `texts` and `labels` by task; of a tagger `tokens` and `tags`; of
        translations `sources` and `targets`.

    Raises:
        ValueError: for data that cannot be used.

    Example:
        >>> rows = [(f"no {n}", "no") for n in range(40)]
        >>> rows += [(f"so {n}", "so") for n in range(40)]
        >>> parts = read(rows)
        >>> len(parts.train), len(parts.test), sorted(set(parts.test.labels["label"]))
        (64, 8, ['no', 'so'])
    """
    check_further(further)
    reading = Reading(
        data=data,
        label=label,
        text=text,
        valid=valid,
        test=test,
        task_column=task_column,
        seed=seed,
        verbose=verbose,
        **further,
    )
    return get_family(family).read(reading)


def labels_of(label: Any) -> list[str] | None:
    """`COLUMN[:KIND]` of each label: from a name, several names, or kinds by name.

    Example:
        >>> labels_of("mood"), labels_of({"stars": "regression"})
        (['mood'], ['stars:regression'])
    """
    if label is None:
        return None
    if isinstance(label, Mapping):
        accepted = (*KINDS, *SCHEMES, NO_SCHEME)
        for column, kind in label.items():
            if kind not in accepted:
                raise ValueError(
                    f"`label[{column!r}]` must be a kind of task. Accepted: "
                    f"{', '.join(accepted)}. Received: {kind!r}."
                )
        return [f"{column}:{kind}" for column, kind in label.items()]
    names = [label] if isinstance(label, str) else label
    if isinstance(names, Iterable):
        names = list(names)
        if names and all(isinstance(name, str) for name in names):
            return names
    raise ValueError(
        "`label` must name the columns of labels. Accepted: a name, a list of names, "
        "or a dict from names to kinds, such as {'stars': 'regression'}. "
        f"Received: label={label!r}."
    )


def columns_of_texts(text: Any) -> str | list[str] | None:
    """The column of the texts, or a list of the two columns of pairs of texts.

    Example:
        >>> columns_of_texts(["text"]), columns_of_texts(("question", "answer"))
        ('text', ['question', 'answer'])
    """
    if text is None or isinstance(text, str):
        return text
    names = list(text) if isinstance(text, Iterable) else []
    if names and all(isinstance(name, str) for name in names):
        if len(names) == 1:
            return names[0]
        if len(names) == 2 and names[0] != names[1]:
            return names
    raise ValueError(
        "`text` (--text) must name the column of the texts, or the two columns of "
        "pairs of texts. Accepted: one name, or two different ones, such as "
        f"['question', 'answer']. Received: text={text!r}."
    )


def split_off(arguments: dict[str, Any]) -> dict[str, Any]:
    """Takes the arguments of `FURTHER` out of a dict, and returns them."""
    return {name: arguments.pop(name) for name in FURTHER if name in arguments}


def check_further(further: Mapping[str, Any]) -> None:
    """Raises unless all arguments are among `FURTHER`."""
    unknown = [name for name in further if name not in FURTHER]
    if unknown:
        raise TypeError(
            f"Further arguments must be among {', '.join(FURTHER)}. "
            f"Received: {', '.join(unknown)}."
        )
