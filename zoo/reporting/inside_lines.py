"""Attention and experts of a text as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zoo.reporting.inside import Attention, ExpertChoices
from zoo.reporting.terminal import one_line

STRONGEST = 3  # weights of a row that are written out


def attention_lines(attention: Attention) -> Iterator[str]:
    """Yields a line per row, with the tokens that it looked at most.

    Example:
        >>> import numpy as np
        >>> weights = np.array([[0.25, 0.75]], "float32")
        >>> [*attention_lines(Attention(("so", "good"), ("gut",), weights))]
        ['attention', '  gut: good 0.75, so 0.25']
    """
    yield "attention"
    for row, target in enumerate(attention.target):
        seen = attention.strongest(row, STRONGEST)
        yield f"  {one_line(target)}: {_listed(seen)}"


def expert_lines(layers: Iterable[ExpertChoices]) -> Iterator[str]:
    """Yields a line per layer, with the experts of each token and their gates.

    Example:
        >>> from zoo.reporting.inside import Choice
        >>> chosen = Choice("so", (3, 1), (0.75, 0.25)), Choice("it", (), ())
        >>> [*expert_lines([ExpertChoices("experts", 8, "token", chosen)])]
        ['experts, of 8: so (3 0.75, 1 0.25), it (none)']
    """
    for layer in layers:
        chosen = ", ".join(
            f"{one_line(choice.text)} "
            f"({_listed(zip(choice.experts, choice.gates)) or 'none'})".strip()
            for choice in layer.choices
        )
        yield f"{layer.layer}, of {layer.num_experts}: {chosen}".rstrip()


def _listed(pairs: Iterable[tuple[object, float]]) -> str:
    return ", ".join(f"{one_line(str(name))} {value:.2f}" for name, value in pairs)
