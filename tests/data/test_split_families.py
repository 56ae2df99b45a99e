"""The one split as taggers and translation use it."""

from __future__ import annotations

import random
from collections import Counter

from zoo.data.pairs import Pairs, assemble_pairs
from zoo.data.sentences import TaggedSentences
from zoo.data.tagged_splits import assemble_tagged
from zoo.text.characters import text_key

PARTS = ("train", "valid", "test")


def tagged(count=1000, seed=0):
    """Sentences with tags from common to rare, a label each, and some copies."""
    draw = random.Random(seed)
    tags = [f"t{i}" for i in range(12)]
    rows = [
        draw.choices(tags, [2.0**-i for i in range(12)], k=draw.randint(1, 12))
        for _ in range(count)
    ]
    tokens = [[f"w{i}"] * len(row) for i, row in enumerate(rows)]
    return TaggedSentences(
        tokens, {"pos": rows}, {"intent": draw.choices("abc", k=count)}
    )


def test_every_tag_and_label_of_sentences_has_its_share():
    data = tagged()
    parts = assemble_tagged(data, schemes={})
    names = Counter(tag for row in data.tags["pos"] for tag in set(row))
    names.update(data.labels["intent"])
    for part, share in zip(PARTS, (0.8, 0.1, 0.1)):
        found = getattr(parts, part)
        here = Counter(tag for row in found.tags["pos"] for tag in set(row))
        here.update(found.labels["intent"])
        for name, total in names.items():
            assert abs(here[name] - share * total) <= 1 + 1e-6
    assert set(names) == {tag for row in parts.train.tags["pos"] for tag in row} | {
        *parts.train.labels["intent"]
    }


def test_another_seed_gives_taggers_another_split():
    found = [
        {
            words[0]
            for words in assemble_tagged(tagged(), schemes={}, seed=s).valid.tokens
        }
        for s in range(5)
    ]
    pairs = [(a, b) for i, a in enumerate(found) for b in found[:i]]
    shared = [len(a & b) / min(len(a), len(b)) for a, b in pairs]
    assert sum(shared) / len(shared) < 0.15  # 0.1 by chance


def test_copies_of_a_sentence_stay_together():
    tokens = [["Don't" if i % 2 else "don\u2019t", f"go{i // 2}"] for i in range(200)]
    data = TaggedSentences(tokens, {"pos": [["X", "Y"]] * 200})
    parts = assemble_tagged(data, schemes={})
    keys = [{text_key(t) for t in getattr(parts, part).texts} for part in PARTS]
    assert [len(found) for found in keys] == [80, 10, 10]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]


def test_pairs_of_one_target_stay_together_beside_a_given_test_part():
    sources = [f"text {i}" for i in range(300)]
    pairs = Pairs(sources, [f"Text {i // 3}" for i in range(300)])
    parts = assemble_pairs(pairs, test=Pairs(["TEXT 0", "new"], ["x", "y"]))
    assert parts.test.sources == ["TEXT 0", "new"]
    assert "text 0" not in parts.train.sources + parts.valid.sources
    assert len(parts.train) + len(parts.valid) == 299 and len(parts.valid) == 30
    assert not set(parts.train.targets) & set(parts.valid.targets)


def test_a_given_part_of_pairs_may_be_empty():
    pairs = Pairs([f"text {i}" for i in range(30)], [f"Text {i}" for i in range(30)])
    parts = assemble_pairs(pairs, valid=Pairs([], []))
    assert [len(getattr(parts, part)) for part in PARTS] == [27, 0, 3]
