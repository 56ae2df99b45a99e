"""Words, characters and byte offsets: the text pipeline of taggers."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from zoo.families.tagging.pipeline import TaggingPipeline
from zoo.serving.expected import ODD
from zoo.text import as_bytes

pytestmark = pytest.mark.tensorflow

SENTENCES = [["To", "Rome", "\ufb01ne"], ["to", "Bari", "don\u2019t"], ["1,000"]]
TEXTS = [as_bytes(text) for text in ODD] + [
    b"abc\x00def",
    "so\u00adft caf\u00e9s\u200b \ufeffx".encode(),
    "\uff26\uff35\uff2c\uff2c-width \u00bd \u2026".encode(),
    "abc\u8fd9\u91cc ok\u0e20\u0e32".encode(),
    "\U0001f1e9\U0001f1ea flags \u0378 \ue000".encode(),
]


@pytest.fixture(scope="module")
def pipeline():
    return TaggingPipeline.learn(SENTENCES)


def split(pipeline, texts):
    return [part.to_list() for part in pipeline.split(texts)]


def test_vocabularies(pipeline):
    words = ["to", "1,000", "bari", "don't", "fine", "rome"]
    assert pipeline.vocabulary[4:] == words  # NFKC, case folded, plain apostrophe
    turned = TaggingPipeline.learn(SENTENCES[::-1])
    assert turned.vocabulary == pipeline.vocabulary
    assert turned.summary() == pipeline.summary()
    cased = TaggingPipeline.learn(SENTENCES, lowercase=False)
    assert {"To", "to", "Rome"} <= set(cased.vocabulary)


@pytest.mark.parametrize("text", TEXTS, ids=repr)
def test_offsets_are_those_of_the_raw_bytes(pipeline, text):
    [words], [starts], [ends] = split(pipeline, [text])
    found = [text[start:end] for start, end in zip(starts, ends)]
    assert found == words and all(words)
    assert starts == sorted(starts) and all(a <= b for a, b in zip(ends, starts[1:]))
    # What no word holds is white space, control or format characters alone.
    rest = bytearray(text)
    for start, end in zip(starts, ends):
        rest[start:end] = b" " * (end - start)
    left = rest.decode("utf-8", "replace")
    assert not [c for c in left if c.isprintable() and c != " "]


def test_offsets_of_normalised_words(pipeline):
    text = "\ufb01ne \uff32ome, don\u2019t!"
    [words], [starts], [ends] = split(pipeline, [text])
    assert list(zip(starts, ends)) == [(0, 5), (6, 12), (12, 13), (14, 21), (21, 22)]
    looked_up = pipeline.tokenize([text]).to_list()[0]
    assert looked_up == [b"fine", b"rome", b",", b"don't", b"!"]
    known = [pipeline.vocabulary.index(w) for w in ("fine", "rome", "don't")]
    ids = pipeline.inputs(tf.ragged.constant([words]))["tokens"].numpy()[0]
    assert ids[[0, 1, 3]].tolist() == known and ids[2] == ids[4] == 1


def test_whitespace_keeps_what_was_split_before():
    pipeline = TaggingPipeline.learn(SENTENCES, tokenizer="whitespace")
    [words], [starts], _ = split(pipeline, ["don't\u00a0U.S.\t-- x"])
    assert words == [b"don't", b"U.S.", b"--", b"x"] and starts == [0, 7, 12, 15]


def test_characters_keep_their_case_and_long_words_their_beginning():
    pipeline = TaggingPipeline.learn([["Ab", "ab"], ["AAA"]], max_letters=3)
    a, b = pipeline.encode([["Ab", "ab"], ["Ab" + "b" * 5000]])
    assert a.tokens[0] == a.tokens[1]
    assert (a.characters[0] != a.characters[1]).tolist() == [True, False]
    assert b.characters.shape == (1, 3) and b.tokens.tolist() == [1]


def test_no_text_and_no_word(pipeline):
    [empty, one] = pipeline.encode([[], ["Rome"]])
    assert (empty.words, empty.tokens.tolist()) == (0, [1])
    assert (one.words, len(one.tokens)) == (1, 1)
    assert split(pipeline, ["", " \t"]) == [[[], []]] * 3
    inputs = pipeline.inputs(pipeline.split([""])[0])
    assert inputs["tokens"].numpy().tolist() == [[1]]
    assert inputs["characters"].shape == (1, 1, 1)
    nothing = pipeline.inputs(pipeline.split([])[0])
    assert nothing["tokens"].shape[0] == nothing["characters"].shape[0] == 0


@pytest.mark.slow
def test_the_graph_reads_as_python_does(pipeline):
    served = tf.function(
        lambda texts: pipeline.inputs(pipeline.split(texts)[0]),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )(tf.constant(TEXTS))
    words, *_ = split(pipeline, TEXTS)
    for row, sentence in enumerate(pipeline.encode(words)):
        time, letters = sentence.characters.shape
        for key in ("tokens", "characters"):
            array, expected = served[key][row].numpy(), getattr(sentence, key)
            cut = array[:time] if key == "tokens" else array[:time, :letters]
            np.testing.assert_array_equal(cut, expected)
            assert array.sum() == expected.sum()  # padding alone behind it


def test_no_word_of_a_long_text_is_left_out(pipeline):
    text = "Rome , " * 50_000
    [words], [starts], [ends] = split(pipeline, [text])
    assert len(words) == 100_000 and ends[-1] == len(text.rstrip())
    assert pipeline.encode([words])[0].tokens.shape == (100_000,)


def test_saved_and_loaded(pipeline, tmp_path):
    pipeline.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"pipeline.json", "words.txt", "characters.txt"}
    again = TaggingPipeline.load(tmp_path)
    assert again.summary() == pipeline.summary()
    assert again.vocabulary == pipeline.vocabulary
    for one, other in zip(again.encode(SENTENCES), pipeline.encode(SENTENCES)):
        np.testing.assert_array_equal(one.characters, other.characters)
    (tmp_path / "characters.txt").write_text("a\n")
    with pytest.raises(ValueError, match="characters.txt, 1 whole lines"):
        TaggingPipeline.load(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokenizer": "bytes"}, "tokenizer='bytes'"),
        ({"max_letters": 0}, "max_letters=0"),
        ({"min_count": 9}, "min_count=9"),
    ],
)
def test_wrong_settings(options, message):
    with pytest.raises(ValueError, match=message):
        TaggingPipeline.learn(SENTENCES, **options)
