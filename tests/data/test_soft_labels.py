"""Cells that hold a distribution over labels, and the weights of rows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from zoo.data import DataError, Examples, assemble, join, learn_tasks, read_table
from zoo.data.parts import valid_as_train
from zoo.data.readers import table_of
from zoo.data.soft import encode_soft

MOOD = {"mood": "categories"}


def lines(tmp_path, *rows):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return file


def read(file, **options):
    return read_table(file, text="text", labels=MOOD, **options)


def test_objects_in_json_lines(tmp_path):
    file = lines(
        tmp_path,
        {"text": "a", "mood": {"good": 0.9, "bad": 0.1}},
        {"text": "b", "mood": "bad"},
        {"text": "c", "mood": None},
        {"text": "d", "mood": "good"},
    )
    found = read(file)
    assert found.labels == {"mood": [None, "bad", None, "good"]}
    assert found.soft == {"mood": [{"good": 0.9, "bad": 0.1}, None, None, None]}
    said = "\n".join(found.notes)
    assert "1 row has a distribution over labels" in said
    assert "1 of 3 labels are missing (1 null)" in said
    tasks = learn_tasks(found)
    soft = encode_soft(found, tasks)["mood"]
    assert tasks["mood"].labels == ("bad", "good")
    np.testing.assert_allclose(soft[0], [0.1, 0.9], rtol=1e-6)
    assert np.isnan(soft[1:]).all()


def test_columns_of_a_table_beside_labels_and_weights(tmp_path):
    file = tmp_path / "rows.csv"
    head = "mood:good,text,mood,mood:bad,count"
    rows = ["0.25,a,,0.75,2", ",b,good,,0.5", "1,c,bad,,1", ",,,,", ",d,,,0"]
    file.write_text("\n".join([head, *rows]) + "\n")
    found = read(file, weight="count")
    assert found.texts == list("abcd")  # the blank row is left out
    assert found.labels["mood"] == [None, "good", "bad", None]
    half = {"good": 0.25, "bad": 0.75}
    assert found.soft["mood"] == [half, None, {"good": 1.0}, None]
    assert found.weights == [2.0, 0.5, 1.0, 0.0]
    assert read(file).weights == [1.0] * 4
    chosen = found.select([2, 0])
    assert chosen.soft["mood"] == [{"good": 1.0}, half]
    assert chosen.weights == [1.0, 2.0]
    twice = join([found, Examples(["z"], {"other": ["x"]})])
    assert twice.soft["mood"][0] == half and twice.soft["other"] == [None] * 5
    assert twice.weights == [2.0, 0.5, 1.0, 0.0, 1.0]


def test_a_table_may_have_distributions_alone():
    columns = {
        "text": list("abc"),
        "mood:good": [0.5, np.float32(0.1), 1],
        "mood:bad": [0.5, np.float32(0.9), None],
    }
    found = read(table_of_memory(columns))
    assert found.labels["mood"] == [None] * 3
    assert found.soft["mood"][1:] == [{"good": 0.1, "bad": 0.9}, {"good": 1.0}]
    assert learn_tasks(found)["mood"].labels == ("bad", "good")


def table_of_memory(data):
    from zoo.data.memory import Memory

    return table_of(Memory(data, "data"))


def test_a_label_column_of_such_a_name_holds_labels(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("text,mood,mood:good\na,x,1\nb,y,0\n")
    labels = {"mood": "categories", "mood:good": "regression"}
    found = read_table(file, text="text", labels=labels)
    assert found.labels == {"mood": ["x", "y"], "mood:good": [1.0, 0.0]}
    assert found.soft == {"mood": [None, None], "mood:good": [None, None]}


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"good": 0.9, "bad": 0.2}, "the probabilities add up to 1.1"),
        ({"good": 1.2, "bad": -0.2}, "the probability of 'bad' cannot be used"),
        ({"good": float("nan"), "bad": 1}, "the probability of 'good' cannot be used"),
        ({"good": "much"}, "the probability of 'good' cannot be used"),
        ({"good": True}, "the probability of 'good' cannot be used"),
        ({"good": 0.5, " good": 0.5}, "has no name or occurs twice"),
    ],
)
def test_what_is_no_distribution(tmp_path, cell, said):
    file = lines(tmp_path, {"text": "b", "mood": "bad"}, {"text": "a", "mood": cell})
    with pytest.raises(DataError, match="Accepted: .*Received: ") as error:
        read(file)
    assert said in str(error.value)
    assert f"{file}, line 2, column 'mood'" in str(error.value)
    assert read(file, on_bad_rows="skip").texts == ["b"]


def test_rounding_of_probabilities_is_accepted(tmp_path):
    file = lines(tmp_path, {"text": "a", "mood": {"good": 0.6667, "bad": 0.3334}})
    assert sum(read(file).soft["mood"][0].values()) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("cell", ["", "-1", "nan", "heavy", "inf"])
def test_what_is_no_weight(tmp_path, cell):
    file = tmp_path / "rows.csv"
    file.write_text(f"text,mood,count\na,x,1\nb,y,{cell}\n")
    with pytest.raises(DataError, match="rows.csv, line 3, column 'count': the weight"):
        read(file, weight="count")


def test_a_label_that_no_row_has(tmp_path):
    rows = [{"text": t, "mood": m} for t, m in (("a", "good"), ("b", "bad"))]
    file = lines(tmp_path, *rows, {"text": "c", "mood": {"god": 1}})
    found = read(file)
    with pytest.raises(DataError, match="line 3.*Received: 'god'.*mean 'good'"):
        encode_soft(found, learn_tasks(found))


def test_probabilities_of_many_labels_and_numbers():
    rows = Examples(
        list("abcd"),
        {"kinds": [("x",), ("x", "y"), None, None], "stars": [1.0, 3.0, None, None]},
        soft={"kinds": [None, None, {"y": 0.75}, {}], "stars": [None, None, 4.0, None]},
    )
    found = encode_soft(rows, learn_tasks(rows))
    np.testing.assert_allclose(found["kinds"][2:], [[0, 0.75], [0, 0]])
    assert np.isnan(found["kinds"][:2]).all()
    # The mean of the labels is 2 and their deviation 1.
    np.testing.assert_allclose(found["stars"], [np.nan, np.nan, 2.0, np.nan])


def test_rows_with_distributions_alone_stay_in_training():
    labelled = [(f"text {n}", "ab"[n % 2]) for n in range(40)]
    soft = [*(f"more {n}" for n in range(20)), *(text for text, _ in labelled)]
    rows = Examples(
        [text for text, _ in labelled] + soft,
        {"mood": [label for _, label in labelled] + [None] * 60},
        soft={"mood": [None] * 40 + [{"a": 0.5, "b": 0.5}] * 60},
    )
    parts = assemble(rows)
    assert len(parts.valid) == len(parts.test) == 4
    assert not any(parts.valid.only_soft() + parts.test.only_soft())
    # Of the copies of labelled texts, those of the other parts are left out.
    assert sum(parts.train.only_soft()) == 20 + 32
    assert "8 row(s) with a distribution dropped" in "\n".join(parts.notes)
    again = valid_as_train(parts).train
    assert len(again) == len(parts.train) + 4 == len(again.soft["mood"])
