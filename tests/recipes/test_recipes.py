"""Each recipe runs from its data to its export, on texts of the standard library."""

from __future__ import annotations

import csv
import importlib
import inspect
import io
import json
import keyword
import re
import token
import tokenize

import pytest
import tensorflow as tf
import tensorflow_text  # noqa: F401  (the ops of an export)
from saved import ROOT
from scripts import script

pytestmark = pytest.mark.tensorflow

RECIPES = sorted((ROOT / "recipes").glob("*.py"))
TOPICS = {
    "numbers": ("statistics", "fractions", "random", "_pydecimal", "colorsys"),
    "files": ("tarfile", "zipfile", "tempfile", "shutil", "pathlib", "gzip"),
}
MODULES = [module for modules in TOPICS.values() for module in modules]


def recipe(name: str):
    return script(ROOT / "recipes" / f"{name}.py")


def members():
    """Topic, kind, name and documentation of what the modules define."""
    topics = {module: topic for topic, found in TOPICS.items() for module in found}
    for module in map(importlib.import_module, MODULES):
        found = dict(inspect.getmembers(module))
        for value in list(found.values()):
            if inspect.isclass(value):
                found.update(inspect.getmembers(value, inspect.isroutine))
        for name, value in sorted(found.items()):
            text = inspect.getdoc(value) if callable(value) else None
            if text and inspect.getmodule(value) is module:
                kind = "class" if inspect.isclass(value) else "function"
                yield topics[module.__name__], kind, name, " ".join(text.split()[:16])


def write_table(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Documentation with its topic, what it is of, and its length.

    XLA compiles each size of a batch: 320 rows are 256, 32 and 32 after the split.
    """
    monkeypatch.chdir(tmp_path)
    rows = [
        (text, topic, kind, len(text.split())) for topic, kind, _, text in members()
    ]
    assert len(rows) > 320
    header = ("text", "label", "kind", "words")
    return write_table(tmp_path / "docs.csv", header, rows[:320])


def serves(printed: str, text: str) -> dict:
    """What the export that a recipe names answers."""
    [folder] = re.findall(r"^Exported: (\S+/1)$", printed, re.M)
    serve = tf.saved_model.load(folder).signatures["serving_default"]
    return {key: value.numpy() for key, value in serve(tf.constant([text])).items()}


def test_there_is_a_script_a_task():
    assert [path.stem for path in RECIPES] == [
        "language_modeling",
        "multi_task",
        "search",
        "tagging",
        "text_classification",
        "translation",
    ]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_short_and_read_from_top_to_bottom(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 120
    steps = ["zoo.read(", "keras.Input(", "keras.Model(", ".compile(", ".export("]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)
    fit = ".search(" if path.stem == "search" else ".fit("
    assert places[-2] < text.index(fit) < places[-1]
    assert "zoo.get(" not in text


def test_the_recipes_show_the_layers_of_the_zoo():
    text = "".join(path.read_text("utf-8") for path in RECIPES)
    used = set(re.findall(r"layers\.(\w+)\(", text))
    assert used >= {
        "FactorizedLSTM",
        "GroupLSTM",
        "SparseMoE",
        "CRF",
        "TanhProductAttention",
        "AttentionPooling",
    }


@pytest.mark.slow
def test_text_classification(table, capsys):
    scores = recipe("text_classification").main([table, "--epochs", "6"])
    printed = capsys.readouterr().out
    assert scores["accuracy"] > 0.75
    assert f"Test: {scores['accuracy']:.4f} accuracy" in printed
    answers = serves(printed, "Returns the mean of the data.")
    assert answers["scores"].shape == (1, 2)


@pytest.mark.release
def test_multi_task(table, capsys):
    labels = [f"--label={label}" for label in ("label", "kind", "words:regression")]
    text_model = recipe("multi_task").main([table, *labels, "--epochs", "2"])
    printed = capsys.readouterr().out
    assert list(text_model.tasks) == ["label", "kind", "words"]
    assert len(re.findall(r"^Test \w+_accuracy: 0\.\d+$", printed, re.M)) == 2
    [answer] = text_model.predict(["A socket."])
    served = serves(printed, "A socket.")
    assert served["kind_label"][0].decode() == answer["kind"]["label"]
    assert served["words_scores"][0, 0] == pytest.approx(
        answer["words"]["scores"]["value"], rel=1e-3
    )


@pytest.mark.slow
def test_language_modeling(table, capsys):
    perplexity = recipe("language_modeling").main([table, "--epochs", "2"])
    printed = capsys.readouterr().out
    assert 1 < perplexity < 800  # more than 1,000 words
    assert f"Test: a perplexity of {perplexity:.1f}" in printed
    answer = serves(printed, "Return the")
    assert answer["text"].shape == (1,)


@pytest.mark.slow
def test_tagging(tmp_path, monkeypatch, capsys):
    """Words of a program with the kind of each."""
    monkeypatch.chdir(tmp_path)
    lines = []
    for module in map(importlib.import_module, MODULES):
        source = io.StringIO(inspect.getsource(module))
        sentence = []
        for found in tokenize.generate_tokens(source.readline):
            if found.type in (token.NAME, token.OP, token.NUMBER):
                kind = "WORD" if keyword.iskeyword(found.string) else None
                kind = kind or token.tok_name[found.type]
                sentence.append((found.string, kind))
            elif found.type == token.NEWLINE and 2 < len(sentence) < 16:
                tokens, tags = map(list, zip(*sentence))
                lines.append(json.dumps({"tokens": tokens, "tags": tags}))
            if found.type in (token.NEWLINE, token.NL):
                sentence = []
    path = tmp_path / "programs.jsonl"
    path.write_text("\n".join(lines[:480]), "utf-8")
    scores = recipe("tagging").main([str(path), "--label=tags:none", "--epochs=2"])
    printed = capsys.readouterr().out
    assert scores["token_accuracy"] > 0.9
    assert f"Test token_accuracy: {scores['token_accuracy']:.4f}" in printed
    answer = serves(printed, "if x")
    assert [tag.decode() for tag in answer["tags"][0]] == ["WORD", "NAME"]


@pytest.mark.slow
def test_translation(tmp_path, monkeypatch, capsys):
    """Names of a program into words."""
    monkeypatch.chdir(tmp_path)
    names = sorted({name.strip("_") for _, _, name, _ in members()})
    pairs = [(name, name.replace("_", " ")) for name in names if name][:400]
    path = write_table(tmp_path / "names.csv", ("source", "target"), pairs)
    options = ["--vocab-size=200", "--epochs=2"]
    score = recipe("translation").main([path, *options])
    printed = capsys.readouterr().out
    assert 0 <= score <= 100 and f"Test: {score:.1f} BLEU" in printed
    assert serves(printed, "add_argument")["translation"].shape == (1,)


@pytest.mark.release
def test_search(table, capsys):
    pytest.importorskip("keras_tuner")
    best = recipe("search").main([table, "--trials=2", "--epochs=2"])
    printed = capsys.readouterr().out
    assert best["cell"] in ("lstm", "factorized", "group")
    assert f"Test: {best['accuracy']:.4f} accuracy" in printed
    answers = serves(printed, "Returns the mean of the data.")
    assert answers["scores"].shape == (1, 2)
