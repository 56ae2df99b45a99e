"""Chooses the shipped weights that suit the training texts and the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zoo.models import _registry
from zoo.training.settings import WHOLE_WORDS, is_folder
from zoo.weights import AUTO, DEFAULT, NONE, WIDTHS, known_words

# English sets reach 0.81 to 0.94 of the occurrences and 0.74 to 0.96 of the words; the
# German texts of Multi30k 0.38 and 0.12, Chinese reviews 0.00 and 0.01.
LEAST_TOKENS, LEAST_WORDS = 0.7, 0.5


@dataclass(frozen=True)
class Start:
    """The initial weights of the word embedding.

    Args:
        name: name of the shipped weights, or `"none"`.
        covered: the weights that `tokens` and `words` refer to; `""` if none.
        tokens: share of the training words that they cover, by occurrence.
        words: share of the different words seen at least twice that they cover.
        always: words that a vocabulary has, seen or not.
        earlier: the trained model to continue from, a
            `zoo.families.continuing.Continued`; `tokens` and `words` refer to it, and
            words that it lacks start from `name`.
    """

    name: str = NONE
    covered: str = ""
    tokens: float = 0.0
    words: float = 0.0
    always: tuple[str, ...] = field(default=(), repr=False)
    earlier: Any = field(default=None, repr=False)

    def sized(self, name: str, keywords: Mapping) -> dict:
        """Returns arguments of a builder, with the sizes that an earlier model has."""
        earlier = self.earlier
        return dict(keywords) if earlier is None else earlier.sized(name, keywords)

    def __str__(self) -> str:
        """The line that a run prints, or nothing."""
        shares = (
            f"covers {self.tokens:.1%} of the training words, and {self.words:.1%} of "
            "the different ones that occur at least twice"
        )
        if self.earlier is not None:
            return f"Continues from {self.earlier.earlier.name}, which {shares}."
        if not self.covered:
            return ""
        if self.name == NONE:
            take = f"`--from {self.covered}` uses it anyway"
            return f"Word vectors: none; {self.covered} {shares}; {take}."
        return f"Word vectors: {self.name}, which {shares}; `--from none` disables it."


def choose_start(
    weights: str, counts: Mapping[bytes, int], *, tokenizer: str, vectors: str = ""
) -> Start:
    """Chooses the initial word vectors for some training texts.

    Args:
        weights: `"auto"`, `"none"` or the name of shipped weights. `"auto"` takes
            `glove-en` if it covers most of the texts: at least 70 % of the
            occurrences of words with a letter, and 50 % of the words seen twice.
        counts: number of occurrences of each token (UTF-8) of the training texts.
        tokenizer: tokenizer of the texts.
        vectors: the user's file of vectors, which takes precedence over `"auto"`.

    Raises:
        ValueError: for word vectors by name if the tokens are bytes.
    """
    if weights == NONE or vectors or weights == AUTO and tokenizer not in WHOLE_WORDS:
        return Start()
    if tokenizer == "bytes":
        raise ValueError(
            "`weights` (--from) of words need a tokenizer that makes words. "
            f"Accepted: {', '.join(WHOLE_WORDS)}. "
            f"Received: weights={weights!r} with tokenizer={tokenizer!r}."
        )
    name = DEFAULT if weights == AUTO else weights
    known = known_words(name)
    tokens, words = coverage(counts, frozenset(known))
    suits = tokens >= LEAST_TOKENS and words >= LEAST_WORDS
    if weights == AUTO and not suits:
        return Start(covered=name, tokens=tokens, words=words)
    return Start(name, name, tokens, words, known)


def coverage(counts: Mapping[bytes, int], known: frozenset[str]) -> tuple[float, float]:
    """Returns the shares of the words with a letter that are known.

    Args:
        counts: number of occurrences of each token (UTF-8).
        known: words.

    Returns:
        The share of all their occurrences; and of the different ones that occur at
        least twice, or of all if none does.

    Example:
        >>> coverage({b"a": 6, b"b": 2, b"c": 2, b"!": 9}, frozenset("ab"))
        (0.8, 0.6666666666666666)
    """
    named = {word.decode("utf-8"): count for word, count in counts.items()}
    named = {w: n for w, n in named.items() if any(c.isalpha() for c in w)}
    tokens = sum(n for word, n in named.items() if word in known)
    common = [word for word, n in named.items() if n > 1] or list(named)
    words = sum(word in known for word in common)
    return tokens / max(sum(named.values()), 1), words / max(len(common), 1)


def fits(name: str, keywords: Mapping) -> bool:
    """Returns whether a model's embedding can be as wide as the default weights.

    Args:
        name: name of a registered model.
        keywords: arguments of its builder that the user chose.
    """
    width = WIDTHS[DEFAULT]
    defaults = _registry.describe(name).keywords
    groups = keywords.get("groups", defaults.get("groups", 1))
    if "embedding_dim" not in defaults:
        return True  # a linear model takes vectors of any width
    return (
        keywords.get("embedding_dim", width) == width
        and keywords.get("variant") != "rand"
        and "vectors" not in keywords
        and not width % (groups or 1)
    )


def settled(settings: Any, name: str, keywords: Mapping) -> Any:
    """Returns the settings, with `"none"` for `"auto"` if vectors do not fit the model.

    Args:
        settings: settings of a training.
        name: name of a registered model.
        keywords: arguments of its builder that the user chose.

    Raises:
        ValueError: for weights by name that the model or its tokens cannot start from.
    """
    weights = getattr(settings, "weights", NONE)
    if weights == NONE or is_folder(weights):
        return settings
    arguments = {**_registry.describe(name).keywords, **keywords}
    found = settings.obstacle(arguments)
    if weights == AUTO:
        width = WIDTHS[DEFAULT]
        wide = arguments.get("embedding_dim", width) != width
        kept = settings.keeps_width and wide
        fit = found is None and not kept and fits(name, keywords)
        return settings if fit else replace(settings, weights=NONE)
    if found:
        need, accepted, received = found
        raise ValueError(
            f"`weights` (--from) need {need}. Accepted: {accepted}, or weights=none. "
            f"Received: weights={weights!r} with {received}."
        )
    return settings


def start_of(start: Start, settings: Any, name: str, keywords: Mapping) -> str:
    """Returns the weights a model starts from, by the last word of its arguments."""
    return start.name if settled(settings, name, keywords).weights != NONE else NONE
