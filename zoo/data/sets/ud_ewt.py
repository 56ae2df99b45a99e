"""English Web Treebank of Universal Dependencies: parts of speech of web texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from zoo.data.formats.conllu import read_conllu
from zoo.data.parts import Splits
from zoo.data.sentences import TaggedSentences
from zoo.data.sets.registry import register_set
from zoo.data.tagged_splits import TaggedSplits

FILES = tuple(f"en_ewt-ud-{part}.conllu" for part in ("train", "dev", "test"))
LEAST = 10  # training words of a tag that is joined of several


@register_set(
    "ud_ewt",
    "English sentences with parts of speech, for taggers (ZOO_DATA only)",
    files="en_ewt-ud-train.conllu, -dev.conllu and -test.conllu (UD 2.16)",
    content="tags of words",
    rank=7,
)
def load_ud_ewt(folder: Path) -> TaggedSplits:
    """Weblogs, newsgroups, e-mails, reviews and answers; the task `pos`.

    Words are those of the texts: `don't` is one, with the tag `AUX+PART`. A joined tag
    of fewer than ten training words is the tag of the first part instead.

    Source: Silveira et al. 2014, A Gold Standard Dependency Corpus for English; UD
    English-EWT, CC BY-SA 4.0.
    """
    train, *others = (
        read_conllu(folder / file, {"pos": "UPOS"}, multiword="join") for file in FILES
    )
    counts = Counter(tag for row in train.tags["pos"] for tag in row)
    known = {tag for tag, count in counts.items() if count >= LEAST}
    return Splits(*(_with_known(part, known) for part in (train, *others)), schemes={})


def _with_known(part: TaggedSentences, known: set[str]) -> TaggedSentences:
    rows = [
        [tag if tag in known else tag.partition("+")[0] for tag in row]
        for row in part.tags["pos"]
    ]
    return replace(part, tags={"pos": rows})
