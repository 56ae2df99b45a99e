"""`zoo predict --data FILE --out FILE`: rows with the answers beside them."""

from __future__ import annotations

import csv
import json

import pytest
from saved import SAVED

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
