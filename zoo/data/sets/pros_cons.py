"""Phrases from the pros and cons of product reviews, Ganapathibhotla and Liu 2008."""

from __future__ import annotations

from pathlib import Path

from zoo.data.parts import Splits
from zoo.data.sets._labelled import LABEL_AND_TEXT, read_parts
from zoo.data.sets.registry import register_set


@register_set(
    "pros_cons",
    "phrases of product reviews, pro or con (ZOO_DATA only)",
    files=LABEL_AND_TEXT,
    content="labels of texts",
    rank=12,
)
def load_pros_cons(folder: Path) -> Splits:
    """Phrases that say what is good or bad about a product."""
    return read_parts(folder, "opinion", {"0": "con", "1": "pro"})
