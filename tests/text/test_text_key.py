"""The key of equal texts is the normal form that a model reads."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from zoo.data import Examples, assemble, split, text_key


@pytest.mark.parametrize(
    "one, other",
    [
        ("don\u2019t", "don't"),
        ("co\u00adoperate", "cooperate"),
        ("zero\u200bwidth", "zerowidth"),
        ("\ufeffinside \ufeffand out", "inside and out"),
        ("love \u2764\ufe0f it", "love \u2764 it"),
        ("fami\u200dly", "family"),
        ("e\u200d\u0301t\u00e9", "\u00e9t\u00e9"),
        ("Stra\u00dfe \u2116 1", "STRASSE No 1"),
        (" two\u00a0words\r\n", "two words"),
        ("a\x00b\x7fc", "a b c"),
        ("Great , really !", "great, really!"),
        ("\ud83d\ude00 pair", "\U0001f600 pair"),
    ],
)
def test_what_a_model_cannot_tell_apart_is_a_copy(one, other):
    assert text_key(one) == text_key(other)


@pytest.mark.parametrize(
    "one, other",
    [("a b", "ab"), ("1 23", "12 3"), ("good", "good!"), ("caf\u00e9", "cafe")],
)
def test_other_texts_are_none(one, other):
    assert text_key(one) != text_key(other)


@pytest.mark.tensorflow
def test_every_character_is_read_as_by_the_pipeline():
    """Characters that this Python does not know yet are left out."""
    from zoo.text import normalize

    known = (
        chr(point)
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)) not in ("Cn", "Cs")
    )
    words = [f"a{character}b" for character in known]
    texts = [" ".join(words[i : i + 50]) for i in range(0, len(words), 50)]
    read = normalize.clean(normalize.as_tensor(texts), max_bytes=10**6, lowercase=True)
    for text, found in zip(texts, normalize.straighten(read).numpy(), strict=True):
        assert text_key(text) == text_key(found.decode())


def test_copies_that_differ_in_characters_stay_together():
    texts = [f"I don{mark}t know {i}" for i in range(100) for mark in "'\u2019"]
    parts = split(Examples(texts, {"y": list("aabb") * 50}))
    keys = [{text_key(t) for t in p.texts} for p in (parts.train, parts.valid)]
    assert len(parts.valid) == 20 and len(keys[1]) == 10 and not keys[0] & keys[1]


def test_given_tables_that_share_a_text_are_noted():
    def table(*texts):
        return Examples(list(texts), {"y": ["a", "b", "a"][: len(texts)]})

    train, test = table("x1", "x2", "don't go"), table("q\u00adr", "s")
    parts = assemble(train, table("qr", "QR ", "t"), test)
    assert parts.notes == [
        "2 row(s) of the given validation table have a text that also occurs in the "
        "given test table; both are kept."
    ]
    assert len(parts.valid) == 3 and len(parts.test) == 2
    parts = assemble(train, table("Don\u2019t go"), test)
    assert parts.train.texts == ["x1", "x2"] and len(parts.notes) == 1
