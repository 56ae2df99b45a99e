"""The parts of a tagged data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.data.examples import Examples
from zoo.data.parts import Splits
from zoo.data.sentences import TaggedSentences
from zoo.data.splits import assemble

TaggedSplits = Splits[TaggedSentences]


def assemble_tagged(
    train: TaggedSentences,
    valid: TaggedSentences | None = None,
    test: TaggedSentences | None = None,
    *,
    schemes: Mapping[str, str],
    seed: int = 0,
) -> TaggedSplits:
    """Returns the parts from a training file and any further files that are given.

    A part that is not given is split off `train`, 10 % each, by `zoo.data.assemble`,
    which distributes the sentences of each tag and label.

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
        rows = (row for _, row in splits.parts[name].where)
        parts.append((train if data is None else data).select(rows))
    return Splits(*parts, schemes=dict(schemes), notes=splits.notes)


def as_examples(
    data: TaggedSentences, where: Sequence[tuple[str, int]] | None = None
) -> Examples:
    """Returns the sentences as texts labelled with the set of tags of each task.

    Args:
        data: the sentences.
        where: places of the rows; by default those of the sentences.

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
