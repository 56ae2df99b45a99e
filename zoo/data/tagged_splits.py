"""The parts of a tagged data set, from files or by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.examples import Examples
from zoo.data.formats.conll import read_conll
from zoo.data.formats.tagged_rows import read_tagged_tsv
from zoo.data.sentences import TaggedSentences
from zoo.data.splits import assemble

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class TaggedSplits:
    """The parts of a tagged data set.

    Args:
        train: what the model learns from.
        valid: what early stopping and choices look at.
        test: looked at once.
        schemes: by tagging task the scheme of its tags; none for tags without one.
        notes: how the parts came about, where that matters to a reader of results.
        reading: how the files were read, which a trained model remembers.
    """

    train: TaggedSentences
    valid: TaggedSentences
    test: TaggedSentences
    schemes: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reading: dict = field(default_factory=dict)


def assemble_tagged(
    train: TaggedSentences,
    valid: TaggedSentences | None = None,
    test: TaggedSentences | None = None,
    *,
    schemes: Mapping[str, str],
    seed: int = 0,
) -> TaggedSplits:
    """Parts from a training file and, where the user has them, further files.

    A part that is not given is split off `train`, 10 % each, by `zoo.data.assemble`;
    a sentence with a tag or label that would be missing in training stays there.

    Example:
        >>> words = [[word] for word in "abcdefghijklmnopqrst"]
        >>> data = TaggedSentences(words, {"pos": [["X"]] * 19 + [["Y"]]})
        >>> parts = assemble_tagged(data, schemes={})
        >>> len(parts.train), len(parts.valid), len(parts.test)
        (16, 2, 2)
    """
    given = {"train": train, "valid": valid, "test": test}
    tables = [
        data
        and Examples(
            data.texts,
            data.labels,
            [(name, row) for row in range(len(data))],
        )
        for name, data in given.items()
    ]
    splits = assemble(*tables, seed=seed)
    rows = {name: [row for _, row in getattr(splits, name).where] for name in given}
    known = {name for row in rows["train"] for name in _names(train, row)}
    for part in ("valid", "test"):
        if given[part] is not None:
            continue
        for row in rows[part]:
            if not known.issuperset(_names(train, row)):
                rows["train"].append(row)
                known.update(_names(train, row))
        kept = set(rows["train"])
        rows[part] = [row for row in rows[part] if row not in kept]
    parts = (
        (train if given[name] is None else given[name]).select(sorted(rows[name]))
        for name in given
    )
    return TaggedSplits(*parts, schemes=dict(schemes), notes=splits.notes)


def load_conll2003(folder: Path) -> TaggedSplits:
    """CoNLL-2003: token, part of speech, chunk and entity, one token a line."""
    parts = (
        read_conll(folder / f"{part}.tsv", {"ner": -1}, schemes={"ner": "BIO"})
        for part in PARTS
    )
    return TaggedSplits(*parts, schemes={"ner": "BIO"})


def load_snips(folder: Path) -> TaggedSplits:
    """SNIPS: intent, words and slots, one sentence a line."""
    parts = (
        read_tagged_tsv(
            folder / f"{part}.tsv", ["intent", "tokens", "slots"],
            tags=["slots"], labels=["intent"], schemes={"slots": "BIO"},
        )
        for part in PARTS
    )  # fmt: skip
    return TaggedSplits(*parts, schemes={"slots": "BIO"})


def _names(data: TaggedSentences, row: int) -> set:
    """All tags and labels of one sentence, with their tasks."""
    tags = {(task, tag) for task, rows in data.tags.items() for tag in rows[row]}
    return tags | {(task, rows[row]) for task, rows in data.labels.items()}
