"""Reviews of a Chinese food-delivery service."""

from __future__ import annotations

from pathlib import Path

from zoo.data.parts import Splits
from zoo.data.sets._labelled import BINARY, LABEL_AND_TEXT, read_parts
from zoo.data.sets.registry import register_set


@register_set(
    "waimai_zh",
    "Chinese food-delivery reviews, 2 classes (ZOO_DATA only)",
    files=LABEL_AND_TEXT,
    content="labels of texts",
    rank=11,
)
def load_waimai(folder: Path) -> Splits:
    """Negative and positive reviews."""
    return read_parts(folder, "sentiment", BINARY)
