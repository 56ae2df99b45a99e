"""Parts of an answer to look at: families return them, and pages draw each kind.

It is pure Python, and knows neither families nor pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from zoo.reporting.explained import STRONGEST, pieces
from zoo.reporting.explanation import Explanation
from zoo.reporting.inside import Attention, ExpertChoices
from zoo.reporting.markdown import without_nan
from zoo.tasks import SEPARATOR, Task

MOST_LOOKED = 100  # rows and columns of a table of attention: 10,000 cells


@dataclass(frozen=True)
class Part:
    """A part of an answer.

    Args:
        title: name of a task, or of what is shown.
    """

    title: str
    kind: ClassVar[str]

    def to_json(self) -> dict:
        """Returns a dict that JSON holds, with the `kind`; NaN becomes `None`."""
        return without_nan({"kind": self.kind, **asdict(self)})


@dataclass(frozen=True)
class Bars(Part):
    """Labels with their probabilities, the likeliest first.

    Args:
        answer: the label or labels that apply; empty if there is none.
        bars: label, probability, and whether it is part of the answer.
        abstained: whether no label is likely enough to be the answer.
    """

    answer: str
    bars: tuple[tuple[str, float, bool], ...]
    abstained: bool = False
    kind: ClassVar[str] = "bars"


@dataclass(frozen=True)
class Value(Part):
    """A number, or a few words."""

    value: str
    kind: ClassVar[str] = "value"


@dataclass(frozen=True)
class Passage(Part):
    """A text.

    Args:
        text: that the model wrote.
        before: that the user wrote, and `text` continues.
    """

    text: str
    before: str = ""
    kind: ClassVar[str] = "passage"


@dataclass(frozen=True)
class Vector(Part):
    """Many numbers, which a page shows on request."""

    values: tuple[float, ...]
    kind: ClassVar[str] = "vector"


@dataclass(frozen=True)
class Marked(Part):
    """A text with names on some of its words.

    Args:
        pieces: the whole text in pieces, with the name of each, or `""`.
    """

    pieces: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "marked"


@dataclass(frozen=True)
class Moved(Part):
    """A text whose words moved an answer; see `zoo.reporting.explanation`.

    Args:
        answer: the explained label or value.
        pieces: the whole text in pieces, each with its share of the score, divided by
            the largest one: from -1 to 1, and 0 between words.
        strongest: the words with the largest shares, with their shares.
        score: what is divided over the words, and `base` the score without them.
    """

    answer: str
    pieces: tuple[tuple[str, float], ...]
    strongest: tuple[tuple[str, float], ...]
    score: float
    base: float
    kind: ClassVar[str] = "moved"


@dataclass(frozen=True)
class Looked(Part):
    """A table of attention weights; see `zoo.reporting.inside.Attention`.

    Args:
        columns: the first tokens that were looked at, at most `MOST_LOOKED`.
        rows: the first tokens that looked at them, likewise, each with its weights.
        of: number of all rows and of all columns.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]
    of: tuple[int, int]
    kind: ClassVar[str] = "looked"


@dataclass(frozen=True)
class Routed(Part):
    """Which experts tokens went to; see `zoo.reporting.inside.ExpertChoices`.

    Args:
        num_experts: of the layer.
        per: what it chose for.
        tokens: each with its experts, as pairs of number and gate.
    """

    num_experts: int
    per: str
    tokens: tuple[tuple[str, tuple[tuple[int, float], ...]], ...]
    kind: ClassVar[str] = "routed"


def label_parts(answers: Mapping[str, Mapping], tasks: Mapping[str, Task]):
    """Returns a part for each task of texts.

    Args:
        answers: `label`, `scores` and perhaps `abstained` of each task.
        tasks: the tasks by name.

    Example:
        >>> task = Task("categories", ("bad", "good"))
        >>> answer = {"label": "bad", "scores": {"bad": 0.8, "good": 0.2}}
        >>> [part] = label_parts({"mood": answer}, {"mood": task})
        >>> part.bars
        (('bad', 0.8, True), ('good', 0.2, False))
    """
    parts: list[Part] = []
    for name, answer in answers.items():
        label = answer["label"]
        if tasks[name].kind == "regression":
            parts.append(Value(name, _number(answer["scores"]["value"])))
            continue
        several = tasks[name].kind == "multilabel"
        chosen = set(label.split(SEPARATOR)) if several else {label}
        ranked = sorted(answer["scores"].items(), key=lambda item: -item[1])
        bars = tuple((other, score, other in chosen) for other, score in ranked)
        shown = ", ".join(other for other, _, there in bars if there)
        parts.append(Bars(name, shown, bars, answer.get("abstained", False)))
    return parts


def _number(value: float) -> str:
    """Returns a number in at least six digits."""
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"


def plain_parts(answer: Mapping[str, Any]) -> list[Part]:
    """Returns a part for each entry of an answer of any form.

    Example:
        >>> [part.kind for part in plain_parts({"number": 3.5, "vector": [1, 2]})]
        ['value', 'passage']
    """
    short = (str, int, float, bool)
    return [
        Value(name, str(value))
        if isinstance(value, short)
        else Passage(name, json.dumps(value, ensure_ascii=False))
        for name, value in answer.items()
    ]


def moved_parts(
    sides: Sequence[str], explained: Mapping[str, Explanation]
) -> Iterable[Moved]:
    """Yields the explanation of each task.

    Args:
        sides: the text, or both texts of a pair.
        explained: explanations by task.
    """
    for name, found in explained.items():
        yield Moved(
            name,
            found.label,
            tuple((text, share) for text, share in pieces(sides, found) if text),
            tuple((word.text, word.share) for word in found.strongest(STRONGEST)),
            found.score,
            found.base,
        )


def looked_part(attention: Attention) -> Looked:
    """Returns the weights of a text, of very long ones the first ones.

    Example:
        >>> import numpy as np
        >>> weights = np.array([[0.25, 0.75]], "float32")
        >>> looked_part(Attention(("so", "good"), ("gut",), weights)).rows
        (('gut', (0.25, 0.75)),)
    """
    shown = attention.weights[:MOST_LOOKED, :MOST_LOOKED].tolist()
    rows = zip(attention.target, map(tuple, shown))
    sizes = len(attention.target), len(attention.source)
    return Looked("attention", attention.source[:MOST_LOOKED], tuple(rows), sizes)


def routed_parts(layers: Iterable[ExpertChoices]) -> Iterable[Routed]:
    """Yields the choices of each layer of experts."""
    for layer in layers:
        tokens = tuple(
            (choice.text, tuple(zip(choice.experts, choice.gates)))
            for choice in layer.choices
        )
        yield Routed(layer.layer, layer.num_experts, layer.per, tokens)
