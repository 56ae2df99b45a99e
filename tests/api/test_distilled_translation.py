"""Translation models that learn from the translations of a teacher."""

from __future__ import annotations

import json
import sys

import pytest

import zoo
from zoo.api.teachers.base import TeacherError
from zoo.api.teachers.outcome import NO_BETTER
from zoo.api.teachers.sequences import outcome, taught_pairs
from zoo.api.teachers.translations import open_translator, translate
from zoo.data.pairs import Pairs, PairSplits

pytestmark = pytest.mark.tensorflow
NUMBERS = {"eins": "one", "zwei": "two", "drei": "three", "vier": "four"}
SCRIPT = """
import json, sys
numbers = {numbers}
for line in sys.stdin:
    found = " ".join(numbers.get(word, "?") for word in line.split())
    print(json.dumps({{"translation": found, "score": -1.0}}), flush=True)
"""
TINY = {"units": 8, "embedding_dim": 8, "encoder_depth": 1, "buckets": 1}
TINY |= {"tokenizer": "whitespace", "beam": 2}


def command(tmp_path, numbers=NUMBERS) -> str:
    script = tmp_path / "teacher.py"
    script.write_text(SCRIPT.format(numbers=dict(numbers)))
    return f"command:{sys.executable} {script}"


def test_targets_are_pairs_and_translations():
    part = Pairs(["eins", "zwei"], ["one", "two"])
    found = taught_pairs(
        PairSplits(part, part, part), ["1", " "], ["drei", "vier"], ["three", ""]
    )
    assert found.train == Pairs(
        ["eins", "zwei", "eins", "drei"], ["one", "two", "1", "three"]
    )
    assert found.valid is part


def test_translations_are_kept(tmp_path):
    teacher = open_translator(command(tmp_path), 60.0)
    found = translate(teacher, ["eins zwei", "drei", "eins zwei"], tmp_path / "kept")
    assert found == ["one two", "three", "one two"]
    (tmp_path / "teacher.py").unlink()
    assert translate(teacher, ["drei"], tmp_path / "kept") == ["three"]


def test_answers_that_are_no_translation(tmp_path, monkeypatch):
    for told, said in (("[1]", "is no translation"), ("{", "cannot be read")):
        script = tmp_path / "teacher.py"
        script.write_text(f"for _ in range(2): input(); print({told!r}, flush=True)")
        teacher = open_translator(f"command:{sys.executable} {script}", 60.0)
        with pytest.raises(TeacherError, match=f"{said}.*Accepted: .*Received: "):
            translate(teacher, ["eins", "zwei"], tmp_path / "kept")
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="`teacher` .*must translate.*transformer"):
        open_translator(str(tmp_path / "bert"), 60.0)


class Client:
    """Of a server of a translation model, and of one with a single output."""

    batch_size = 2

    def __init__(self, *address, timeout):
        self.key = address[1]

    def predict(self, texts):
        return [{self.key: text.upper(), "score": 0.5} for text in texts]


@pytest.mark.parametrize("name", ["translation", "outputs"])
def test_a_server(tmp_path, monkeypatch, name):
    monkeypatch.setattr("zoo.api.teachers.server.connect", Client)
    teacher = open_translator(f"host:8501/{name}", 60.0)
    assert translate(teacher, ["a", "b", "c"], tmp_path) == ["A", "B", "C"]


def test_the_verdict():
    scores = {who: {"valid": 30.0, "test": 20.0} for who in ("alone", "taught")}
    better = {"valid": 31.0, "test": 19.0}
    assert NO_BETTER not in outcome("runs/a", {**scores, "teacher": better}, 1, 2)
    text = outcome("runs/a", {**scores, "teacher": scores["alone"]}, 1, 2)
    assert NO_BETTER in text and "| student taught | 30.00 | 20.00 |" in text


@pytest.mark.slow
def test_a_student_learns_the_translations_of_its_teacher(tmp_path):
    words = ["eins", "zwei", "drei"]
    sources = [f"{a} {b} {c} {a}" for a in words for b in words for c in words]
    pairs = [
        {"source": text, "target": " ".join(NUMBERS[word] for word in text.split())}
        for text in sources
    ]
    options = {
        "unlabelled": [f"{a} vier {b}" for a in NUMBERS for b in NUMBERS],
        "cache": tmp_path / "kept",
        "epochs": 1,
        "learning_rate": 0.01,
        "warmup": 0,
        "verbose": False,
        **TINY,
    }
    run = zoo.distill(
        "seq2seq", pairs, teacher=command(tmp_path), out=tmp_path / "run", **options
    )
    # In no pair of the data, and so in no vocabulary of the student alone.
    alone = zoo.load(run.folder / "alone")
    learned = [set(model.pipeline.target.vocabulary) for model in (alone, run.model)]
    assert learned[1] - learned[0] == {"four", "vier"}
    found = json.loads((run.folder / "teaching.json").read_text("utf-8"))
    assert found["asked"] == found["given"] == 16
    assert found["bleu"]["teacher"] == {"valid": 100.0, "test": 100.0}
    assert "## Teacher" in (run.folder / "report.md").read_text("utf-8")
    # The student teaches another one.
    teacher = open_translator(str(tmp_path / "run"), 60.0)
    said = translate(teacher, ["eins vier zwei"], tmp_path / "kept")
    assert said == run.model.translate(["eins vier zwei"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"teacher": ["command:true", "command:false"]}, "`teacher` .*one name"),
        ({"temperature": 2.0}, "`temperature` .*does not apply to a student"),
        ({"augment": 1}, "`augment` .*does not apply to a student"),
    ],
)
def test_bad_arguments(tmp_path, options, said):
    options = {"teacher": "command:true", "out": tmp_path / "run", **options}
    with pytest.raises(ValueError, match=f"{said}.*Received: "):
        zoo.distill("seq2seq", [{"source": "a", "target": "b"}], **options)
