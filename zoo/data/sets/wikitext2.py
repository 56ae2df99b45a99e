"""WikiText-2: Wikipedia articles for language models."""

from __future__ import annotations

from pathlib import Path

from zoo.data.parts import Splits
from zoo.data.sets._corpus import load_corpus
from zoo.data.sets.registry import register_set


@register_set(
    "wikitext2",
    "WikiText-2 for language models, 33,278 words (ZOO_DATA only)",
    files="wiki.train.tokens, wiki.valid.tokens and wiki.test.tokens",
    content="texts",
    rank=13,
)
def load_wikitext2(folder: Path) -> Splits:
    """Paragraphs and headings, one per line."""
    return load_corpus(folder, "wiki.{}.tokens")
