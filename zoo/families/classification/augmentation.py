"""Variants of labelled texts for a teacher to label, where other texts are few."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from zoo.text.vocabulary import SPECIALS
from zoo.weights import LINEAR, known_words, read_vectors

# Of Tang et al. 2019, section 3.2.
MASKED, REPLACED, SAMPLED, LONGEST = 0.1, 0.1, 0.25, 5
# Words that may replace others: the most frequent ones, of which each has so many.
CANDIDATES, NEAREST = 20_000, 10
_CHUNK = 512
_MARKED = re.compile(r"(\W*)(\w(?:.*\w)?)(\W*)", re.DOTALL)


def variants(texts: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """Returns variants of texts, each once, without the texts themselves.

    A variant lacks each word of its text with probability 0.1, and has a neighbour in
    its place with probability 0.1; with probability 0.25 it is then a run of 1 to 5 of
    the words.

    Args:
        texts: the texts.
        count: variants of each, of which copies are left out.
        seed: of the choice.

    Example:
        >>> found = variants(["it was a very long film after all"], 20)
        >>> max(len(text.split()) for text in found)
        8

    Source: Tang et al. 2019, Distilling Task-Specific Knowledge from BERT, section 3.2,
    whose masked words are a token of BERT's, which other teachers lack, and whose words
    are replaced by others of the same part of speech.
    """
    generator, given = np.random.default_rng(seed), set(texts)
    others = neighbours({_parts(word)[1] for text in texts for word in text.split()})
    found: dict[str, None] = {}
    for _ in range(count):
        for text in texts:
            words = []
            for word in text.split():
                chance = generator.random()
                if chance < MASKED:
                    continue
                if chance < MASKED + REPLACED:
                    word = _replaced(word, others, generator)
                words.append(word)
            if words and generator.random() < SAMPLED:
                size = int(generator.integers(1, min(LONGEST, len(words)) + 1))
                start = int(generator.integers(0, len(words) - size + 1))
                words = words[start : start + size]
            variant = " ".join(words)
            if variant and variant not in given:
                found[variant] = None
    return list(found)


def neighbours(words: Collection[str]) -> dict[str, list[str]]:
    """Returns the words of the nearest vectors, by cosine, in the shipped `english`.

    Args:
        words: in lower case; those without a vector are left out.

    Returns:
        For each word ten others of the 20,000 most frequent ones, the nearest first.

    Example:
        >>> "movie" in neighbours(["film"])["film"]
        True
    """
    known = known_words(LINEAR)
    wanted = sorted(set(words).intersection(known))
    vectors = _directions(wanted)
    table = _directions(known[:CANDIDATES])
    found = {}
    for start in range(0, len(wanted), _CHUNK):
        near = vectors[start : start + _CHUNK] @ table.T
        best = np.argpartition(-near, NEAREST, axis=1)[:, : NEAREST + 1]
        for row, places in enumerate(best):
            order = places[np.argsort(-near[row, places], kind="stable")]
            word = wanted[start + row]
            others = [known[place] for place in order if known[place] != word]
            found[word] = others[:NEAREST]
    return found


def _directions(words: Sequence[str]) -> np.ndarray:
    """Float32 `[words, width]` of length 1."""
    vectors, _ = read_vectors(LINEAR, [*SPECIALS, *words])
    vectors = vectors[len(SPECIALS) :]
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _parts(word: str) -> tuple[str, str, str]:
    """Returns the marks before a word, the word in lower case, the marks after it."""
    match = _MARKED.fullmatch(word)
    return (match[1], match[2].lower(), match[3]) if match else (word, "", "")


def _replaced(
    word: str, others: Mapping[str, Sequence[str]], generator: np.random.Generator
) -> str:
    """Returns a neighbour between the same marks; the word itself if it has none."""
    before, plain, after = _parts(word)
    if plain not in others:
        return word
    choice = others[plain][int(generator.integers(len(others[plain])))]
    capital = word[len(before)].isupper()
    return f"{before}{choice.capitalize() if capital else choice}{after}"
