"""Files of streams: what of a data set is written, and by which kinds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.quality import language_streams
from zoo.data import Examples, Splits

pytestmark = pytest.mark.tensorflow


def part(count: int) -> Examples:
    texts, where = [], []
    for kind in ("fiction", "medical"):
        texts += [f"{kind} is good"] * count
        where += [(f"folder/{kind}.txt.xz", line) for line in range(1, count + 1)]
    return Examples(texts, {}, where)


def test_the_first_words_and_the_test_texts_of_each_kind(tmp_path, monkeypatch):
    splits = Splits(part(50), part(2), part(3), settings={"min_count": 1})
    monkeypatch.setattr("zoo.data.load_named", lambda name: splits)
    path = tmp_path / "toy.npz"
    arguments = ["write", "toy", str(path), "--words", "31", "--set", "vocab_size=30"]
    language_streams.main(arguments)
    with np.load(path) as file:
        about = json.loads(str(file["about"]))
        lengths = {name: len(file[name]) for name in file.files if name != "about"}
    # Three words and an end token a text, and one end token before all.
    assert lengths == {
        "train": 41,
        "valid": 17,
        "test": 25,
        "test/fiction": 13,
        "test/medical": 13,
    }
    assert about["settings"] == {"min_count": 1, "vocab_size": 30}
    assert about["vocab_size"] == 4 + 3  # those of ten texts of fiction
