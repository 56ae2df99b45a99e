"""The scripts that make the word vectors `english`."""

from __future__ import annotations

import csv
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from saved import ROOT
from scripts import script

import zoo
import zoo.weights
from zoo.data import Examples
from zoo.families.encoding.model import EncodingModel
from zoo.weights import shipped

pytestmark = pytest.mark.tensorflow


TEXTS, TABLE = (ROOT / "recipes/english" / name for name in ("texts.py", "table.py"))


def part(texts, **labels):
    return Examples(list(texts), labels, kinds={"kind": "multilabel"})


def test_texts_that_a_held_out_text_shares_are_left_out(tmp_path, monkeypatch, capsys):
    long = "one two three four five six seven eight nine ten eleven twelve thirteen"
    (tmp_path / "a.txt").write_text(
        f"It was late. He went home.\nToo short.\nSo, {long} and more of it.\n"
        f"So, {long.replace('seven', 'sixty')} and more of it.\n"
    )
    (tmp_path / "test.tsv").write_text(f"1\tNow {long.upper()}!\n")
    train = part(
        ["a fine\nday", f"well {long}"], kind=[["x", "y"], ["y"]], other=[1, 2]
    )
    splits = SimpleNamespace(
        train=train, valid=part([f"{long} it is"]), test=part(["none of it"])
    )
    texts = script(TEXTS)
    monkeypatch.setattr(texts, "load_named", lambda name: splits)
    command = [str(tmp_path / "a.txt"), "--labelled", "some", "--leave-out"]
    command += ["some other", "--held-out", str(tmp_path / "test.tsv")]
    texts.main([*command, "--to", str(tmp_path / "texts.csv")])
    said = capsys.readouterr().out
    assert "a.txt: 3 texts; left out 1" in said and "some: 1 texts; left out 1" in said
    with (tmp_path / "texts.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["text", "some kind"]
    assert sorted(map(tuple, rows)) == [
        ("He went home.", ""),
        ("It was late.", ""),
        (f"So, {long.replace('seven', 'sixty')} and more of it.", ""),
        ("a fine day", "x"),
    ]


def test_a_fiftieth_of_the_documents_is_held_out():
    lines = [line for n in range(5000) for line in (f"Text {n}.", "Its end.", "", "")]
    found = list(script(TEXTS).documents(lines))
    assert found.count("Its end.") == len(found) / 2
    assert 0.97 < len(found) / 10000 < 0.99


def test_the_table_holds_the_weighted_vectors_and_glove(tmp_path, capsys):
    keras.utils.set_random_seed(0)
    words = [*zoo.weights.vocabulary("glove-en")[:304], "qwxyz"]
    model = zoo.get("static_encoder", len(words), embedding_dim=156, width=3)
    weights = np.random.default_rng(0).normal(scale=0.2, size=(len(words), 1))
    model.get_layer("word_weight").set_weights([weights])
    EncodingModel(model, zoo.TextPipeline(words, max_length=9), {}, {}).save(
        tmp_path / "run/model"
    )
    texts = [[words[9], words[20], "qwxyz"], words[30:33]]
    lines = ["text", *map(" ".join, texts), ""]
    (tmp_path / "texts.csv").write_text("\n".join(lines))
    command = [str(tmp_path / "run"), "--texts", str(tmp_path / "texts.csv")]
    script(TABLE).main([*command, "--to", str(tmp_path / "made")])
    assert "301 words; 100.0% of the encoder's variance" in capsys.readouterr().out
    rows, values, scale = shipped.load_file(tmp_path / "made/vectors.npz", 256)
    found = values * scale[:, None]
    assert list(rows) == words[4:]
    taught = model.get_layer("embedding").get_weights()[0] * np.exp(weights)
    known, _ = zoo.weights.read_vectors("glove-en", words, scale=0.0)
    for mine, theirs in ((found[:, :156], taught[4:]), (found[:, 156:], known[4:])):
        own, expected = (x @ x.T for x in (mine, theirs))
        own, expected = (x / np.abs(x).max() for x in (own, expected))
        np.testing.assert_allclose(own, expected, atol=0.01)
    assert not found[-1, 156:].any() and found[-1, :156].any()
    assert np.sqrt(np.square(found).sum(axis=1).mean()) == pytest.approx(6.0, rel=0.01)
    # The mean vectors of the texts are twice as long in GloVe's part.
    means = np.stack(
        [
            found[[list(rows).index(word) for word in text]].mean(axis=0)
            for text in texts
        ]
    )
    squares = (
        np.square(means[:, part]).sum() for part in (slice(156), slice(156, 256))
    )
    shorter, longer = np.sqrt(list(squares))
    assert longer == pytest.approx(2 * shorter, rel=0.02)
