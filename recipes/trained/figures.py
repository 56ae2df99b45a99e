"""Figures that the cards of some trained models have besides those of every run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.data import load_named
from zoo.data.sets.english import by_kind
from zoo.families.language.perplexity import perplexity, scorer
from zoo.families.language.stream import token_stream


def perplexity_by_kind(model, data: Mapping[str, Any]) -> list[str]:
    """Perplexity of each kind of text in the test part of `english`.

    Args:
        model: a language model.
        data: not used; the texts of a kind are those of one file.
    """
    score = scorer(model.model)
    found = []
    for kind, texts in by_kind(load_named("english").test).items():
        stream = token_stream(model.pipeline, filter(None, texts))
        found.append(f"{kind} {perplexity(score, stream):.1f} ({len(stream):,} tokens)")
    return [f"Perplexity on the test part, by kind: {'; '.join(sorted(found))}."]


def accuracy_of_raw_words(model, data: Mapping[str, Any]) -> list[str]:
    """Share of right words where the tagger splits the texts by itself.

    A word of the test part that it splits is right if all pieces have the word's tag.

    Args:
        model: a tagger with the one task `pos`.
        data: the arguments of `zoo.train` that are the data.
    """
    test = load_named(data["data"]).test
    answers = model.predict([" ".join(words) for words in test.tokens])
    right = whole = total = 0
    for words, tags, answer in zip(test.tokens, test.tags["pos"], answers, strict=True):
        ends = np.cumsum([len(word.encode("utf-8")) + 1 for word in words])
        pieces = defaultdict(list)
        for (start, _), tag in zip(answer["offsets"], answer["tags"]["pos"]):
            pieces[int(np.searchsorted(ends, start, side="right"))].append(tag)
        total += len(words)
        for place, tag in enumerate(tags):
            whole += len(pieces[place]) == 1
            right += set(pieces[place]) == {tag}
    return [
        f"Of texts that it splits into words by itself {100 * right / total:.1f} % of "
        f"the words have their tag; {100 * whole / total:.1f} % of them stay whole."
    ]
