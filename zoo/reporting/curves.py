"""Lines over epochs as an SVG image inside a page, without matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 420, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 32  # margins around the lines
_COLOURS = (
    "#1f77b4",
    "#d62728",
    "#2ca02c",
    "#9467bd",
    "#ff7f0e",
    "#17becf",
    "#8c564b",
    "#7f7f7f",
)
_DASHES = ("", "6 3", "2 3", "8 3 2 3")


def style_of(index: int) -> tuple[str, str]:
    """Returns colour and dashes of a line; those of 32 lines differ.

    Example:
        >>> style_of(0), style_of(8)
        (('#1f77b4', ''), ('#1f77b4', '6 3'))
    """
    dashes = _DASHES[index // len(_COLOURS) % len(_DASHES)]
    return _COLOURS[index % len(_COLOURS)], dashes


def line_svg(lines: Mapping[int, Sequence[float]], title: str) -> str:
    """Returns an SVG image of lines whose points are one epoch apart.

    Args:
        lines: finite values by the number of the line, which sets its style; at least
            one with a value.
        title: what is drawn, for readers of the screen.
    """
    values = [value for line in lines.values() for value in line]
    low, high = min(values), max(values)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    most = max(len(line) for line in lines.values())
    wide, tall = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def x(epoch: int) -> float:
        return _LEFT + wide * ((epoch - 1) / (most - 1) if most > 1 else 0.5)

    def y(value: float) -> float:
        return _TOP + tall * (high - value) / (high - low)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        f'aria-label="{escape(title)}">'
    ]
    for value in (low, (low + high) / 2, high):
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}" stroke="#ddd"/><text x="{_LEFT - 6}" '
            f'y="{y(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        )
    for epoch in sorted({1, most}):
        parts.append(
            f'<text x="{x(epoch):.1f}" y="{HEIGHT - 12}" text-anchor="middle">'
            f"{'epoch ' if epoch == 1 else ''}{epoch}</text>"
        )
    for index, line in lines.items():
        colour, dashes = style_of(index)
        points = [f"{x(n):.1f},{y(value):.1f}" for n, value in enumerate(line, 1)]
        parts.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" '
            f'stroke-width="2" stroke-dasharray="{dashes}"/>'
        )
        for point in points if len(points) <= 40 else ():
            across, down = point.split(",")
            parts.append(f'<circle cx="{across}" cy="{down}" r="2.5" fill="{colour}"/>')
    return "\n".join([*parts, "</svg>"])


def key_svg(index: int) -> str:
    """Returns a short piece of a line, for a legend."""
    colour, dashes = style_of(index)
    return (
        f'<svg width="34" height="10" aria-hidden="true"><line x1="0" x2="34" y1="5" '
        f'y2="5" stroke="{colour}" stroke-width="3" stroke-dasharray="{dashes}"/></svg>'
    )
