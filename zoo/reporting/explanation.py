"""Which words of a text moved an answer: the form in which explanations are passed on.

It is pure Python, for the command line and for exported models as well.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from zoo.tasks import Task


@dataclass(frozen=True)
class Word:
    """A word of a text with its share of the score.

    Args:
        text: as it stands in the text.
        start: offset of its first character in the text.
        end: offset after its last character.
        share: how much of the score the word contributes; negative if it speaks against
            the label.
        second: whether it is a word of the second text of a pair.
    """

    text: str
    start: int
    end: int
    share: float
    second: bool = False


@dataclass(frozen=True)
class Explanation:
    """The score of an answer as a sum: `score = base + Σ shares`, up to `gap`.

    Args:
        label: the explained label, the likeliest one; of a regression its value.
        score: what is divided; `target` says what it is.
        words: the words that the model reads, in their order.
        base: the score without the words, see `method`.
        gap: `|score - base - Σ shares|`, divided by `Σ |share|` or, if it is larger, by
            `|score - base|` or 1/10,000 of the largest output; 0 if exact.
        steps: number of points of the integral.
        target: what the score is, see `target_of`.
        method: how the shares were computed.
    """

    label: str
    score: float
    words: tuple[Word, ...] = field(repr=False)
    base: float
    gap: float
    steps: int
    target: str
    method: str

    def to_json(self) -> dict:
        """Returns a dict that JSON holds; only pairs of texts have `second`."""
        whole = asdict(self)
        if not any(word.second for word in self.words):
            for word in whole["words"]:
                del word["second"]
        return {**whole, "words": list(whole["words"])}

    def strongest(self, count: int) -> list[Word]:
        """Returns the words with the largest shares of either sign in order."""
        return sorted(self.words, key=lambda word: -abs(word.share))[:count]


def target_of(task: Task) -> str:
    """Returns the name of what is divided over the words.

    Example:
        >>> target_of(Task("categories", ("bad", "fair", "good")))
        'log-odds against the mean of the other labels'
    """
    if task.kind == "regression":
        return "value"
    if task.kind == "categories" and task.outputs > 2:
        return "log-odds against the mean of the other labels"
    return "log-odds"
