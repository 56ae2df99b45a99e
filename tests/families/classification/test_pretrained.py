"""Models that start from a file of word vectors, as settings name it."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import SIZES, embeddings_of

import zoo
from zoo.families.building import build
from zoo.tasks import Task

WORDS = ["[PAD]", "[UNK]", "[BEGIN]", "[END]", "good", "bad", "rare"]
LABELS = {"one": ["no", "yes"], "two": ["a", "b"]}
TAGS = {"pos": Task("tags", ("X", "Y"))}


def names():
    for name in zoo.list_models():
        if "embedding_dim" in zoo.describe(name).keywords:
            others = ("encoding", "language", "translation")  # other settings
            if zoo.describe(name).family not in others:
                yield name


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("bad 1 2 3 4\ngood 4 5 6 7\nother 7 8 9 0\n")
    return str(path)


@pytest.mark.parametrize("name", list(names()))
def test_every_embedding_of_words_starts_from_the_file(name, file):
    tasks = TAGS if zoo.describe(name).task == "tagging" else LABELS
    known = set(zoo.describe(name).keywords) - {"embedding_dim"}
    keywords = {k: v for k, v in SIZES.items() if k in known}
    model = build(name, WORDS, tasks, keywords, vectors=file, seed=3)
    for table in embeddings_of(model, len(WORDS)):
        np.testing.assert_array_equal(table[4:6], [[4, 5, 6, 7], [1, 2, 3, 4]])
        assert not table[0].any() and table[6].any()


def test_a_width_that_is_not_that_of_the_file(file):
    with pytest.raises(ValueError, match="Accepted: 4, or no value.*embedding_dim=5"):
        build("bilstm", WORDS, LABELS, {"embedding_dim": 5}, vectors=file)


def test_a_variant_that_was_asked_for(file):
    model = build("text_cnn", WORDS, LABELS, {"variant": "static"}, vectors=file)
    assert not model.get_layer("embedding").trainable
