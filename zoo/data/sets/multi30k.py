"""Multi30k: image captions, Elliott et al. 2016."""

from __future__ import annotations

from pathlib import Path

from zoo.data.pairs import PairSplits, read_pairs
from zoo.data.parts import Splits
from zoo.data.sets.registry import register_set


@register_set(
    "multi30k",
    "image captions, English to German, for translation (ZOO_DATA only)",
    files="train, val and test_2016_flickr, each as .lc.norm.tok.en and "
    ".lc.norm.tok.de",
    content="pairs of texts",
    rank=15,
)
def load_multi30k(folder: Path) -> PairSplits:
    """English to German, tokenised and lower-cased; test 2016 Flickr."""
    parts = [
        read_pairs(*(folder / f"{part}.lc.norm.tok.{side}" for side in ("en", "de")))
        for part in ("train", "val", "test_2016_flickr")
    ]
    return Splits(*parts, tokenized=True)
