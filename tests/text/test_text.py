"""The text pipeline: one behaviour in Python, in tf.data and in a SavedModel."""

from __future__ import annotations

import json
import random
import runpy
import sys
import types
import unicodedata
from collections import Counter

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

from zoo.text import SPECIALS, TextPipeline, as_bytes, imports  # noqa: E402
from zoo.text.compiled import EAGER_CALLS  # noqa: E402
from zoo.text.settings import TOKENIZERS  # noqa: E402

pytestmark = pytest.mark.tensorflow

ODD = [
    "",
    " \t\n\u3000\u2028 ",
    "Don't pay $3.14, not 1,000!!! :-) hello-world x86_64",
    "cafe\u0301 caf\u00e9 Stra\u00dfe STRASSE \u0130stanbul \u03a3\u03c2",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f\U0001f44d\U0001f3fd!",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0650\u0633\u0652\u0645 \u200f\u05e9\u05dc",
    "\u8fd9\u5bb6\u9910\u5385good\u4e0d\u9519\u3002\u30e9\u30fc\u30e1\u30f3",
    "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab",
    "\uff26\uff35\uff2c\uff2c\uff11\uff12 \ufb01ne \u2460 \ufdfa",
    "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 \u0939\u093f\u0928\u094d\u0926\u0940",
    "nul\x00byte\r\nline\x85\x1bx\ufeffy\u00adz",
    "lone \ud800 and \udc00\ud83d\ude00 surrogates",
    b"\xff\xfe invalid \xe4\xb8 \xed\xa0\x80 \xc0\x80",
    "[PAD] [UNK] [BEGIN] ##ing <0x41>",
    "word " * 400,
    "x" * 30_000,
]


def words(pipeline, text) -> list[str]:
    return [t.decode("utf-8") for t in pipeline.tokenize([text]).to_list()[0]]


def learn(tokenizer="unicode", texts=ODD, **kwargs):
    kwargs = {"min_count": 1, "max_length": 50, **kwargs}
    return TextPipeline.learn(texts, tokenizer=tokenizer, **kwargs)


@pytest.fixture(scope="module", params=TOKENIZERS)
def pipeline(request):
    return learn(request.param)


@pytest.mark.slow
def test_python_tf_data_and_saved_model_agree(pipeline, tmp_path):
    raw = [as_bytes(text) for text in ODD]
    rows = pipeline.encode(ODD)
    eager = pipeline(ODD).numpy()

    class Holder(tf.Module):
        def __init__(self):
            self.pipeline = pipeline

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def ids(self, texts):
            return self.pipeline(texts)

    tf.saved_model.save(Holder(), str(tmp_path))
    served = tf.saved_model.load(str(tmp_path)).ids(tf.constant(raw)).numpy()
    [batch] = tf.data.Dataset.from_tensor_slices(raw).batch(99).map(pipeline)
    assert eager.dtype == np.int32
    np.testing.assert_array_equal(eager, served)
    np.testing.assert_array_equal(eager, batch.numpy())
    for row, ids in zip(eager, rows, strict=True):
        np.testing.assert_array_equal(row[: len(ids)], ids)
        assert not row[len(ids) :].any()


def test_ids_are_in_range_and_padding_only_at_the_end(pipeline):
    for ids in pipeline.encode(ODD):
        assert ids.dtype == np.int32
        assert 1 <= len(ids) <= pipeline.max_length
        assert ids.min() > 0 and ids.max() < pipeline.vocab_size
        # Begin and end are for models to set; no text may hold them.
        assert not {2, 3} & set(ids.tolist())


def test_a_text_has_the_same_ids_alone_and_in_a_batch(pipeline):
    together = pipeline.encode(ODD)
    for text, ids in zip(ODD, together, strict=True):
        np.testing.assert_array_equal(pipeline([text]).numpy()[0], ids)
        one = pipeline.of_one(tf.constant([as_bytes(text)]))
        np.testing.assert_array_equal(one, ids[None])


