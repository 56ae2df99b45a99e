"""Corpora for language models: one text per line, already tokenized."""

from __future__ import annotations

from pathlib import Path

from zoo.data.examples import Examples
from zoo.data.parts import PARTS, Splits


def load_corpus(folder: Path, pattern: str) -> Splits:
    """Reads the three files of the pattern; blank lines are texts too."""
    parts = []
    for name in PARTS:
        path = folder / pattern.format(name)
        lines = path.read_text("utf-8").removesuffix("\n").split("\n")
        where = [(str(path), number) for number in range(1, len(lines) + 1)]
        parts.append(Examples(lines, {}, where))
    settings = {"tokenizer": "whitespace", "lowercase": False, "min_count": 1}
    return Splits(*parts, settings={**settings, "vocab_size": 100_000})
