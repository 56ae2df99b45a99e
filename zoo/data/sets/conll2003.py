"""CoNLL-2003: named entities in news, Tjong Kim Sang and De Meulder 2003."""

from __future__ import annotations

from pathlib import Path

from zoo.data.formats.conll import read_conll
from zoo.data.parts import PARTS, Splits
from zoo.data.sets.registry import register_set
from zoo.data.tagged_splits import TaggedSplits


@register_set(
    "conll2003",
    "named entities in news, for taggers (ZOO_DATA only)",
    files="train.tsv, valid.tsv and test.tsv (CoNLL columns, the entity's tag last)",
    content="tags of words",
    rank=7,
)
def load_conll2003(folder: Path) -> TaggedSplits:
    """Reads the entities; a line has token, part of speech, chunk and entity."""
    parts = (
        read_conll(folder / f"{part}.tsv", {"ner": -1}, schemes={"ner": "BIO"})
        for part in PARTS
    )
    return Splits(*parts, schemes={"ner": "BIO"})
