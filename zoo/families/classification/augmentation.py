"""Variants of labelled texts for a teacher to label, where other texts are few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Of Tang et al. 2019, section 3.2.
MASKED, SAMPLED, LONGEST = 0.1, 0.25, 5


def variants(texts: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """Returns variants of texts, each once, without the texts themselves.

    A variant lacks each word of its text with probability 0.1; with probability 0.25
    it is then a run of 1 to 5 of the words that are left.

    Args:
        texts: the texts.
        count: variants of each, of which copies are left out.
        seed: of the choice.

    Example:
        >>> texts = ["it was a very long film after all"]
        >>> found = variants(texts, 20)
        >>> all(set(text.split()) <= set(texts[0].split()) for text in found)
        True

    Source: Tang et al. 2019, Distilling Task-Specific Knowledge from BERT, section 3.2,
    whose masked words are a token of BERT's, which other teachers lack.
    """
    generator, given = np.random.default_rng(seed), set(texts)
    found: dict[str, None] = {}
    for _ in range(count):
        for text in texts:
            words = text.split()
            words = [word for word in words if generator.random() >= MASKED]
            if words and generator.random() < SAMPLED:
                size = int(generator.integers(1, min(LONGEST, len(words)) + 1))
                start = int(generator.integers(0, len(words) - size + 1))
                words = words[start : start + size]
            variant = " ".join(words)
            if variant and variant not in given:
                found[variant] = None
    return list(found)
