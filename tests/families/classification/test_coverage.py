"""What a run says about how much of the texts is read and told apart."""

import pytest

from zoo.data import Examples, Splits
from zoo.families.classification.coverage import coverage_of
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.classification.train import prepare
from zoo.text import TextPipeline

pytestmark = pytest.mark.tensorflow
TEXTS = ["so good so far", "bad", "", "so \u597d bad bad bad bad bad"]


def test_tokens_are_counted_beyond_the_length_that_is_read():
    pipeline = TextPipeline.learn(["so good bad"], min_count=1, max_length=3)
    found = coverage_of(pipeline, TEXTS, pipeline.encode(TEXTS))
    assert (found.texts, found.cut) == (4, 2)
    assert found.tokens == 4 + 1 + 1 + 7 and found.read == 3 + 1 + 1 + 3
    assert found.unknown == 2  # the empty text and the character; `far` is cut
    assert str(found).startswith("2 of 4 texts are cut, 61.5% of the tokens are read;")


def test_texts_as_long_as_is_read_are_not_cut():
    pipeline = TextPipeline.learn(["so good bad"], min_count=1, max_length=7)
    found = coverage_of(pipeline, TEXTS, pipeline.encode(TEXTS))
    assert found.cut == 0 and found.read == found.tokens == 13
    assert str(found).startswith("all texts are read to their end; 23.08% of")


def test_no_texts():
    pipeline = TextPipeline.learn(["so good bad"], min_count=1)
    found = coverage_of(pipeline, [], [])
    assert (found.texts, found.tokens, found.unknown) == (0, 0, 0)
    assert "0.00%" in str(found)


def test_words_in_pieces_are_not_unknown():
    counts = TextPipeline.count([f"go{end}" for end in ("ing", "er", "est")] * 2)
    words = ["sing", "sings", "singer", "singing", "king", "kings"]
    counts.update({word.encode(): 1 for word in words})
    pipeline = TextPipeline.of_counts(counts, min_count=2, pieces=40)
    assert "##ing" in pipeline.vocabulary and "kings" not in pipeline.vocabulary
    found = coverage_of(pipeline, ["kinging"], pipeline.encode(["kinging"]))
    assert found.unknown == 0 and found.tokens > 1
    # What has a character of no training text is unknown as a whole.
    [ids] = pipeline.encode(["king\u00e9"])
    assert ids.tolist() == [1]


def test_long_texts_are_padded_to_whole_windows():
    texts = [" ".join(["good"] * length) for length in (3, 100, 130, 300)]
    part = Examples(texts, {"label": ["a", "b"] * 2})
    prepared = prepare(Splits(part, part, part), ClassificationSettings())
    assert prepared.buckets == [8, 104, 256, 384]
