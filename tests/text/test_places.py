"""Where words stand in a text, against slices of it that are read by themselves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.serving.expected import ODD
from zoo.text import SPECIALS, TextPipeline
from zoo.text.pairs import joined
from zoo.text.places import FIRST_MARK, joined_marks, places_of

pytestmark = pytest.mark.tensorflow

HANGUL = "\u1112\u1161\u11ab\u1100\u116e\u11a8"  # in parts of syllables
WORDS = ["good", "bad", "b", "##ad", "##s", "caf\u00e9"]
UNICODE = TextPipeline([*SPECIALS, "good", "bad"], max_length=12)
PIPELINES = {
    "unicode": UNICODE,
    "pieces": TextPipeline([*SPECIALS, *WORDS], max_length=12),
    "wordpiece": TextPipeline([*SPECIALS, *WORDS], tokenizer="wordpiece"),
    "whitespace": TextPipeline([*SPECIALS, "good"], tokenizer="whitespace"),
    "cased": TextPipeline([*SPECIALS, "good"], lowercase=False),
    "bytes": TextPipeline(tokenizer="bytes", max_length=40),
}


def words_of(pipeline, text):
    """The words that are read, as slices of the text, and the marks."""
    [places] = places_of(pipeline, [text])
    read = places.read.numpy()[0]
    bounds = zip(places.starts.to_list()[0], places.ends.to_list()[0], strict=True)
    marks = places.marks.numpy()
    assert marks.shape == pipeline([text]).shape
    return [read[start:end].decode() for start, end in bounds], marks[0].tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\r\n", []),
        ("Good  day!", ["Good", "day", "!"]),
        ("don\u2019t 1,000.5 :)", ["don\u2019t", "1,000.5", ":)"]),
        ("STRASSE Stra\u00dfe x", ["STRASSE", "Stra\u00dfe", "x"]),
        ("\u0130stanbul x", ["\u0130stanbul", "x"]),
        ("cafe\u0301 caf\u00e9", ["cafe\u0301", "caf\u00e9"]),
        ("e\u200b\u0301x y", ["e\u200b\u0301x", "y"]),
        ("\ufeffgood\u00ad x", ["good\u00ad", "x"]),
        ("\ufb01ne \u2460 Word\u2122 x", ["\ufb01ne", "\u2460", "Word\u2122", "x"]),
        ("\u5f88\u597d ok", ["\u5f88", "\u597d", "ok"]),
        (f"{HANGUL} x", [HANGUL, "x"]),
        ("\ud55c\uad6d\uc5b4 x", ["\ud55c\uad6d\uc5b4", "x"]),
        ("\uff76\uff9e x", ["\uff76\uff9e", "x"]),
        ("\ufdfa x", ["\ufdfa", "x"]),  # a ligature of four words
        ("\u2026x", ["\u2026", "x"]),
        ("nul\x00byte", ["nul", "byte"]),
        (b"\xff bad", ["\ufffd", "bad"]),
        ("a " * 20, ["a"] * 12),  # no more tokens are read
    ],
)
def test_words_are_slices_of_the_text(text, expected):
    assert words_of(UNICODE, text)[0] == expected


def check(pipeline, text):
    """The tokens of each word are those of its slice alone."""
    tokens = [t.decode() for t in pipeline.tokenize([text]).to_list()[0]]
    words, marks = words_of(pipeline, text)
    if not tokens:
        assert marks == [1] and words == []
        return
    assert len(marks) == len(tokens)
    owned = {word: [] for word in range(len(words))}
    for mark, token in zip(marks, tokens, strict=True):
        owned[mark - FIRST_MARK].append(token)
    alone = pipeline.tokenize(words).to_list()
    for word, (part, whole) in enumerate(zip(owned.values(), alone, strict=True)):
        whole = [t.decode() for t in whole]
        if pipeline.tokenizer == "bytes":  # a space belongs to the word after it
            part = [t for t in part if t != "<0x20>"]
        if word == len(words) - 1:  # the rest may not be read
            whole = whole[: len(part)]
        assert part == whole, (text, words[word])


@pytest.mark.parametrize("name", PIPELINES)
def test_odd_texts(name):
    for text in (*ODD, "bads cafes goods", "\u00bd \u00b4a", "x" * 300):
        check(PIPELINES[name], text)


LETTERS = st.one_of(
    st.characters(codec="utf-8"),
    st.sampled_from(
        "ab  '.!\u0301\u200d\u200b\ufe0f\u1100\u1161\u11a8\uac00\uff9e\u034f"
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unicode", "whitespace"])
@settings(max_examples=30, deadline=None, derandomize=True)
@given(texts=st.lists(st.text(LETTERS, max_size=12), min_size=8, max_size=8))
def test_any_texts(name, texts):
    """Several at once: nearly all of the time goes into the calls."""
    pipeline = PIPELINES[name]
    [places] = places_of(pipeline, texts)
    bounds = zip(places.read.numpy(), places.starts.to_list(), places.ends.to_list())
    words = [
        [read[start:end].decode() for start, end in zip(starts, ends, strict=True)]
        for read, starts, ends in bounds
    ]
    alone = [word for row in words for word in row]
    tokens = iter(pipeline.tokenize(alone).to_list() if alone else [])
    for row, whole in zip(words, pipeline.tokenize(texts).to_list(), strict=True):
        found = [token for _ in row for token in next(tokens)]
        assert b"".join(found) == b"".join(whole), row


def test_a_text_cut_within_a_long_run_of_spaces():
    pipeline = TextPipeline([*SPECIALS, "good"], max_length=4)
    text = "a" + " " * 9000 + "good"
    [places] = places_of(pipeline, [text])
    assert places.starts.to_list() == [[0, 9001]]
    assert places.ends.to_list() == [[1, 9005]]


def test_a_batch_is_what_its_texts_are_alone():
    texts = ["good", "", "\ufdfa bad", "a b c"]
    [together] = places_of(UNICODE, texts)
    for row, text in enumerate(texts):
        [alone] = places_of(UNICODE, [text])
        assert together.starts[row].numpy().tolist() == alone.starts.to_list()[0]
        assert together.ends[row].numpy().tolist() == alone.ends.to_list()[0]
        marks = alone.marks.numpy()[0]
        assert together.marks.numpy()[row, : len(marks)].tolist() == marks.tolist()


def test_pairs_number_their_words_one_after_the_other():
    pipeline = TextPipeline([*SPECIALS, "good", "bad"], pairs=True)
    texts = [joined("good bad", "bad"), joined("", "bad good"), joined("a", "")]
    marks = joined_marks(places_of(pipeline, texts)).numpy()
    assert marks.tolist() == [[4, 5, 3, 6], [1, 3, 4, 5], [4, 3, 1, 0]]
    assert marks.shape == pipeline(texts).shape
