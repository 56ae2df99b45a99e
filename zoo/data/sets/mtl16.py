"""Sixteen domains of reviews, Liu, Qiu and Huang 2017."""

from __future__ import annotations

from pathlib import Path

from zoo.data.contents import read_bytes
from zoo.data.examples import join
from zoo.data.parts import PARTS, Splits
from zoo.data.sets._labelled import BINARY, read_labelled
from zoo.data.sets.registry import register_set
from zoo.text.characters import text_key

TASKS = (
    "apparel",
    "baby",
    "books",
    "camera_photo",
    "dvd",
    "electronics",
    "health_personal_care",
    "imdb",
    "kitchen_housewares",
    "magazines",
    "MR",
    "music",
    "software",
    "sports_outdoors",
    "toys_games",
    "video",
)


@register_set(
    "mtl16",
    "16 domains of reviews as 16 tasks, and unlabelled reviews (ZOO_DATA only)",
    files="<task>.train.tsv, .valid.tsv, .test.tsv (label and text) and "
    "<task>.unlabeled.txt.gz (text)",
    content="labels of texts",
    rank=9,
)
def load_mtl16(folder: Path) -> Splits:
    """Sixteen domains of reviews, each a task, and the unlabelled reviews."""
    parts = [
        join([read_labelled(folder / f"{t}.{part}.tsv", t, BINARY) for t in TASKS])
        for part in PARTS
    ]
    unlabeled = []
    for task in TASKS:
        path = folder / f"{task}.unlabeled.txt.gz"
        if path.is_file():
            text = read_bytes(path).decode("utf-8")
            unlabeled += [line for line in text.split("\n") if line.strip()]
    seen = {text_key(text) for text in parts[0].texts}
    repeats = sum(text_key(text) in seen for text in parts[2].texts)
    notes = [
        f"mtl16: {repeats} of {len(parts[2])} test texts also occur in a training "
        "part; the published split is kept unchanged."
    ]
    return Splits(*parts, unlabeled=unlabeled, notes=notes)
