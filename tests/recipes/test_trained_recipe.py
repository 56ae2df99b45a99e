"""The script that makes the trained models that ship."""

from __future__ import annotations

import json
import sys

import pytest
from saved import ROOT
from scripts import script

FOLDER = ROOT / "recipes/trained"
WORDS = {"bad": ("dull", "slow", "poor"), "good": ("fine", "fast", "great")}
LONG = "one two three four five six seven eight nine ten eleven twelve thirteen"
# Answers that tell the labels apart by their words.
TEACHER = """
import sys
for line in sys.stdin:
    good = 0.9 if any(word in line for word in ("fine", "fast", "great")) else 0.1
    print('{"good": %s, "bad": %s}' % (good, round(1 - good, 1)), flush=True)
"""


def rows(count: int, first: int = 0) -> list[dict]:
    return [
        {"text": f"a {WORDS[label][n % 3]} film {n}", "mood": label}
        for n in range(first, first + count)
        for label in WORDS
    ]


@pytest.fixture
def make(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "models", raising=False)
    return script(FOLDER / "make.py")


def test_a_teacher_is_named_where_there_are_texts_for_it(make, tmp_path, capsys):
    for given, message in (
        (["sentiment-en"], "must be a folder of transformers"),
        (["spam-en", "--teacher", "minilm"], "must be no teacher"),
    ):
        with pytest.raises(SystemExit):
            make.main([*given, "--to", str(tmp_path / "1")])
        assert f"`--teacher` of {given[0]} {message}" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


@pytest.mark.tensorflow
def test_opinions_repeat_no_held_out_text(make, monkeypatch):
    from zoo.data import Examples, Splits

    texts = ["known", "fresh", f"so {LONG} and on"]
    part = Examples(texts, {"mood": ["x"] * 3})
    models = sys.modules["models"]
    monkeypatch.setattr(models, "load_named", lambda name: Splits(part, part, part))
    data = {"data": [{"text": "known"}], "valid": [], "test": [{"text": LONG.upper()}]}
    assert models.opinions(data) == ["fresh", "fresh"]  # of two sets


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_taught_model_is_packed_with_its_card(make, tmp_path, monkeypatch):
    (tmp_path / "teacher.py").write_text(TEACHER)
    (tmp_path / "toy.jsonl").write_text('{"text": "great", "labels": {"mood": "good"}}')
    monkeypatch.setattr(make, "CHECKS", tmp_path)
    # What the check of an export says: no problem, and the time of a request.
    monkeypatch.setattr("zoo.serving.publish._checked", lambda folder: ([], 0.5))
    spec = sys.modules["models"].Spec(
        summary="A toy.",
        model="text_cnn",
        data=lambda: {
            "data": rows(20),
            "valid": rows(5, 20),
            "test": rows(5, 30),
            "label": "mood",
        },
        sources=(("toy", "CC0", "60"),),
        uses=("Tests.",),
        limits=("A toy.",),
        settings={
            "epochs": 1,
            "maps": 2,
            "windows": [1],
            "embedding_dim": 4,
            "weights": "none",
        },
        further=lambda data: [f"so {word}" for word in ("fine", "slow", "great")],
    )
    teacher = f"command:{sys.executable} {tmp_path / 'teacher.py'}"
    card = make.make("toy", spec, tmp_path / "1", tmp_path / "runs", teacher)
    assert card["command"].endswith("toy --teacher MINILM --to FOLDER")
    assert card["checks"][0]["answer"].keys() >= {"mood"}
    assert card["facts"][make.SERVED] == "0.50"
    taught = json.loads((tmp_path / "runs/toy/teaching.json").read_text("utf-8"))
    assert taught["asked"] == 3
    assert (tmp_path / "1/weights.npz").is_file()
