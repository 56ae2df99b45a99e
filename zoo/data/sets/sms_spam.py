"""Text messages, Almeida et al. 2011."""

from __future__ import annotations

from pathlib import Path

from zoo.data.parts import Splits
from zoo.data.sets._labelled import LABEL_AND_TEXT, read_parts
from zoo.data.sets.registry import register_set


@register_set(
    "sms_spam",
    "text messages, 13 % of them spam (ZOO_DATA only)",
    files=LABEL_AND_TEXT,
    content="labels of texts",
    rank=13,
)
def load_sms_spam(folder: Path) -> Splits:
    """Messages labelled ham or spam."""
    return read_parts(folder, "kind")
