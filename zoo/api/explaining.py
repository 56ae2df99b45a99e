"""What explains the answers of a trained model: words, attention and experts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.reporting.explanation import Explanation
from zoo.reporting.inside import Attention, ExpertChoices


@dataclass(frozen=True)
class Reasons:
    """What explains the answers to one text; `None` for what a model does not have.

    Args:
        words: by task, which words moved the answer.
        attention: how much the model looked at each word.
        experts: of each layer of experts, which ones it chose.
    """

    words: Mapping[str, Explanation] | None = None
    attention: Attention | None = None
    experts: Sequence[ExpertChoices] | None = None

    def to_json(self) -> dict:
        """Returns the keys `explanation`, `attention` and `experts` that there are."""
        found: dict = {}
        if self.words is not None:
            found["explanation"] = {n: one.to_json() for n, one in self.words.items()}
        if self.attention is not None:
            found["attention"] = self.attention.to_json()
        if self.experts is not None:
            found["experts"] = [one.to_json() for one in self.experts]
        return found


def can_explain(model: Any) -> bool:
    """Returns whether `explain` has something to say of a model.

    Args:
        model: a trained model, or a `zoo.serving.ServedModel`.
    """
    return getattr(model, "explains", _has_words(model)) or any(_inside(model))


def explain(model: Any, texts: Sequence) -> list[Reasons]:
    """Returns all that explains the answers to some texts.

    Args:
        model: a trained model, or a `zoo.serving.ServedModel`.
        texts: as of its `predict`.

    Raises:
        ValueError: for a model whose answers cannot be explained.
    """
    check_explains(model)
    attention, experts = _inside(model)
    none = [None] * len(texts)
    columns = (
        model.explain(texts) if _has_words(model) else none,
        model.attention(texts) if attention else none,
        model.experts(texts) if experts else none,
    )
    return [Reasons(*row) for row in zip(*columns, strict=True)]


def check_explains(model: Any) -> None:
    """Raises a `ValueError` for a model whose answers cannot be explained.

    An export of a classifier says by itself how it is to be written for that.
    """
    if not (_has_words(model) or any(_inside(model))):
        raise ValueError(
            "`explain` (--explain) needs a classifier, a translation model or a model "
            "with experts. Accepted: the folder of a run of one, or of an export of a "
            "classifier. Received: a model of the family "
            f"{getattr(model, 'family', type(model).__name__)!r} without experts."
        )


def _has_words(model: Any) -> bool:
    return hasattr(model, "explain")


def _inside(model: Any) -> tuple[bool, bool]:
    """Returns whether there are attention and experts; exports give neither."""
    has = ("has_attention", "has_experts")
    attention, experts = (getattr(model, name, False) for name in has)
    return attention, experts
