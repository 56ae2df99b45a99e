"""The texts that a teacher labels: read, without copies and texts that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.data import Splits, read_table, text_key
from zoo.data.lines import read_lines
from zoo.data.memory import from_python
from zoo.families.classification.augmentation import variants
from zoo.families.encoding.reading import is_plain


def read_pool(data: Any, text: str, encoding: str | None) -> list[str]:
    """Reads unlabelled texts.

    Args:
        data: a `.txt` file with one text a line, a table, or rows in memory.
        text: column of the texts of a table.
        encoding: of a file.

    Raises:
        DataError: for data that cannot be read.
    """
    source = from_python(data, "unlabelled")
    if is_plain(source):
        return read_lines(source, encoding=encoding).texts
    return read_table(source, text=text, labels={}, encoding=encoding).texts


def pool_of(
    splits: Splits, unlabelled: Sequence[str], augment: int, seed: int
) -> tuple[list[str], str]:
    """Returns the texts to ask a teacher about beside the training texts.

    Those are the unlabelled ones and variants of the training texts, each once,
    without texts of the data's parts: a held-out text must not be learnt.

    Args:
        splits: the labelled data.
        unlabelled: further texts.
        augment: variants of each training text.
        seed: of the variants.

    Returns:
        The texts, and a sentence on what was left out.
    """
    more = variants(splits.train.texts, augment, seed) if augment else []
    keys = {n: set(map(text_key, part.texts)) for n, part in splits.parts.items()}
    seen, held = set().union(*keys.values()), keys["valid"] | keys["test"]
    kept, leaked = [], 0
    for text in (*unlabelled, *more):
        key = text_key(text)
        leaked += key in held
        if key not in seen and text.strip():
            seen.add(key)
            kept.append(text)
    gone = len(unlabelled) + len(more) - len(kept)
    return kept, (
        f"Texts to label: {len(kept):,}; left out {gone:,} copies, of which {leaked:,} "
        "are validation or test texts."
    )