def test_a_pipeline_that_is_called_often_becomes_a_graph(pipeline, monkeypatch):
    eager = pipeline.encode(ODD)
    for _ in range(EAGER_CALLS + 1):
        pipeline.encode(["a"])
    monkeypatch.setattr(pipeline, "tokenize", None)  # the graph was traced before
    for expected, ids in zip(eager, pipeline.encode(ODD), strict=True):
        np.testing.assert_array_equal(expected, ids)


def test_random_unicode_keeps_the_invariants(pipeline):
    generator = random.Random(0)
    texts = [
        "".join(chr(generator.randrange(0x11_0000)) for _ in range(20))
        for _ in range(200)
    ]
    texts += [generator.randbytes(30) for _ in range(200)]
    dense = pipeline(texts).numpy()
    for row, ids in zip(dense, pipeline.encode(texts), strict=True):
        assert (row > 0).sum() == len(ids) >= 1
        assert (row[: len(ids)] > 0).all()


def test_empty_texts_are_one_unknown_token(pipeline):
    assert pipeline(["", " \n"]).numpy().tolist() == [[1], [1]]
    assert pipeline(tf.constant([], tf.string)).shape == (0, 1)
    assert pipeline.encode([]) == []


def test_save_and_load(pipeline, tmp_path):
    pipeline.save(tmp_path / "a" / "b")
    loaded = TextPipeline.load(tmp_path / "a" / "b")
    assert loaded.vocabulary == pipeline.vocabulary
    assert loaded.tokenizer == pipeline.tokenizer
    assert (loaded.max_length, loaded.lowercase) == (50, True)
    np.testing.assert_array_equal(loaded(ODD).numpy(), pipeline(ODD).numpy())


def test_the_loaded_pipeline_outlives_its_folder(tmp_path):
    learn().save(tmp_path)
    loaded = TextPipeline.load(tmp_path)
    (tmp_path / "vocab.txt").unlink()
    holder = tf.Module()
    holder.pipeline = loaded
    tf.saved_model.save(holder, str(tmp_path / "saved"))
    assert (tmp_path / "saved" / "assets" / "vocab.txt").stat().st_size


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Don't pay $3.14, not 1,000!!!", "don't pay $ 3.14 , not 1,000 !!!"),
        ("don\u2019t \u2018x\u2019", "don't ' x '"),
        ("1 2 12", "1 2 12"),
        ("good:-) bad :( wow?!?!", "good :-) bad :( wow ?!? !"),
        ("\u8fd9good\u4e0d\u9519\u3002", "\u8fd9 good \u4e0d \u9519 \u3002"),
        ("\u30e9\u30fc\u30e1\u30f3", "\u30e9 \u30fc \u30e1 \u30f3"),
        ("\u0e19\u0e49\u0e33x", "\u0e19\u0e49\u0e4d \u0e32 x"),  # base and its marks
        ("\U0001f600\U0001f600ok", "\U0001f600 \U0001f600 ok"),
        ("\u0628\u0650\u0633\u0652\u0645", "\u0628\u0650\u0633\u0652\u0645"),
        ("\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab", "\ud55c\uad6d\uc5b4 \ud55c"),
        ("\uff26\uff35\uff2c\uff2c\uff11 \ufb01ne", "full1 fine"),
        ("Stra\u00dfe STRASSE", "strasse strasse"),
        ("\u0130x", "i\u0307x"),
        ("a\x00b\r\nc\u2028d\u00ade\ufefff", "a b c def"),
        ("lone \ud800x", "lone \ufffd x"),
        ("\ud83d\ude00", "\U0001f600"),
        (b"a\xffb", "a \ufffd b"),
    ],
)
def test_unicode_tokens(text, expected):
    assert words(learn(), text) == expected.split(" ")


def test_whitespace_tokens():
    text = "Don't\u3000split,  THIS\tor \u8fd9\u4e2a"
    expected = ["don't", "split,", "this", "or", "\u8fd9\u4e2a"]
    assert words(learn("whitespace"), text) == expected


def test_case_is_kept_on_request():
    pipeline = learn(lowercase=False, texts=["Good GOOD good Stra\u00dfe"])
    assert sorted(pipeline.vocabulary[4:]) == ["GOOD", "Good", "Stra\u00dfe", "good"]
    assert words(pipeline, "\uff21\ufb01\u00adX e\u0301") == ["AfiX", "\u00e9"]


