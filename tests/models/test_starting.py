"""`zoo.get` with `weights`: models whose embedding starts from shipped vectors."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import embeddings_of

import zoo

WORDS = ["[PAD]", "[UNK]", "[BEGIN]", "[END]", "good", "qwxyz"]
GLOVE = {"weights": "glove-en"}


def vectors(words=WORDS):
    return zoo.weights.read_vectors("glove-en", words)[0]


@pytest.mark.tensorflow
def test_without_a_vocabulary_it_is_that_of_the_vectors():
    words = zoo.weights.vocabulary("glove-en")
    model = zoo.get("bilstm", weights="glove-en", units=4)
    [table] = embeddings_of(model, 40_004)
    np.testing.assert_array_equal(table, vectors(words))
    pipeline = zoo.TextPipeline(words)
    [[good, film, unknown]] = pipeline(["Good film, qwxyzq"]).numpy()[:, [0, 1, 3]]
    assert (words[good], words[film], unknown) == ("good", "film", 1)
    np.testing.assert_array_equal(table[good], vectors()[4])
    assert model(pipeline(["a good film"]))["label"].shape == (1, 2)


@pytest.mark.parametrize(
    ("name", "sizes", "options"),
    [
        ("bilstm", [["no", "yes"]], {"units": 4}),
        ("text_cnn", [["no", "yes"]], {"maps": 2}),
        ("mt_uniform", [{"one": 2, "two": 3}], {"units": 4}),
        ("bilstm_tagger", [{"pos": zoo.Task("tags", ["A", "B"])}], {"units": 4}),
        ("lstm_lm", [], {"units": 4, "depth": 1}),
    ],
)
def test_words_of_ones_own_start_from_their_vectors(name, sizes, options):
    model = zoo.get(name, WORDS, *sizes, **GLOVE, **options)
    for table in embeddings_of(model, len(WORDS)):
        np.testing.assert_array_equal(table, vectors())
    keyword = dict(zip(["tasks"], sizes))
    model = zoo.get(name, vocab_size=WORDS, **keyword, **GLOVE, **options)
    assert embeddings_of(model, len(WORDS))


def test_the_source_of_a_translation_model():
    sizes = {"units": 4, "encoder_depth": 1, "decoder_depth": 1}
    model = zoo.get("seq2seq", WORDS, 9, **GLOVE, **sizes)
    [table] = embeddings_of(model, len(WORDS))
    # The model multiplies its embedding by the root of its width.
    np.testing.assert_allclose(10 * table, vectors(), atol=1e-6)
    assert model.output.shape[-1] == 9


def test_a_vocabulary_without_vectors_is_its_size():
    model = zoo.get("bilstm", WORDS, 3, embedding_dim=4, units=4)
    assert model.get_layer("embedding").input_dim == len(WORDS)
    assert model.output["label"].shape == (None, 3)


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        (
            ("bilstm", 20_000),
            GLOVE,
            "`weights` needs the words.*Accepted: a list of words by id.*nothing for "
            r"`zoo.weights.vocabulary\('glove-en'\)`. Received: vocab_size=20000",
        ),
        (
            ("bilstm",),
            {"weights": "auto"},
            "must name word vectors.*Accepted: english, glove-en or none.*Received: "
            "weights='auto'",
        ),
        (("bilstm", ["good", "bad"]), GLOVE, "`vocabulary` must begin with"),
        (
            ("bilstm", WORDS),
            {**GLOVE, "embedding_dim": 8},
            "width of the vectors. Accepted: 100",
        ),
        (("linear", WORDS), GLOVE, "a model with a word embedding. Accepted"),
        (
            ("lstm_lm", WORDS),
            {**GLOVE, "tied": True, "units": 100},
            "not part of the softmax. Accepted: tied=False",
        ),
        (
            ("seq2seq", WORDS),
            {**GLOVE, "units": 4},
            "not part of the softmax.*`target_vocab_size`",
        ),
        (("bilstn", WORDS), GLOVE, "did you mean 'bilstm'"),
        (("bilstm", WORDS), {**GLOVE, "unit": 4}, "did you mean 'units'"),
    ],
)
def test_mistakes(sizes, options, message):
    with pytest.raises(ValueError, match=message):
        zoo.get(*sizes, **options)
