"""Long movie reviews, Maas et al. 2011."""

from __future__ import annotations

from pathlib import Path

from zoo.data.parts import Splits
from zoo.data.sets._labelled import BINARY, read_labelled
from zoo.data.sets.registry import register_set
from zoo.data.splits import hold_out


@register_set(
    "imdb",
    "long movie reviews, 2 classes (ZOO_DATA only)",
    files="train.tsv.gz and test.tsv.gz (label and text, separated by a tab, no "
    "header)",
    content="labels of texts",
    rank=8,
)
def load_imdb(folder: Path, task: str = "sentiment") -> Splits:
    """Negative and positive reviews; a tenth of the training part is for validation."""
    train, test = (
        read_labelled(folder / f"{part}.tsv.gz", task, BINARY)
        for part in ("train", "test")
    )
    train, valid = hold_out(train, 0.1)
    notes = ["imdb: validation = 10 % of the official training part, seed 0."]
    return Splits(train, valid, test, notes=notes)