def test_normalised_as_python_does():
    """NFKC case folding is U.toNFKC_Casefold of the Unicode Standard 3.13."""
    pipeline = learn("whitespace")
    for text in ("\u0130\ufb03\u1e9e\u2168\u01c4", "\u0390\u1fb4", "\u212b\u2126"):
        folded = unicodedata.normalize("NFKC", text).casefold()
        assert words(pipeline, text) == [unicodedata.normalize("NFKC", folded)]


def test_bytes_are_ids():
    pipeline = TextPipeline(tokenizer="bytes", max_length=6)
    assert pipeline.vocab_size == 260
    text = " A\u00e9 z"
    expected = [value + 4 for value in "a\u00e9 z".encode()]
    assert pipeline.encode([text])[0].tolist() == expected
    assert pipeline.encode(["x" * 9])[0].tolist() == [ord("x") + 4] * 6


def test_word_pieces_cover_known_characters():
    texts = ["play playing played player"] * 20 + ["walk walking walked walker"] * 20
    pipeline = learn("wordpiece", texts, vocab_size=60)
    assert pipeline.vocab_size <= 60
    pieces = words(pipeline, "walkplayed")
    assert "".join(piece.removeprefix("##") for piece in pieces) == "walkplayed"
    assert 1 not in pipeline.encode(["walkplayed"])[0]
    assert len(pieces) < len("walkplayed")
    assert pipeline.encode(["\u8fd9"])[0].tolist() == [1]
    again = learn("wordpiece", texts[::-1], vocab_size=60)
    assert again.vocabulary == pipeline.vocabulary


def test_the_vocabulary_goes_by_count_then_by_code_point():
    texts = ["b a c", "b a d", "b e \u00e9"]
    expected = ["b", "a", "c", "d", "e", "\u00e9"]
    assert learn(texts=texts).vocabulary == [*SPECIALS, *expected]
    assert learn(texts=texts[::-1]).vocabulary == [*SPECIALS, *expected]
    assert learn(texts=texts, min_count=2).vocabulary[4:] == ["b", "a"]
    assert learn(texts=texts, vocab_size=6).vocabulary[4:] == ["b", "a"]


def test_learning_counts_across_chunks():
    generator = random.Random(1)
    texts = [f"w{generator.randrange(9)} x" for _ in range(5000)]
    counts = Counter(word for text in texts for word in text.split())
    expected = sorted(counts, key=lambda word: (-counts[word], word))
    assert learn(texts=iter(texts)).vocabulary[4:] == expected
    assert len(learn().encode(iter(texts))) == 5000


def test_words_like_special_tokens_are_unknown():
    texts = ["[PAD] [END] a", "[PAD]"]
    pipeline = learn("whitespace", texts, lowercase=False)
    assert pipeline.vocabulary == [*SPECIALS, "a"]
    assert pipeline(texts).numpy().tolist() == [[1, 1, 4], [1, 0, 0]]


def test_a_huge_text_is_cut_before_any_work():
    pipeline = learn(texts=["a b"], max_length=100)
    ids = pipeline.encode(["a " * 500_000, "a" * 1_000_000])
    assert ids[0].tolist() == [4] * 100
    # The cut at 6,400 bytes may halve a character, which is no invalid UTF-8.
    text = "a" + "\u00e9" * 500_000
    assert words(pipeline, text) == ["a" + "\u00e9" * 3199]
    text = "a " + "x" * 6397
    assert words(pipeline, text + "\u8fd9" * 500) == words(pipeline, text)


def test_a_giant_word_does_not_enter_the_vocabulary():
    assert learn(texts=["x" * 101, "x" * 101, "y"]).vocabulary[4:] == ["y"]


def test_four_thousand_rows():
    pipeline = learn(texts=["a b"])
    assert pipeline(["a b"] * 4096).shape == (4096, 2)


