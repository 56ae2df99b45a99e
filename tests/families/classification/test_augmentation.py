"""Variants of texts: words that are dropped, replaced by neighbours, or a run."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.families.classification import augmentation
from zoo.families.classification.augmentation import neighbours, variants
from zoo.weights import LINEAR, known_words, read_vectors


def test_neighbours_are_those_of_the_vectors():
    found = neighbours(["film", "Film", "zzyzzx"])
    assert list(found) == ["film"] and len(found["film"]) == 10
    words = known_words(LINEAR)[:20_000]
    vectors, _ = read_vectors(LINEAR, ["", "", "", "", *words])
    vectors = vectors[4:] / np.linalg.norm(vectors[4:], axis=1, keepdims=True)
    near = vectors @ vectors[words.index("film")]
    expected = [words[place] for place in np.argsort(-near)[1:11]]
    assert found["film"] == expected


def test_words_keep_their_marks_and_capitals(monkeypatch):
    monkeypatch.setattr(augmentation, "MASKED", 0.0)
    monkeypatch.setattr(augmentation, "REPLACED", 1.0)
    monkeypatch.setattr(augmentation, "SAMPLED", 0.0)
    [found, *_] = variants(['"Good, zzyzzx -- film!'], 5)
    first, second, third, last = found.split()
    assert first[0] == '"' and first[-1] == "," and first[1].isupper()
    assert first[1:-1].lower() in neighbours(["good"])["good"]
    assert (second, third) == ("zzyzzx", "--")
    assert last[:-1] in neighbours(["film"])["film"] and last[-1] == "!"


def test_shares_are_those_of_the_paper():
    words = "a good film about the long war and its end".split()
    assert all(neighbours(words)[word] for word in words)
    found = variants([" ".join(words * 40)], 200, seed=1)  # no two are the same
    runs = [text for text in found if len(text.split()) <= 5]
    assert len(runs) / 200 == pytest.approx(1 / 4, abs=0.1)
    said = [word for text in found if text not in runs for word in text.split()]
    left, own = len(said) / (len(found) - len(runs)) / 400, np.isin(said, words).mean()
    assert left == pytest.approx(0.9, abs=0.01)
    assert 1.0 - own == pytest.approx(1 / 9, abs=0.02)
