"""What the embedding of words starts from: the setting `weights`, and `--from`."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_models import embeddings_of

import zoo.weights
from zoo.cli import main
from zoo.data import Examples, Splits
from zoo.families import get_family
from zoo.families.building import build
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.pretrained import choose_start, coverage, fits, settled
from zoo.families.tagging.settings import TaggingSettings
from zoo.text import TextPipeline

ENGLISH = {b"the": 9, b"movie": 4, b"was": 4, b"qwxyz": 1, b"!": 30, b"12": 7}
TURKISH = {b"ve": 5, b"bir": 4, b"gidiyorum": 3, b"evde": 2, b"okul": 2, b"the": 1}
SPECIALS = ["[PAD]", "[UNK]", "[BEGIN]", "[END]"]


def auto(counts, **options):
    return choose_start("auto", counts, **{"tokenizer": "unicode", **options})


def test_auto_looks_at_occurrences_and_at_words():
    start = auto(ENGLISH)
    assert start.name == "glove-en" and "movie" in start.always
    assert start.tokens == 17 / 18 and start.words == 1.0
    assert "glove-en, which covers 94.4% of the training words" in str(start)
    assert "`--from none`" in str(start)
    start = auto(TURKISH)
    assert start.name == "none" and not start.always
    assert "none; glove-en covers" in str(start) and "`--from glove-en`" in str(start)
    few = {b"the": 90, b"evde": 2, b"okulda": 2, b"gidiyorum": 2}
    assert coverage(few, zoo.weights.known_words("glove-en")) == (90 / 96, 0.25)
    assert auto(few).name == "none"
    assert auto({}).name == auto({b"!": 3}).name == "none"


def test_what_goes_before_auto():
    assert auto(ENGLISH, vectors="glove.txt").name == "none"
    assert auto(ENGLISH, tokenizer="wordpiece").name == "none"
    assert auto({}, tokenizer="bytes").name == "none"
    assert choose_start("none", ENGLISH, tokenizer="unicode").name == "none"
    assert choose_start("glove-en", TURKISH, tokenizer="unicode").name == "glove-en"
    with pytest.raises(ValueError, match="unicode, whitespace. Received.*'bytes'"):
        choose_start("glove-en", {}, tokenizer="bytes")


@pytest.mark.parametrize(
    ("name", "keywords", "accepted"),
    [
        ("bilstm", {}, True),
        ("bilstm", {"embedding_dim": 100}, True),
        ("bilstm", {"embedding_dim": 64}, False),
        ("glstm", {"groups": 8}, False),
        ("glstm", {"groups": 4}, True),
        ("text_cnn", {}, True),
        ("text_cnn", {"variant": "rand"}, False),
        ("bilstm_crf", {"units": 7}, True),
    ],
)
def test_models_whose_width_fits(name, keywords, accepted):
    assert fits(name, keywords) == accepted
    settings = (
        ClassificationSettings.of(name)
        if name != "bilstm_crf"
        else TaggingSettings.of(name)
    )
    chosen = settled(settings, name, keywords).weights
    assert chosen == ("auto" if accepted else "none")
    asked = dataclasses.replace(settings, weights="glove-en")
    assert settled(asked, name, keywords).weights == "glove-en"


@pytest.mark.parametrize("settings", [ClassificationSettings, TaggingSettings])
def test_values_of_the_setting(settings):
    assert settings().weights == "auto"
    message = "`weights` must be auto, none or glove-en. Received: weights='glove'"
    with pytest.raises(ValueError, match=message):
        settings(weights="glove")
    with pytest.raises(ValueError, match="--from.*one of the two.*glove-en.*a.txt"):
        settings(weights="glove-en", vectors="a.txt")


@pytest.mark.parametrize("name", ["text_cnn", "bilstm", "bilstm_mt", "mt_uniform"])
def test_every_embedding_starts_from_the_vectors(name):
    words = [*SPECIALS, "good", "qwxyz"]
    sizes = {} if name == "text_cnn" else {"units": 4}
    tasks = {"one": ["no", "yes"], "two": ["a", "b"]}
    model = build(name, words, tasks, sizes, weights="glove-en", seed=2)
    expected, _ = zoo.weights.read_vectors("glove-en", words, seed=2)
    for table in embeddings_of(model, len(words)):
        np.testing.assert_array_equal(table, expected)


def test_another_width_that_was_asked_for():
    with pytest.raises(ValueError, match="width of the vectors. Accepted: 100"):
        build("bilstm", SPECIALS, 2, {"embedding_dim": 8}, weights="glove-en")


def test_words_that_a_vocabulary_keeps_however_rare():
    texts = ["the film", "the zzzz", "the movie"]
    counts = TextPipeline.count(texts)
    options = {"vocab_size": 6, "always": {"film", "movie", "other"}}
    assert TextPipeline.of_counts(counts, **options).vocabulary[4:] == ["the", "film"]
    plain = TextPipeline.of_counts(counts, min_count=1)
    assert plain.vocabulary == TextPipeline.learn(texts, min_count=1).vocabulary
    assert TextPipeline.count(texts, tokenizer="bytes") == {}


def splits():
    texts = ["the movie was good", "the film was awful", "a dull qwxyz movie"] * 4
    texts += ["the plot was brilliant", "the was good"]
    labels = {"label": (["pos", "neg", "neg"] * 4) + ["pos", "pos"]}
    kinds = {"label": "categories"}
    part = Examples(texts, labels, kinds=kinds)
    return Splits(part, part.select([0, 1]), part.select([0, 1]))


@pytest.mark.slow
def test_a_run_of_english_texts(tmp_path):
    family = get_family("classification")
    data = splits()
    settings = family.settings_for("text_cnn", data, {"epochs": 1})
    prepared = family.prepare(data, settings)
    assert prepared.start.name == "glove-en"
    assert "brilliant" in prepared.pipeline.vocabulary  # once, and it has a vector
    assert "\nWord vectors: glove-en" in family.describe("text_cnn", prepared)
    options = {"folder": tmp_path, "verbose": False}
    trained, _ = family.train("text_cnn", prepared, settings, {"maps": 2}, **options)
    assert trained.metadata["weights"] == "glove-en"
    assert trained.model.get_layer("embedding").output_dim == 100
    # Arguments that reach the training alone have the last word.
    small = {"maps": 2, "embedding_dim": 4}
    trained, _ = family.train("text_cnn", prepared, settings, small, **options)
    assert "weights" not in trained.metadata
    settings = family.settings_for("text_cnn", data, {"epochs": 1}, small)
    prepared = family.prepare(data, settings)
    assert settings.weights == "none"
    assert "brilliant" not in prepared.pipeline.vocabulary
    assert "Word vectors" not in family.describe("text_cnn", prepared)


def test_the_command_line(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "good,1\nbad,0\n" * 20)
    command = ["train", "text_cnn", "--data", str(path), "--out", str(tmp_path / "run")]
    assert main([*command, "--from", "glove-en", "--set", "vectors=a.txt"]) == 2
    assert "`weights` (--from) must be omitted" in capsys.readouterr().err
    assert main([*command, "--from", "glove"]) == 2
    assert (
        "auto, none or glove-en. Received: weights='glove'" in capsys.readouterr().err
    )