def test_as_bytes_joins_surrogate_pairs():
    assert as_bytes("\ud83d\ude00") == "\U0001f600".encode()
    assert as_bytes("\udc00\ud800") == "\ufffd\ufffd".encode()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: learn(texts=[]), "at least one token.*Received: 0 tokens"),
        (lambda: learn(texts=["", " \n"]), "at least one token"),
        (lambda: learn(texts=["a b"], min_count=2), "min_count=2.*2 tokens"),
        (lambda: learn(texts=["a"], vocab_size=4), "vocab_size.*from 5"),
        (lambda: learn(texts=["a"], min_count=0), "min_count"),
        (lambda: learn(texts=["a"], max_length=0), "max_length"),
        (lambda: learn("words"), "tokenizer.*unicode, whitespace.*'words'"),
        (lambda: learn(lowercase=1), "lowercase"),
        (lambda: TextPipeline(["a"]), r"must begin with \[PAD\]"),
        (lambda: TextPipeline([*SPECIALS, "a", "a"]), "'a' at position 5"),
        (lambda: TextPipeline([*SPECIALS, "a\nb"]), "line break"),
        (lambda: learn()(tf.constant("one")), "shape"),
        (lambda: learn()(tf.constant([1])), "int32"),
    ],
)
def test_errors_name_the_argument(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "texts, kind",
    [
        ("one text", ValueError),
        (["a", 3], TypeError),
        (["a", None], TypeError),
        (5, TypeError),
    ],
)
def test_texts_that_are_no_texts(texts, kind):
    with pytest.raises(kind):
        learn(texts=texts)
    with pytest.raises(kind):
        learn()(texts)


def _rewrite(path, **changes):
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, **changes}))


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda f: (f / "pipeline.json").unlink(), "must hold a text pipeline"),
        (lambda f: (f / "pipeline.json").write_text('{"cl'), "must hold a text"),
        (lambda f: (f / "pipeline.json").write_text("[]"), "must hold a text"),
        (lambda f: _rewrite(f / "pipeline.json", **{"class": "x"}), "describes 'x'"),
        (lambda f: _rewrite(f / "pipeline.json", format_version=2), "newer zoo"),
        (lambda f: _rewrite(f / "pipeline.json", tokenizer="x"), "tokenizer='x'"),
        (lambda f: _rewrite(f / "pipeline.json", vocab_size=7), "must hold 7 lines"),
        (lambda f: (f / "vocab.txt").unlink(), "vocabulary file"),
        (lambda f: (f / "vocab.txt").write_bytes(b"\xff"), "UTF-8"),
        (lambda f: (f / "vocab.txt").write_text("a\n" * 6), r"\[PAD\]"),
    ],
)
def test_damaged_folders(damage, message, tmp_path):
    learn(texts=["a b"]).save(tmp_path)
    assert TextPipeline.load(tmp_path).vocab_size == 6
    damage(tmp_path)
    with pytest.raises(ValueError, match=message):
        TextPipeline.load(tmp_path)


def test_every_truncation_of_the_vocabulary_is_noticed(tmp_path):
    learn(texts=["aa bb"]).save(tmp_path)
    path = tmp_path / "vocab.txt"
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError):
            TextPipeline.load(tmp_path)


@pytest.mark.parametrize("found", [None, types.SimpleNamespace(__version__="2.20.0")])
def test_a_wrong_tensorflow_text_is_explained(monkeypatch, found):
    monkeypatch.setitem(sys.modules, "tensorflow_text", found)
    message = "pip install 'tensorflow.*tensorflow-text==2.21.*Received: tensorflow 2"
    with pytest.raises(ImportError, match=message):
        runpy.run_path(imports.__file__)


@pytest.mark.parametrize(
    "blank", [" ", "\n", "\u00a0", "\u200b", "\u3000", "\t \ufeff"]
)
def test_a_text_behind_thousands_of_blanks_is_read(blank):
    pipeline = TextPipeline.learn(["the good text"], min_count=1)
    blanks = blank * 5000
    texts = [blanks + "the good text", "the good text", f"the{blanks}good"]
    found = pipeline.tokenize(texts).to_list()
    assert found[:2] == [[b"the", b"good", b"text"]] * 2
    assert found[2] in ([b"the", b"good"], [b"thegood"])  # zero-width ones are nothing
