"""The Penn Treebank as Mikolov prepared it for language models."""

from __future__ import annotations

from pathlib import Path

from zoo.data.parts import Splits
from zoo.data.sets._corpus import load_corpus
from zoo.data.sets.registry import register_set


@register_set(
    "ptb",
    "Penn Treebank for language models, 10,000 words (ZOO_DATA only)",
    files="ptb.train.txt, ptb.valid.txt and ptb.test.txt (tokens, a sentence per line)",
    content="texts",
    rank=12,
)
def load_ptb(folder: Path) -> Splits:
    """Sentences, one per line."""
    return load_corpus(folder, "ptb.{}.txt")
