"""Tables with two columns of texts: reading, mistakes, and splits."""

from __future__ import annotations

import pytest

from zoo.api.reading import columns_of_texts
from zoo.data import DataError, Examples, assemble, read_table, split
from zoo.data.memory import Memory
from zoo.data.shares import share_warnings
from zoo.text.pairs import joined, sides

TWO = ["question", "answer"]
LABEL = {"label": "categories"}


def table(tmp_path, text: str):
    path = tmp_path / "qa.csv"
    path.write_text(text, "utf-8")
    return path


def read(path, text=TWO, **options):
    return read_table(path, text=text, labels=LABEL, **options)


def test_the_two_texts_of_a_row_are_one_pair(tmp_path):
    text = "label,answer,question\nyes,so,why?\nno,,how?\n,,\nyes,7,\n"
    examples = read(table(tmp_path, text))
    assert examples.pairs
    assert list(map(sides, examples.texts)) == [
        ("why?", "so"),
        ("how?", ""),
        ("", "7"),
    ]
    assert examples.labels == {"label": ["yes", "no", "yes"]}
    assert [note.split(": ", 1)[1] for note in examples.notes[:3]] == [
        "1 blank row is left out.",
        "1 text is empty.",
        "1 text is empty.",
    ]
    assert "'question'" in examples.notes[1] and "'answer'" in examples.notes[2]
    assert examples.each_text == ["why?", "so", "how?", "", "", "7"]
    assert examples.select([1]).pairs and examples.with_tasks([]).pairs


def test_rows_in_memory():
    rows = [("why?", "so", "yes"), {"question": "how?", "answer": "", "label": "no"}]
    examples = read(Memory(rows, "data"))
    assert list(map(sides, examples.texts)) == [("why?", "so"), ("how?", "")]


def test_one_column_is_read_as_before(tmp_path):
    path = table(tmp_path, "question,label\nwhy?,yes\n")
    for text in ("question", ["question"]):
        examples = read(path, text)
        assert (examples.texts, examples.pairs) == (["why?"], False)
        assert examples.each_text == ["why?"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            ["question", "reply"],
            r"column 'reply': no such column.*'question', 'answer'",
        ),
        (["question", "question"], "different columns.*'question', 'question'"),
        (["question", "label"], "different columns"),
        (["question", "answer", "label2"], "one column or two.*Received: 3"),
        ([], "one column or two.*Received: 0"),
    ],
)
def test_columns_that_do_not_fit(tmp_path, text, said):
    path = table(tmp_path, "question,answer,label\nwhy?,so,yes\n")
    with pytest.raises(DataError, match=said):
        read(path, text)


def test_a_missing_text_is_a_bad_row_that_names_its_column(tmp_path):
    path = tmp_path / "qa.jsonl"
    path.write_text(
        '{"question": "why?", "answer": null, "label": "yes"}\n'
        '{"question": "how?", "answer": "so", "label": "no"}\n'
    )
    with pytest.raises(DataError, match="line 1, column 'answer': the text is missing"):
        read(path)
    examples = read(path, on_bad_rows="skip")
    assert list(map(sides, examples.texts)) == [("how?", "so")]


@pytest.mark.parametrize("text", [["a", "a"], ["a", "b", "c"], [], ["a", 1], 3])
def test_the_argument_names_one_column_or_two(text):
    with pytest.raises(ValueError, match=r"`text` \(--text\).*Accepted.*Received"):
        columns_of_texts(text)


def test_copies_of_a_pair_stay_in_one_part():
    pairs = [(f"q {n % 30}", f"a {n % 40}") for n in range(240)]  # each pair twice
    texts = [str(joined(f"{q} !" if n % 2 else q, a)) for n, (q, a) in enumerate(pairs)]
    parts = split(Examples(texts, {"y": ["yes", "no"] * 120}, pairs=True))
    seen: dict = {}
    for name, part in parts.parts.items():
        assert part.pairs and len(part)
        for key in part.text_keys:
            assert seen.setdefault(key, name) == name
    assert len(seen) == 120


def test_only_equal_pairs_are_copies():
    texts = [joined("a b", "c"), joined("a", "b c"), joined("A  b", "c")]
    keys = Examples([*map(str, texts)], {}, pairs=True).text_keys
    assert keys[0] == keys[2] != keys[1]


def test_a_pair_of_a_given_table_leaves_training():
    train = Examples(
        [str(joined("q", f"a {n}")) for n in range(40)],
        {"y": ["yes", "no"] * 20},
        pairs=True,
    )
    test = Examples([str(joined("Q", "a 7"))], {"y": ["no"]}, pairs=True)
    parts = assemble(train, test=test)
    assert "1 training row(s) dropped" in parts.notes[0]
    assert test.texts[0] not in parts.train.texts


def test_a_pair_that_dominates_is_shown_as_two_texts():
    texts = [str(joined("why?", "so"))] * 30 + [str(joined("how?", "so"))]
    part = Examples(texts, {"y": ["x"] * 31}, pairs=True)
    assert share_warnings({"train": part}) == [
        "One text makes up 97 % of the data, 30 of 31 rows: 'why?' and 'so'."
    ]
