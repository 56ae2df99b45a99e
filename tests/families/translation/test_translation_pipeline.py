"""Texts to pieces and back: nothing is lost, and what is damaged is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from translated_toys import pairs, pipeline

from zoo.data.pairs import Pairs
from zoo.families.translation.pipeline import TranslationPipeline
from zoo.families.translation.tokenizer import Tokenizer
from zoo.text import normalize
from zoo.text.vocabulary import BEGIN, END, SPECIALS, UNKNOWN

pytestmark = pytest.mark.tensorflow

TEXTS = [
    "Zwei junge, weiße Männer (im Freien)!",
    "don't 'quote' me -- it's 1,000.50 $ ... #1 ##tag a##b",
    "\u4f60\u597d\uff0cok \u4f60 \u3053\u308c\u306f\u30c6\u30b9\u30c8",
    "\u0e20\u0e32\u0e29\u0e32 \u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
    "x = {'a': [1, 2]}; y_z += 3 :) ;-( \u2764 \ue000\ue001 end",
    "[PAD] [END] <s> \u2019tis the \u201cend\u201d",
]


def read(texts) -> str:
    """What cleaning leaves of a text, by Python's own means."""
    import unicodedata

    return " ".join(unicodedata.normalize("NFKC", texts).split())


def there_and_back(tokenizer: Tokenizer, texts) -> list[str]:
    found = tokenizer.detokenize(tokenizer.ids(tokenizer.tokenize(texts))).numpy()
    return [text.decode("utf-8") for text in found]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.learn(TEXTS * 2, vocab_size=400)


def test_texts_of_known_characters_come_back(tokenizer):
    assert there_and_back(tokenizer, TEXTS) == [read(text) for text in TEXTS]
    generator = np.random.default_rng(0)
    letters = sorted(set("".join(map(read, TEXTS))))
    mixed = ["".join(generator.choice(letters, 30)) for _ in range(50)]
    # Marks that combine may meet a letter that they compose with.
    expected = [read(text) for text in mixed]
    assert there_and_back(tokenizer, expected) == [read(text) for text in expected]


def test_white_space_and_forms_of_letters_become_one(tokenizer):
    texts = ["  Zwei \t\n junge\u00a0", "\uff3a\uff57ei", "a \u2581 b", "", " \r\n"]
    assert there_and_back(tokenizer, texts) == ["Zwei junge", "Zwei", "a b", "", ""]


def test_words_know_what_stood_before_them():
    texts = normalize.as_tensor(["don't, 1,000 (ok)\u4f60\u597d a!!"])
    words = [word.decode() for word in normalize.split_marked(texts)[0].numpy()]
    expected = ["\u2581don't", ",", "\u25811,000", "\u2581(", "ok", ")"]
    assert words == [*expected, "\u4f60", "\u597d", "\u2581a", "!!"]


def test_unknown_characters_alone_are_lost(tokenizer):
    assert there_and_back(tokenizer, ["Zwei\U0001f600junge M\u00f8nner"]) == [
        "Zweijunge Mnner"
    ]
    assert there_and_back(tokenizer, [b"\xff\xfe Zwei \xe4\xb8!"]) == [" Zwei !"]


def test_lower_case_keeps_the_sharp_s():
    tokenizer = Tokenizer.learn(TEXTS, vocab_size=300, lowercase=True)
    assert there_and_back(tokenizer, [TEXTS[0]]) == [TEXTS[0].lower()]


def test_words_of_tokenised_texts():
    tokenizer = Tokenizer.learn(
        ["a ## \u2581b , c"], tokenizer="whitespace", vocab_size=20
    )
    assert set(tokenizer.vocabulary[4:]) == {"a", "##", "\u2581b", ",", "c"}
    assert there_and_back(tokenizer, ["c  ## , new \u2581b"]) == ["c ## , \u2581b"]
    with pytest.raises(ValueError, match="`tokenizer` for translation.*'bytes'"):
        Tokenizer.learn(["a"], tokenizer="bytes")


def test_begin_and_end_and_what_is_cut():
    known = pipeline()
    given = Pairs(["One!", "One and two and three!"], ["Eins und zwei!", "Zwei!"])
    whole = known.encode(given, max_length=100)
    assert whole.cut == 0
    for ids in whole.sources:
        assert ids[-1] == END and BEGIN not in ids and ids.dtype == "int32"
    for ids, text in zip(whole.targets, given.targets):
        assert ids[0] == BEGIN and ids[-1] == END and UNKNOWN not in ids
        assert known.target.detokenize(ids[None]).numpy()[0].decode() == text
    cut = known.encode(given, max_length=2)
    assert cut.cut == 2
    np.testing.assert_array_equal(cut.sources[1], [*whole.sources[1][:2], END])
    np.testing.assert_array_equal(cut.targets[0], whole.targets[0][:3])  # no end


def test_sources_longer_than_the_cap_are_counted():
    known = pipeline(max_source=3)
    texts = ["", "One!", "One and two and three!" * 50_000]  # over 1 MB
    ids, count = known.read(texts)
    assert ids.row_lengths().numpy().tolist()[::2] == [1, 4]
    assert count.numpy().tolist()[0] == 0 and count.numpy()[2] > 300_000


@pytest.mark.parametrize("shared", [True, False])
def test_saved_and_loaded(tmp_path, shared):
    known = pipeline(shared=shared, max_source=9)
    assert known.shared is shared and (known.sizes[1] is None) is shared
    known.save(tmp_path)
    again = TranslationPipeline.load(tmp_path)
    assert again.summary() == known.summary() and again.shared is shared
    assert again.target.vocabulary == known.target.vocabulary
    made = {path.name for path in tmp_path.iterdir()}
    files = {"vocab.txt"} if shared else {"source.txt", "target.txt"}
    assert made == {"pipeline.json", *files}


def test_damaged_pipelines(tmp_path):
    known = pipeline(shared=False)

    def broken(change) -> str:
        known.save(tmp_path)
        change()
        with pytest.raises(ValueError) as caught:
            TranslationPipeline.load(tmp_path)
        return str(caught.value)

    file = tmp_path / "target.txt"
    lines = [*SPECIALS[:3], *known.target.vocabulary[4:], "more"]
    said = broken(lambda: file.write_text("".join(f"{line}\n" for line in lines)))
    assert "must begin with [PAD], [UNK], [BEGIN], [END]" in said
    assert "truncated" in broken(lambda: file.write_bytes(file.read_bytes()[:-9]))
    assert str(file) in broken(file.unlink)
    config = tmp_path / "pipeline.json"
    assert "TranslationPipeline.save" in broken(lambda: config.write_text("{}"))
    values = {"class": "zoo.translation.TranslationPipeline", "format_version": 1}
    said = broken(lambda: config.write_text(json.dumps(values)))
    assert "without tokenizer" in said


def test_the_order_of_the_texts_changes_nothing():
    given = pairs(30)
    turned = Pairs(given.sources[::-1], given.targets[::-1])
    one, other = (
        TranslationPipeline.learn(data, vocab_size=60) for data in (given, turned)
    )
    assert one.source.vocabulary == other.source.vocabulary
