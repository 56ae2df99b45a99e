"""The texts that a teacher labels: read, without copies and texts that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.data import Splits, read_table, text_key
from zoo.data.lines import read_lines
from zoo.data.memory import from_python
from zoo.families.classification.augmentation import variants
from zoo.families.text_files import is_plain


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


def read_sentences(
    data: Any, text: str, encoding: str | None, tokenizer: str
) -> list[list[str]]:
    """Reads unlabelled sentences: lists of words, or texts as `read_pool` reads them.

    Args:
        data: lists of words in memory, or texts.
        text: column of the texts of a table.
        encoding: of a file.
        tokenizer: of the texts, a setting of a tagger.

    Example:
        >>> read_sentences([["to", "Rome"]], "text", None, "unicode")
        [['to', 'Rome']]
    """
    if isinstance(data, (list, tuple)) and all(map(_is_words, data)):
        return [list(words) for words in data]
    from zoo.families.tagging.words import split_in_place
    from zoo.text import as_bytes
    from zoo.text.imports import tf

    texts = [as_bytes(one) for one in read_pool(data, text, encoding)]
    ragged, _, _ = split_in_place(tf.constant(texts, tf.string), tokenizer)
    rows = ragged.to_list()
    return [[word.decode("utf-8", "replace") for word in words] for words in rows]


def _is_words(row: Any) -> bool:
    return isinstance(row, (list, tuple)) and all(isinstance(one, str) for one in row)


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
