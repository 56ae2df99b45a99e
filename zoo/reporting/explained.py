"""Explanations to look at: words coloured by their share, in a terminal or in HTML."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from zoo.reporting.explanation import Explanation, Word

STRONGEST = 5  # words whose shares are written out
# Shares of the largest one from which a word is coloured, and how.
_STYLES = ((0.6, "bold reverse {}"), (0.3, "bold {}"), (0.1, "{}"))
_COLOURS = {True: "green", False: "red"}
_HUES = {True: "46, 160, 67", False: "218, 54, 51"}


def is_terminal() -> bool:
    """Returns whether a person looks at standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def print_explained(sides: Sequence[str], explained: Mapping[str, Explanation]) -> None:
    """Prints a line per task: the answer, the coloured text, the strongest words.

    Green words speak for the answer, red ones against it; without colours, as in a
    terminal that has none and with `NO_COLOR` set, the line is the same.

    Args:
        sides: the text, or both texts of a pair.
        explained: explanations by task.
    """
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
    for name, explanation in explained.items():
        line = Text(f"{_visible(name)}: {_visible(explanation.label)} ")
        line.append(f"{explanation.score:+.2f} (base {explanation.base:+.2f})  ")
        for piece, share in pieces(sides, explanation):
            line.append(_visible(piece), style=_style(share))
        line.append(f"  ({strongest(explanation)})" if explanation.words else "")
        console.print(line)


def strongest(explanation: Explanation, count: int = STRONGEST) -> str:
    """Returns the words with the largest shares, as `good +1.20, but -0.31`."""
    return ", ".join(
        f"{_visible(word.text)} {word.share:+.2f}"
        for word in explanation.strongest(count)
    )


def pieces(
    sides: Sequence[str], explanation: Explanation
) -> Iterator[tuple[str, float]]:
    """Yields the whole text in pieces, with the share of each.

    The share is relative to the largest one, from -1 to 1, and 0 between words. Both
    texts of a pair have ` | ` between them.
    """
    most = max((abs(word.share) for word in explanation.words), default=0.0) or 1.0
    for second, text in enumerate(sides):
        if second:
            yield " | ", 0.0
        end = 0
        for word in _of_side(explanation, bool(second)):
            yield text[end : word.start], 0.0
            yield text[word.start : word.end], word.share / most
            end = word.end
        yield text[end:], 0.0


def html_of(sides: Sequence[str], explanation: Explanation) -> str:
    """Returns a text as HTML, with its words on green or red."""
    found = []
    for piece, share in pieces(sides, explanation):
        shown = escape(piece)
        if abs(share) >= _STYLES[-1][0]:
            colour = f"rgba({_HUES[share > 0]}, {0.75 * abs(share):.2f})"
            shown = f'<span style="background: {colour}">{shown}</span>'
        found.append(shown)
    return "".join(found)


def _of_side(explanation: Explanation, second: bool) -> list[Word]:
    return [word for word in explanation.words if word.second == second]


def _style(share: float) -> str:
    for least, style in _STYLES:
        if abs(share) >= least:
            return style.format(_COLOURS[share > 0])
    return ""


def _visible(text: str) -> str:
    """Returns a text without line breaks and control characters, of the same length."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
