"""Explanations from the outputs of the signature `explain` of an export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.reporting.explanation import Explanation, Word, target_of
from zoo.tasks import Task
from zoo.text.characters import letters_before

SIGNATURE = "explain"


def explanation_names(tasks: Mapping[str, Task]) -> dict[str, str]:
    """Returns what the names of the outputs of each task begin with.

    Example:
        >>> explanation_names({"label": Task("regression")})
        {'label': ''}
    """
    return {name: "" if len(tasks) == 1 else f"{name}_" for name in tasks}


def explanations_of(
    outputs: Mapping, row: int, sides: Sequence[bytes], tasks: Mapping[str, Task]
) -> dict[str, Explanation]:
    """Returns the explanations of a text by task.

    Args:
        outputs: arrays of the signature by name.
        row: of the text.
        sides: the text, or both texts of a pair, in UTF-8.
        tasks: of the model.
    """
    count = int(outputs["lengths"][row])
    first = int(outputs["first_lengths"][row]) if len(sides) > 1 else count
    letters = [letters_before(_valid(side)) for side in sides]
    places = []
    for word in range(count):
        before = letters[word >= first]
        start, end = (int(outputs[key][row, word]) for key in ("starts", "ends"))
        text = outputs["words"][row, word].decode("utf-8")
        places.append((text, before[start], before[end]))
    found = {}
    for name, begin in explanation_names(tasks).items():
        shares = outputs[f"{begin}shares"][row].tolist()[:count]
        words = [
            Word(*place, share, number >= first)
            for number, (place, share) in enumerate(zip(places, shares, strict=True))
        ]
        found[name] = Explanation(
            label=outputs[f"{begin}label"][row].decode("utf-8"),
            score=float(outputs[f"{begin}score"][row]),
            words=tuple(words),
            base=float(outputs[f"{begin}base"][row]),
            gap=float(outputs[f"{begin}gap"][row]),
            steps=int(outputs[f"{begin}steps"][row]),
            target=target_of(tasks[name]),
            method=outputs["method"][row].decode("utf-8"),
        )
    return found


def _valid(text: bytes) -> bytes:
    return text.decode("utf-8", "replace").encode()
