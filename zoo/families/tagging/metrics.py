"""Precision, recall and F1 of entities, as conlleval and seqeval count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from zoo.data.tag_schemes import spans_of

NO_TYPE = "_"  # seqeval's name for the type of entities without one


def entity_scores(
    true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> dict:
    """Scores predicted entities: correct ones have the right type and both ends.

        precision = right / predicted,  recall = right / true,  F1 = 2 P R / (P + R)

    A ratio without a denominator is 0. Entities are read leniently, see
    `zoo.data.tag_schemes.spans_of`, so scores equal seqeval's default mode and
    conlleval.

    Args:
        true: the tags of each sentence.
        predicted: the same number of tags for each.

    Returns:
        A dict with `precision`, `recall` and `f1` of all entities together (micro),
        `support` (true entities), `token_accuracy` (share of equal tags), and
        `by_type`, from type to `precision`, `recall`, `f1` and `support`.

    Raises:
        ValueError: if the numbers of sentences or of tags differ.

    Example:
        >>> scores = entity_scores([["B-PER", "O"]], [["B-PER", "B-LOC"]])
        >>> scores["precision"], scores["recall"], scores["token_accuracy"]
        (0.5, 1.0, 0.5)
        >>> scores["by_type"]["LOC"]
        {'precision': 0.0, 'recall': 0.0, 'f1': 0.0, 'support': 0}
    """
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    equal = total = 0
    _check_length("predicted", len(true), len(predicted), "sentences")
    for i, (tags, guess) in enumerate(zip(true, predicted)):
        _check_length(f"predicted[{i}]", len(tags), len(guess), "tags")
        spans, guessed = set(spans_of(tags)), set(spans_of(guess))
        wanted.update(span.type for span in spans)
        found.update(span.type for span in guessed)
        right.update(span.type for span in spans & guessed)
        equal += sum(a == b for a, b in zip(tags, guess))
        total += len(tags)
    return {
        **_scores(right.total(), found.total(), wanted.total()),
        "token_accuracy": equal / total if total else 0.0,
        "by_type": {
            kind or NO_TYPE: _scores(right[kind], found[kind], wanted[kind])
            for kind in sorted(wanted | found)
        },
    }


def _scores(right: int, found: int, wanted: int) -> dict:
    return {
        "precision": right / found if found else 0.0,
        "recall": right / wanted if wanted else 0.0,
        "f1": 2 * right / (found + wanted) if found + wanted else 0.0,
        "support": wanted,
    }


def _check_length(name: str, expected: int, received: int, of: str) -> None:
    if expected != received:
        raise ValueError(
            f"`{name}` must match `{name.replace('predicted', 'true')}`. "
            f"Accepted: {expected} {of}. Received: {received}."
        )
