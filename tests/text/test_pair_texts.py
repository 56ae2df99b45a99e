"""Pairs of texts: joined in Python and in the graph, and their ids."""

from __future__ import annotations

import json

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

from zoo.text import SPECIALS, TextPipeline, as_bytes  # noqa: E402
from zoo.text.normalize import join_pairs  # noqa: E402
from zoo.text.pairs import by_input, each_pair, joined, sides  # noqa: E402

pytestmark = pytest.mark.tensorflow

ODD = [
    ("why?", "because"),
    ("so", ""),
    ("", ""),
    ("two\x1fsides", "more\x1f\x1fof them"),
    (b"\xff\xfe bytes \xe4\xb8", "lone \ud800"),
    ("\u8fd9\u5bb6", "caf\u00e9\n\t"),
]
WORDS = [*SPECIALS, "so", "good", "bad", "sides", "two"]


@pytest.mark.parametrize("pair", ODD)
def test_a_pair_is_joined_alike_in_python_and_in_the_graph(pair):
    first, second = map(as_bytes, pair)
    found = join_pairs(tf.constant([first]), tf.constant([second])).numpy()[0]
    assert found == as_bytes(joined(*pair))
    named = by_input([found], pairs=True)
    expected = [side.replace(b"\x1f", b" ") for side in (first, second)]
    assert [named["text"][0], named["text_pair"][0]] == expected
    if isinstance(pair[0], str):
        assert sides(joined(*pair)) == tuple(t.replace("\x1f", " ") for t in pair)


def test_pairs_come_in_any_iterable():
    rows = [["a", b"b"], ("a", "b"), np.array(["a", "b"]), joined("a", "b")]
    assert list(map(as_bytes, each_pair(iter(rows)))) == [b"a\x1fb"] * 4


@pytest.mark.parametrize(
    "item", ["one text", ("one",), ("a", "b", "c"), 3, None, ("a", 1), {"a": 1}]
)
def test_what_is_no_pair_is_named_with_its_place(item):
    with pytest.raises(TypeError, match=r"`texts\[1\].*Received: "):
        list(each_pair([("a", "b"), item]))


@pytest.mark.parametrize("one", ["a text", ("a", "b")])
def test_one_pair_is_no_list_of_pairs(one):
    with pytest.raises((TypeError, ValueError), match="pair"):
        list(each_pair(one))


def test_ids_are_those_of_both_texts_with_a_mark_between():
    pipeline = TextPipeline(WORDS, max_length=2, pairs=True)
    pairs = [
        joined("so good", "bad"),
        joined("", ""),
        joined("so so so", "good good good"),  # each text is cut on its own
        joined("two\x1fsides", "good"),
        "so",  # without a second text
    ]
    expected = [
        [4, 5, 3, 6],
        [1, 3, 1],
        [4, 4, 3, 5, 5],
        [8, 7, 3, 5],
        [4, 3, 1],
    ]
    assert [row.tolist() for row in pipeline.encode(pairs)] == expected
    padded = pipeline(pairs).numpy()
    assert padded.shape == (5, 5)
    assert [row[row > 0].tolist() for row in padded] == expected


@pytest.mark.parametrize("tokenizer", ["unicode", "whitespace", "wordpiece", "bytes"])
def test_each_text_has_the_ids_that_it_has_alone(tokenizer):
    texts = ["[END] so good", "[BEGIN] [PAD]", "", "caf\u00e9 \u8fd9!"]
    learn = {"tokenizer": tokenizer, "min_count": 1, "lowercase": False}
    alone = TextPipeline.learn(texts[:1] * 9 + texts, **learn)
    pipeline = TextPipeline(
        alone.vocabulary, tokenizer=tokenizer, lowercase=False, pairs=True
    )
    for first in texts:
        for second in texts:
            [ids] = pipeline.encode([joined(first, second)])
            before, after = (row.tolist() for row in alone.encode([first, second]))
            assert ids.tolist() == [*before, 3, *after]


def test_no_rows():
    pipeline = TextPipeline(WORDS, pairs=True)
    assert pipeline(tf.constant([], tf.string)).shape == (0, 1)
    assert pipeline.encode([]) == []


def test_it_is_saved_and_an_older_folder_reads_single_texts(tmp_path):
    TextPipeline(WORDS, pairs=True).save(tmp_path)
    assert TextPipeline.load(tmp_path).pairs
    path = tmp_path / "pipeline.json"
    config = json.loads(path.read_text())
    del config["pairs"]
    path.write_text(json.dumps(config))
    older = TextPipeline.load(tmp_path)
    assert not older.pairs
    assert older.encode(["so\x1fgood"])[0].tolist() == [4, 5]


def test_pairs_must_be_a_bool():
    with pytest.raises(ValueError, match="`pairs` must be True or False"):
        TextPipeline(WORDS, pairs=1)
