"""What the embedding of words starts from: the setting `weights`, and `--from`."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_models import embeddings_of

import zoo.weights
from zoo.cli import main
from zoo.data import Examples, Splits
from zoo.data.pairs import Pairs
from zoo.families import get_family
from zoo.families.building import build
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.language.settings import LanguageSettings
from zoo.families.pretrained import choose_start, coverage, fits, settled
from zoo.families.tagging.settings import TaggingSettings
from zoo.families.translation.settings import TranslationSettings
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
    message = (
        "auto, none, english, glove-en, or the name or folder of a trained model. "
        ".*'glove'"
    )
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


@pytest.mark.parametrize("settings", [LanguageSettings, TranslationSettings])
def test_sequences_start_from_vectors_only_if_asked(settings):
    assert settings().weights == "none"
    with pytest.raises(
        ValueError, match="`weights` must be auto, none, english(,| or) glove-en"
    ):
        settings(weights="glove")


SPACED = {"tokenizer": "whitespace", "shared_vocabulary": False}


@pytest.mark.parametrize(
    ("name", "options", "keywords", "need", "accepted", "received"),
    [
        (
            "lstm_lm",
            {"tokenizer": "wordpiece"},
            {},
            "tokens that are words",
            "tokenizer=unicode or tokenizer=whitespace",
            "tokenizer='wordpiece'",
        ),
        (
            "lstm_lm",
            {"tokenizer": "bytes"},
            {},
            "tokens that are words",
            "tokenizer=unicode or tokenizer=whitespace",
            "tokenizer='bytes'",
        ),
        (
            "lstm_lm",
            {},
            {"tied": True},
            "an embedding that does not share the weights of the softmax",
            "tied=false",
            "tied=True",
        ),
        (
            "seq2seq",
            {"shared_vocabulary": False},
            {},
            "tokens that are words",
            "tokenizer=whitespace",
            "tokenizer='wordpiece'",
        ),
        (
            "moe_seq2seq",
            {"tokenizer": "whitespace"},
            {},
            "a vocabulary of the source alone",
            "shared_vocabulary=false",
            "shared_vocabulary=True",
        ),
    ],
)
def test_sequences_that_cannot_start_from_vectors(
    name, options, keywords, need, accepted, received
):
    kind = LanguageSettings if name == "lstm_lm" else TranslationSettings
    with pytest.raises(ValueError, match="^`weights`") as error:
        settled(kind.of(name, weights="glove-en", **options), name, keywords)
    assert str(error.value) == (
        f"`weights` (--from) need {need}. Accepted: {accepted}, or weights=none. "
        f"Received: weights='glove-en' with {received}."
    )
    automatic = kind.of(name, weights="auto", **options)
    wide = {**keywords, "embedding_dim": 100}
    assert settled(automatic, name, wide).weights == "none"


def test_auto_keeps_the_width_of_sequences():
    language = LanguageSettings.of("lstm_lm", weights="auto")
    assert settled(language, "lstm_lm", {}).weights == "none", "it is 200 wide"
    assert settled(language, "lstm_lm", {"embedding_dim": 100}).weights == "auto"
    pairs = TranslationSettings.of("seq2seq", weights="auto", **SPACED)
    assert settled(pairs, "seq2seq", {}).weights == "none"
    assert settled(pairs, "seq2seq", {"embedding_dim": 100}).weights == "auto"
    asked = dataclasses.replace(language, weights="glove-en")
    assert settled(asked, "lstm_lm", {}).weights == "glove-en"


def vector_of(word):
    return zoo.weights.read_vectors("glove-en", [*SPECIALS, word])[0][-1]


def test_a_run_of_a_language_model(tmp_path):
    family = get_family("language")
    texts = ["the cat sat on the mat", "the dog sat on the qwxyz"] * 8
    part = Examples(texts, {})
    data = Splits(part, part.select([0, 1]), part.select([0, 1]))
    chosen = {"epochs": 1, "weights": "glove-en", "learning_rate": 1e-9}
    settings = family.settings_for("lstm_lm", data, chosen)
    prepared = family.prepare(data, settings)
    said = family.describe("lstm_lm", prepared)
    assert "\nWord vectors: glove-en, which covers 91.7% of the training words" in said
    plain = family.prepare(data, family.settings_for("lstm_lm", data, {"epochs": 1}))
    words = prepared.pipeline.vocabulary
    assert words == plain.pipeline.vocabulary, "so that perplexities can be compared"
    assert "Word vectors" not in family.describe("lstm_lm", plain)
    sizes = {"units": 4, "depth": 1}
    options = {"folder": tmp_path, "verbose": False}
    trained, _ = family.train("lstm_lm", prepared, settings, sizes, **options)
    assert trained.metadata["weights"] == "glove-en"
    [table] = embeddings_of(trained.model, len(words))
    cat = words.index("cat")
    np.testing.assert_allclose(table[cat], vector_of("cat"), atol=1e-4)
    assert table.shape[1] == 100
    with pytest.raises(ValueError, match="width of the vectors. Accepted: 100"):
        family.train("lstm_lm", prepared, settings, {"embedding_dim": 8}, **options)


@pytest.mark.slow
def test_a_run_of_a_translation_model(tmp_path):
    family = get_family("translation")
    pair = Pairs(["the cat sat", "the qwxyz ran"] * 8, ["eine katze", "ein hund"] * 8)
    data = Splits(pair, pair, pair)
    fixed = {"epochs": 1, "learning_rate": 1e-9, "vocab_size": 50, **SPACED}
    chosen = {**fixed, "weights": "glove-en"}
    settings = family.settings_for("seq2seq", data, chosen)
    prepared = family.prepare(data, settings)
    said = family.describe("seq2seq", prepared)
    assert "\nWord vectors: glove-en, which covers 83.3%" in said
    assert "targets" not in said
    words = prepared.pipeline.source.vocabulary
    assert len(words) == 50, "the words of the vectors fill up that of the source"
    assert len(prepared.pipeline.target.vocabulary) == 4 + 4
    sizes = {"units": 4, "encoder_depth": 1, "decoder_depth": 1, "tied": False}
    options = {"folder": tmp_path / "one", "verbose": False}
    trained, _ = family.train("seq2seq", prepared, settings, sizes, **options)
    assert trained.metadata["weights"] == "glove-en"
    [table] = embeddings_of(trained.model, 50)
    cat = words.index("cat")
    # The model multiplies its embedding by the root of its width.
    np.testing.assert_allclose(10 * table[cat], vector_of("cat"), atol=1e-4)
    target = trained.model.get_layer("target_embedding")
    assert abs(np.std(target.get_weights()[0]) - 0.1) < 0.02, "at random"
    # English targets start from the vectors too, if they are not tied.
    both = dataclasses.replace(data, train=Pairs(pair.sources, pair.sources))
    prepared = family.prepare(both, settings)
    assert "They suit the targets as well" in family.describe("seq2seq", prepared)
    options = {"folder": tmp_path / "two", "verbose": False}
    trained, _ = family.train("seq2seq", prepared, settings, sizes, **options)
    entries = prepared.pipeline.target.vocabulary
    [table] = trained.model.get_layer("target_embedding").get_weights()
    cat = entries.index("cat")
    np.testing.assert_allclose(10 * table[cat], vector_of("cat"), atol=1e-4)


def test_the_command_line(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "good,1\nbad,0\n" * 20)
    command = ["train", "text_cnn", "--data", str(path), "--out", str(tmp_path / "run")]
    assert main([*command, "--from", "glove-en", "--set", "vectors=a.txt"]) == 2
    assert "`weights` (--from) must be omitted" in capsys.readouterr().err
    assert main([*command, "--from", "glove"]) == 2
    said = capsys.readouterr().err
    assert "Accepted: auto, none, english, glove-en, the folder of a run" in said
    assert "Received: glove, which does not exist." in said
