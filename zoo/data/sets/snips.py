"""SNIPS: commands to a voice assistant, Coucke et al. 2018."""

from __future__ import annotations

from pathlib import Path

from zoo.data.download import Source
from zoo.data.examples import Examples
from zoo.data.formats.tagged_rows import read_tagged_tsv
from zoo.data.parts import PARTS, Splits
from zoo.data.sets._labelled import TSV, examples_of, lines_of, read_parts, rename
from zoo.data.sets.registry import register_set
from zoo.data.tagged_splits import TaggedSplits

SOURCE = Source(
    "snips_intent",
    "https://raw.githubusercontent.com/MiuLab/SlotGated-SLU/"
    "61f0307c729b1fad479ef1de94aa5ac5dee601b0/data/snips/{}",
    {
        "train/seq.in": (
            "04ad1e3f2121d83c6478f9a4b17d2dbdc21d06d6127f73cb7af835ed733f9855"
        ),
        "train/label": (
            "bfd7df6cf9dd76c5da5d8b61bc85f90386197bdd3d7510c1d324c051537b962f"
        ),
        "valid/seq.in": (
            "64e0f6d8ad8aab3a3828164d7d53731a0993d3ca1aed437ceaca6d3d568d410e"
        ),
        "valid/label": (
            "9c1dd041216f647bcfca838aaf1a48eb5781e4404256d31ff07cd38a5436c52f"
        ),
        "test/seq.in": (
            "c1e341173fcea2951a8ca371956a6f81c76de87b9583c62eb87edd6158fa3a7c"
        ),
        "test/label": (
            "37a26da3ad079bb41c42c85a3a8f827eb47efec4c5917ce5d08f4b2736e4f830"
        ),
    },
)


@register_set(
    "snips_intent",
    "commands to a voice assistant, 7 intents",
    folder="snips",
    files=TSV.format("intent, text and slots"),
    content="labels of texts",
    public=True,
    rank=5,
)
def load_intents(folder: Path | None) -> Splits:
    """Texts with their intents."""
    if folder is not None:
        return read_parts(folder, "intent", None, ("label", "text", "slots"))
    return Splits(*map(_public_part, PARTS))


def _public_part(part: str) -> Examples:
    texts, labels = (SOURCE.fetch(f"{part}/{file}") for file in ("seq.in", "label"))
    pairs = zip(lines_of(labels, "utf-8"), lines_of(texts, "utf-8"), strict=True)
    rows = (
        (label.strip(), " ".join(text.split()), (str(texts), number))
        for number, (label, text) in enumerate(pairs, 1)
    )
    return rename(examples_of(rows), "intent")


@register_set(
    "snips",
    "snips_intent with slots, for taggers (ZOO_DATA only)",
    files=TSV.format("intent, words and slots"),
    content="tags of words",
    rank=5,
)
def load_snips(folder: Path) -> TaggedSplits:
    """Words with their slots, and the intent of each sentence."""
    parts = (
        read_tagged_tsv(
            folder / f"{part}.tsv",
            ["intent", "tokens", "slots"],
            tags=["slots"],
            labels=["intent"],
            schemes={"slots": "BIO"},
        )
        for part in PARTS
    )
    return Splits(*parts, schemes={"slots": "BIO"})
