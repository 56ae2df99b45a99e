"""The script that makes the trained models that ship."""

from __future__ import annotations

import json
import re
import sys

import pytest
from saved import ROOT, SAVED
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
    for module in ("models", "figures"):
        monkeypatch.delitem(sys.modules, module, raising=False)
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

    def refused(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(make.zoo, "distill", refused)
    monkeypatch.setitem(make.MODELS, "toy", spec)
    places = ["--to", str(tmp_path / "2"), "--runs", str(tmp_path / "runs")]
    make.main(["toy", "--pack", *places])
    again = json.loads((tmp_path / "2/card.json").read_text("utf-8"))
    assert again["version"] == 2 and again["test"] == card["test"]
    for key in ("checks", "limits", "sections", "table"):
        assert again[key] == card[key]


@pytest.fixture
def figures(make):
    return sys.modules["figures"]


class Tagger:
    """Splits at spaces and hyphens, and says that all words are nouns but `a`."""

    def predict(self, texts):
        answers = []
        for text in texts:
            found = [match.span() for match in re.finditer("[^ -]+|-", text)]
            tags = ["DET" if text[a:b] == "a" else "NOUN" for a, b in found]
            offsets = [[len(text[:i].encode()) for i in span] for span in found]
            answers.append({"offsets": offsets, "tags": {"pos": tags}})
        return answers


@pytest.mark.tensorflow
def test_words_that_a_tagger_splits_by_itself(figures, monkeypatch):
    from zoo.data import Splits
    from zoo.data.sentences import TaggedSentences

    words = [["a", "käse-brot", "is"], ["x-a", "déjà"]]
    tags = [["DET", "NOUN", "VERB"], ["NOUN", "NOUN"]]
    part = TaggedSentences(words, {"pos": tags})
    monkeypatch.setattr(figures, "load_named", lambda name: Splits(part, part, part))
    [said] = figures.accuracy_of_raw_words(Tagger(), {"data": "toy"})
    # Wrong are `is`, and `x-a`, whose pieces differ; two words are split.
    assert "60.0 % of the words have their tag; 60.0 % of them stay whole." in said


@pytest.mark.tensorflow
def test_the_perplexity_of_a_kind_is_that_of_its_texts(figures, monkeypatch):
    import zoo
    from zoo.data import Examples, Splits

    texts = {"fiction": ["good", "so good"], "medical": ["bad", "good bad bad"]}
    rows = [(text, kind) for kind, found in texts.items() for text in (*found, "")]
    where = [(f"x/{kind}.txt.xz", 1) for _, kind in rows]
    part = Examples([text for text, _ in rows], {}, where)
    monkeypatch.setattr(figures, "load_named", lambda name: Splits(part, part, part))
    model = zoo.load(SAVED / "language")
    [said] = figures.perplexity_by_kind(model, {})
    for kind, found in texts.items():
        expected = zoo.evaluate(model, {"text": found}, verbose=False)["perplexity"]
        assert f"{kind} {expected:.1f} (" in said
