"""The parts of a tagged data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from zoo.data.examples import Examples
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
    tables = [
        data and as_examples(data, [(name, row) for row in range(len(data))])
        for name, data in given.items()
    ]
    splits = assemble(*tables, seed=seed)
    parts = []
    for name, data in given.items():
        rows = (row for _, row in getattr(splits, name).where)
        parts.append((train if data is None else data).select(rows))
    return TaggedSplits(*parts, schemes=dict(schemes), notes=splits.notes)


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
