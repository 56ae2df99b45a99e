"""The parts of a tagged data set, from files or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    A part that is not given is split off `train`, 10 % each, by `zoo.data.assemble`,
    which shares out the sentences of each tag and label.

    Example:
        >>> words = [[word] for word in "abcdefghijklmnopqrst"]
        >>> data = TaggedSentences(words, {"pos": [["X"]] * 19 + [["Y"]]})
        >>> parts = assemble_tagged(data, schemes={})
        >>> len(parts.train), len(parts.valid), len(parts.test)
        (16, 2, 2)
    """
    given = {"train": train, "valid": valid, "test": test}
    tables = {
        name: as_examples(data, [(name, row) for row in range(len(data))])
        for name, data in given.items()
        if data is not None
    }
    valid_rows, test_rows = tables.get("valid"), tables.get("test")
    splits = assemble(tables["train"], valid_rows, test_rows, seed=seed)
    parts = []
    for name, data in given.items():
        rows = (row for _, row in getattr(splits, name).where)
        parts.append((train if data is None else data).select(rows))
    return TaggedSplits(parts[0], parts[1], parts[2], dict(schemes), splits.notes)


def as_examples(
    data: TaggedSentences, where: Sequence[tuple[str, int]] | None = None
) -> Examples:
    """The sentences as texts, and the set of tags of each task as its labels.

    Args:
        data: the sentences.
        where: places of the rows; those of the sentences by default.

    Example:
        >>> data = TaggedSentences([["in", "Rome"]], {"ner": [["O", "LOC"]]})
        >>> as_examples(data).labels
        {'ner': [('LOC', 'O')]}
    """
    labels = {
        task: [tuple(sorted(set(tags))) for tags in rows]
        for task, rows in data.tags.items()
    }
    kinds = dict.fromkeys(labels, "multilabel")
    kinds |= dict.fromkeys(data.labels, "categories")
    places = list(data.where if where is None else where)
    return Examples(data.texts, labels | data.labels, places, kinds)


def load_conll2003(folder: Path) -> TaggedSplits:
    """CoNLL-2003: token, part of speech, chunk and entity, one token a line."""
    train, valid, test = (
        read_conll(folder / f"{part}.tsv", {"ner": -1}, schemes={"ner": "BIO"})
        for part in PARTS
    )
    return TaggedSplits(train, valid, test, schemes={"ner": "BIO"})


def load_snips(folder: Path) -> TaggedSplits:
    """SNIPS: intent, words and slots, one sentence a line."""
    train, valid, test = (
        read_tagged_tsv(
            folder / f"{part}.tsv",
            ["intent", "tokens", "slots"],
            tags=["slots"],
            labels=["intent"],
            schemes={"slots": "BIO"},
        )
        for part in PARTS
    )
    return TaggedSplits(train, valid, test, schemes={"slots": "BIO"})
