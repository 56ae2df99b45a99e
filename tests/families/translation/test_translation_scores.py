"""BLEU as sacrebleu counts it, and the baselines."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu

from zoo.data.pairs import Pairs
from zoo.families.translation.metrics import bleu, copies, translation_memory

FOUND = ["the cat sat on the mat .", "A dog, I think"]
TRUE = ["the cat lay on the mat .", "a dog , I think"]


def test_bleu_is_that_of_sacrebleu():
    for tokenized, name in ((True, "none"), (False, "13a")):
        expected = sacrebleu.corpus_bleu(FOUND, [TRUE], tokenize=name, force=True)
        found = bleu(FOUND, TRUE, tokenized=tokenized)
        assert found.score == pytest.approx(expected.score, abs=1e-4)
        assert f"tok:{name}|" in found.signature and "case:mixed" in found.signature
    lower = bleu(["A b c d"], ["a B C D"], lowercase=True, tokenized=True)
    assert lower.score == pytest.approx(100.0) and "case:lc" in lower.signature


def test_bleu_from_its_definition():
    """Precisions of 1 to 4-grams 5/6, 3/5, 2/4, 1/3 and no brevity penalty."""
    found = bleu(["the cat sat on the mat"], ["the cat lay on the mat"], tokenized=True)
    # 4-grams: none of 3 match; sacrebleu counts half of one (exponential smoothing).
    mean = np.log([5 / 6, 3 / 5, 1 / 4, 0.5 / 3]).mean()
    assert found.score == pytest.approx(100 * np.exp(mean), abs=1e-3)


def test_baselines():
    train = Pairs(["a red cat", "Two dogs!", "trees"], ["1", "2", "3"])
    asked = ["the cat", "dogs?", "nothing known"]
    assert translation_memory(train, asked)[:2] == ["1", "2"]
    assert translation_memory(train, asked)[2] in train.targets
    assert translation_memory(Pairs([" "], ["x"]), ["y"]) == ["x"]
    assert copies(asked) == asked
