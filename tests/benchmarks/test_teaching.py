"""The driver of the table of students and teachers, on tiny sets."""

from __future__ import annotations

import json

import pytest

import zoo
from benchmarks.quality import teaching

pytestmark = [pytest.mark.tensorflow, pytest.mark.release]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """ZOO_DATA with two tiny sets; some sentences are in the test part of one too."""

    def question(row: int) -> str:
        kind = ("HUM\tHUM:ind\tWho is", "NUM\tNUM:date\tWhen was")[row % 2]
        return f"{kind} number {row} ?\n"

    def sentence(row: int) -> str:
        text = f"There was something good in the very big old box {row} that they sent"
        return f"{row % 2}\tyelp\t{text} to us .\n"

    sets = {
        "trec": {"train_full.tsv": (question, 0, 60), "test.tsv": (question, 60, 80)},
        "uci_sentences": {
            "train.tsv": (sentence, 0, 60),
            "valid.tsv": (sentence, 60, 70),
            "test.tsv": (sentence, 50, 60),
        },
    }
    for name, files in sets.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        for file, (line, first, last) in files.items():
            text = "".join(map(line, range(first, last)))
            (tmp_path / "data" / name / file).write_text(text, "utf-8")
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_driver_prints_the_accuracies_of_each_seed(place, capsys):
    zoo.train("linear", "trec", out="teacher", weights="none", verbose=False)
    texts = teaching.sentences_of("trec", ["uci_sentences"], 40, 30)
    boxes = {int(text.split()[10]) for text in texts}
    assert len(texts) == 40 and not boxes & set(range(50, 60))
    assert teaching.sentences_of("trec", ["uci_sentences"], 40, 5) == []
    capsys.readouterr()
    options = ["--sources", "uci_sentences", "--most", "20", "--student", "linear"]
    teaching.main(["--data", "trec", "--teacher", "teacher", *options])
    *_, last = capsys.readouterr().out.splitlines()
    seed, found = last.split(": ", 1)
    kept = json.loads((place / "runs/teaching/0/teaching.json").read_text("utf-8"))
    scores = kept["tasks"]["coarse"]["scores"]
    assert seed == "seed 0" and json.loads(found) == {"coarse": scores}
    assert scores["teacher"]["test"] == 1.0


def test_some_rows_have_labels_and_the_student_is_an_ensemble_for_itself(place, capsys):
    options = ["--rows", "30", "--ensemble", "2", "--student", "linear"]
    teaching.main(["--data", "trec", *options])
    kept = json.loads((place / "runs/teaching/0/teaching.json").read_text("utf-8"))
    assert kept["teachers"] == [f"runs/teaching/teacher{seed}" for seed in range(2)]
    whole, few = zoo.data.load_named("trec"), zoo.data.load_named("trec_30")
    assert (len(few.train), len(few.valid)) == (27, 3)
    assert len(few.test) == len(whole.test) == 20
    labelled = {*few.train.texts, *few.valid.texts}
    rest = teaching.others("trec", "trec_30", 100)
    assert not labelled & set(rest)
    assert labelled | set(rest) >= set(whole.train.texts)
    assert kept["given"] == len(rest) and kept["asked"] <= len(rest)
