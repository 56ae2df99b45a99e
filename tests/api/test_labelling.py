"""Tables with a model's answers beside their rows."""

from __future__ import annotations

import gzip
import json

import pytest

from zoo.api.labelling import label_file
from zoo.data import DataError
from zoo.data.writing import write_table

LABELS = ("bad", "good")


def ask(texts):
    """Answers of a model with a category that abstains, several labels and a number."""
    answers = []
    for text in texts:
        share = min(len(text), 10) / 10
        label = "" if share == 0.5 else LABELS[share > 0.5]
        answers.append(
            {
                "mood": {"label": label, "scores": {"bad": 1 - share, "good": share}},
                "tags": {"labels": ["a", "b"][: len(text) % 3], "scores": {"a": 1.0}},
                "stars": {"value": float(len(text))},
            }
        )
    return answers


def test_a_csv_keeps_its_columns(tmp_path):
    (tmp_path / "in.csv").write_text(
        'id;text;note\n7;"so, so";x\n8;;\n9;good enough;\n'
    )
    told = []
    count = label_file(
        ask, tmp_path / "in.csv", tmp_path / "out.csv", text="text", tell=told.append
    )
    assert count == 3 and told == [3]
    assert (tmp_path / "out.csv").read_text().splitlines() == [
        "id,text,note,predicted_mood,score_mood,predicted_tags,predicted_stars",
        '7,"so, so",x,good,0.6,,6.0',
        "8,,,bad,1.0,,0.0",
        "9,good enough,,good,1.0,a|b,11.0",
    ]


def test_an_abstained_label_is_empty_and_has_a_score(tmp_path):
    (tmp_path / "in.tsv").write_text("text\nabcde\n")
    label_file(ask, tmp_path / "in.tsv", tmp_path / "out.jsonl", text="text")
    [record] = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert record["predicted_mood"] == "" and record["score_mood"] == 0.5


def test_json_lines_keep_values_and_take_keys_of_any_row(tmp_path):
    rows = [{"text": "ab", "n": 1, "deep": {"a": [1]}}, {"text": 12.0, "late": None}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "in.jsonl").write_text(lines)
    label_file(ask, tmp_path / "in.jsonl", tmp_path / "out.jsonl.gz", text="text")
    with gzip.open(tmp_path / "out.jsonl.gz", "rt") as file:
        first, second = map(json.loads, file)
    assert list(first)[:4] == ["text", "n", "deep", "late"]
    assert first["deep"] == {"a": [1]} and first["predicted_stars"] == 2.0
    assert second["text"] == 12.0 and second["predicted_stars"] == 2.0  # of "12"


def test_parquet_in_and_out(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import read_table
    from pyarrow.parquet import write_table as write

    table = pyarrow.table({"id": [1, 2], "text": ["good film", None]})
    write(table, tmp_path / "in.parquet")
    out = tmp_path / "out.parquet"
    assert label_file(ask, tmp_path / "in.parquet", out, text="text") == 2
    assert read_table(out).column("id").to_pylist() == [1, 2]
    assert read_table(out).column("predicted_mood").to_pylist() == ["good", "bad"]


def test_pairs_and_answers_of_another_shape(tmp_path):
    asked = []

    def tags(texts):
        asked.extend(texts)
        return [{"tokens": ["é"]} for _ in texts]

    (tmp_path / "in.csv").write_text("q,a\none,two\n")
    label_file(tags, tmp_path / "in.csv", tmp_path / "out.csv", text=["q", "a"])
    assert asked[0].count("one") == 1 and asked[0].endswith("two")
    said = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert said == ["q,a,answer", 'one,two,"{""tokens"": [""é""]}"']


def test_no_file_is_left_where_something_fails(tmp_path):
    (tmp_path / "in.csv").write_text("text\n" + "word\n" * 600)

    def fails(texts):
        if fails.calls:
            raise RuntimeError("the model failed")
        fails.calls += 1
        return ask(texts)

    fails.calls = 0
    with pytest.raises(RuntimeError, match="the model failed"):
        label_file(fails, tmp_path / "in.csv", tmp_path / "out.csv", text="text")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize(
    "content, out, message",
    [
        ("text\na\n", "out.xlsx", "out.xlsx.*Accepted: a name that ends in .csv"),
        ("text,score_mood\na,1\n", "out.csv", "columns of the names of the answers"),
        ("note\na\n", "out.csv", "column 'text'|'text'"),
        ('text,b\na,"open\n', "out.csv", "quote"),
    ],
)
def test_what_cannot_be_written_or_read(tmp_path, content, out, message):
    (tmp_path / "in.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        label_file(ask, tmp_path / "in.csv", tmp_path / out, text="text")
    assert not (tmp_path / out).exists()


def test_an_empty_table_is_written_with_its_header(tmp_path):
    assert write_table(tmp_path / "a.tsv", ["x", "y"], []) == 0
    assert (tmp_path / "a.tsv").read_text() == "x\ty\n"
