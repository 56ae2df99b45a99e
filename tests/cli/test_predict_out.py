"""`zoo predict --data FILE --out FILE`: rows with the answers beside them."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest
from saved import SAVED

from zoo.api.opening import open_model
from zoo.cli import main

pytestmark = pytest.mark.tensorflow
MODEL = str(SAVED / "classification")


def test_a_table_with_answers(tmp_path, capsys):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("id,text\n1,a good day\n2,\n3,not so bad\n")
    assert main(["predict", MODEL, "--data", str(source), "--out", str(target)]) == 0
    assert capsys.readouterr().out == f"{target}: 3 rows\n"
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert main(["predict", MODEL, "a good day", "", "not so bad"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for row, line in zip(rows, map(json.loads, lines), strict=True):
        for task, answer in line["answers"].items():
            if "label" in answer:
                assert row[f"predicted_{task}"] == answer["label"]
                best = max(answer["scores"].values())
                assert float(row[f"score_{task}"]) == pytest.approx(best, abs=1e-6)


def test_out_needs_a_table(tmp_path, capsys):
    assert main(["predict", MODEL, "a text", "--out", str(tmp_path / "o.csv")]) == 2
    assert "`--out` needs a table of texts" in capsys.readouterr().err


@pytest.mark.parametrize("written", [True, False])
def test_a_table_in_another_encoding(written, tmp_path, capsys):
    source, target = tmp_path / "in.tsv", tmp_path / "out.jsonl"
    source.write_bytes('text\tid\n"café au lait\t1\n'.encode("latin-1"))
    asked = ["predict", MODEL, "--data", str(source)]
    asked += ["--out", str(target)] if written else []
    assert main(asked) == 2
    assert "--encoding latin-1" in capsys.readouterr().err
    assert main([*asked, "--encoding", "latin-1", "--no-quotes"]) == 0
    line = target.read_text() if written else capsys.readouterr().out
    assert json.loads(line)["text"] == '"café au lait'


def test_a_table_is_read_as_in_training(tmp_path, capsys, monkeypatch):
    reading = {"encoding": "cp1252", "quotes": False, "text": "text"}
    asked = replace(open_model(MODEL), reading=reading)
    monkeypatch.setattr("zoo.cli.predict.open_model", lambda *_, **__: asked)
    source = tmp_path / "in.tsv"
    source.write_bytes('text\n"the \x93best\x94 one\n'.encode("latin-1"))
    assert main(["predict", MODEL, "--data", str(source)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["text"] == '"the “best” one'
    assert "read as cp1252, as in training" in said.err
    assert main(["predict", MODEL, "--data", str(source), "--encoding", "latin-1"]) == 0
    assert "“" not in capsys.readouterr().out


def test_the_engine_reads_utf_8(tmp_path, capsys):
    asked = ["predict", MODEL, "--data", "x.csv", "--out", str(tmp_path / "o")]
    assert main([*asked, "--engine", "ray", "--encoding", "latin-1"]) == 2
    assert "in UTF-8" in capsys.readouterr().err
