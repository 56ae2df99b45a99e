"""The driver that compares the frozen vectors of encoders."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_teacher import make_teacher, texts

from benchmarks.quality import encoding
from zoo.data import Examples, Splits

pytestmark = pytest.mark.tensorflow


def part(rows: int, start: int = 0) -> Examples:
    """Texts whose first label says whether they have the word `good`."""
    found, labels = [], []
    for number, text in enumerate(texts(start + rows)[start:]):
        rest = [word for word in text.split() if word not in ("good", "bad")]
        word = ("good", "bad")[number % 2]
        found.append(" ".join([word, word, *rest]))
        labels.append([word, "other"])
    return Examples(found, {"kind": labels}, kinds={"kind": "multilabel"})


def test_vectors_are_compared_on_all_rows_and_on_few(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    splits = Splits(part(60), part(20, 60), part(20, 80))
    monkeypatch.setattr(encoding, "load_named", lambda name: splits)
    teacher = str(make_teacher(tmp_path / "teacher"))
    encoding.main(["--teacher", teacher, "--data", "toys", "--draws", "2"])
    said = capsys.readouterr().out
    rows = [line.split("|")[1:-1] for line in said.splitlines() if "TF-IDF" in line]
    assert [cell.strip() for cell in rows[0]] == ["TF-IDF", "100.0", "100.0"]
    assert len(rows) == 2 and "mean ± deviation over 2 draws" in said
    assert said.count("teacher") == 2


def test_speeds_are_beside_the_teacher(tmp_path, monkeypatch, capsys):
    splits = Splits(part(60), part(20, 60), part(40, 80))
    monkeypatch.setattr(encoding, "load_named", lambda name: splits)
    monkeypatch.setattr(encoding, "ROUNDS", 2)
    teacher = str(make_teacher(tmp_path / "teacher"))
    encoding.main(["english", "--teacher", teacher, "--data", "toys", "--speed"])
    lines = [line for line in capsys.readouterr().out.splitlines() if "|" in line]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert [row[0] for row in rows[2:]] == ["english", "teacher"]
    assert rows[3][2] == "1.0" and float(rows[2][1].replace(",", "")) > 0


def test_all_texts_of_the_batches_are_encoded():
    asked = {"one": [], "two": []}
    calls = {name: lambda batch, name=name: asked[name].append(batch) for name in asked}
    encoding.speeds(calls, [f"text {number}" for number in range(70)])
    for batches in asked.values():
        turn = [len(batch) for batch in batches[:3]]
        assert turn == [32, 32, 6] and len(batches) == 3 * (encoding.ROUNDS + 2)
        assert len({text for batch in batches[:3] for text in batch}) == 70


def test_the_first_label_counts_and_rows_without_one_do_not():
    data = Examples(["a", "b", "c"], {"kind": [["x", "y"], [], ["y"]]})
    rows, labels = encoding.rows_of(data, None)
    assert rows == ["a", "c"] and labels.tolist() == ["x", "y"]
    assert len(encoding.rows_of(data, 1)[0]) == 1


def test_validation_chooses_the_strength():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 40)
    features = np.stack([labels + generator.normal(size=40), generator.normal(size=40)])
    rows = features.T, labels
    assert 50 < encoding.accuracy(rows, rows, rows) <= 100
    assert encoding.accuracy(rows, rows, (features.T, 1 - labels)) < 50
