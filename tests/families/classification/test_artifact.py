"""Saved models: what comes back, and what a damaged folder is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo.families.classification.model import TextModel
from zoo.families.text_model import FORMAT_VERSION
from zoo.loading import load
from zoo.tasks import Task, as_tasks, written
from zoo.text import TextPipeline

pytestmark = pytest.mark.tensorflow

MOOD = "mood \u60c5/1"
TASKS = as_tasks(
    {
        MOOD: ["bad", "g|od", "\u597d"],
        "tags": Task("multilabel", ("a", "b\u00e9")),
        "price": Task("regression", mean=3.0, scale=2.0),
    }
)
TEXTS = ["a good day", "", "\u597d \u597d bad", "good " * 300, "b\u00e9 \U0001f600"]


@pytest.fixture(scope="module")
def text_model():
    pipeline = TextPipeline.learn(
        ["a good day", "a bad d\u00e9j\u00e0 \u597d"], min_count=1
    )
    keras.utils.set_random_seed(0)
    model = zoo.get("text_cnn", pipeline.vocab_size, TASKS, embedding_dim=4, maps=3)
    return TextModel(model, pipeline, TASKS, {"name": "text_cnn", "note": "\u597d"})


@pytest.fixture
def folder(text_model, tmp_path):
    return text_model.save(tmp_path / "run" / "model")


def test_answers_come_from_the_logits(text_model):
    """From the definitions, text by text, without batches and buckets."""
    answers = text_model.predict(TEXTS)
    assert len(answers) == len(TEXTS)
    for text, answer in zip(TEXTS, answers, strict=True):
        outputs = text_model.model(text_model.pipeline([text]), training=False)
        logits = {name: np.array(value)[0] for name, value in outputs.items()}
        assert list(answer) == list(TASKS)
        share = np.exp(logits[MOOD]) / np.exp(logits[MOOD]).sum()
        labels = TASKS[MOOD].labels
        assert answer[MOOD]["label"] == labels[share.argmax()]
        assert list(answer[MOOD]["scores"]) == list(labels)
        close(answer[MOOD]["scores"].values(), share)
        sigmoid = 1 / (1 + np.exp(-logits["tags"]))
        chosen = [n for n, s in zip(("a", "b\u00e9"), sigmoid, strict=True) if s > 0.5]
        assert answer["tags"]["label"] == "|".join(chosen)
        close(answer["tags"]["scores"].values(), sigmoid)
        value = answer["price"]["scores"]["value"]
        close([value], 3.0 + 2.0 * logits["price"])
        assert answer["price"]["label"] == written(value)


def close(found, expected):
    np.testing.assert_allclose(list(found), expected, rtol=1e-4, atol=1e-6)


def test_a_model_of_the_first_format_keeps_its_answers(text_model, folder):
    """Its regressions came out of the model in the unit of their targets."""
    metadata = json.loads((folder / "metadata.json").read_text("utf-8"))
    text = json.dumps({**metadata, "format_version": 1})
    (folder / "metadata.json").write_text(text, "utf-8")
    [answer] = load(folder).predict(TEXTS[:1])
    [new] = text_model.predict(TEXTS[:1])
    [output] = text_model.logits(TEXTS[:1])["price"]
    close([answer["price"]["scores"]["value"]], output)
    assert answer["price"] != new["price"] and answer[MOOD] == new[MOOD]


def test_a_few_texts_take_one_call(text_model, monkeypatch):
    """Of many lengths; they took a call of the model for each of eight lengths."""
    shapes = []
    original = text_model.model.predict_on_batch
    monkeypatch.setattr(
        text_model.model,
        "predict_on_batch",
        lambda tokens: shapes.append(tokens.shape) or original(tokens),
    )
    text_model.predict(["good " * (1 + 7 * number) for number in range(8)])
    assert [rows for rows, _ in shapes] == [8]


def test_any_number_of_texts(text_model):
    assert text_model.predict([]) == []
    many = text_model.predict(TEXTS * 3, batch_size=4)
    assert [a[MOOD]["label"] for a in many] == [
        text_model.predict([text])[0][MOOD]["label"] for text in TEXTS * 3
    ]
    for one in ("a text", b"bytes"):
        with pytest.raises(
            ValueError, match="must be a list of strings. Received: one"
        ):
            text_model.predict(one)


@pytest.mark.slow
def test_a_fresh_process_answers_the_same(text_model, folder):
    code = (
        "import json, sys, zoo\n"
        "model = zoo.load(sys.argv[1])\n"
        "answers = model.predict(json.loads(sys.argv[2]))\n"
        "print(json.dumps([answers, model.metadata]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder.parent), json.dumps(TEXTS)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answers, metadata = json.loads(done.stdout.splitlines()[-1])
    assert answers == text_model.predict(TEXTS)
    assert metadata["name"] == "text_cnn" and metadata["note"] == "\u597d"
    assert metadata["format_version"] == FORMAT_VERSION


def test_tasks_come_back(folder):
    assert load(folder).tasks == TASKS
    assert list(load(folder.parent).tasks) == list(TASKS)


def test_saving_again_replaces_all(text_model, folder):
    (folder / "left over").write_text("of an older version")
    text_model.save(folder)
    assert not (folder / "left over").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    load(folder)
    assert os.stat(folder).st_mode & 0o777 == 0o755


@pytest.mark.parametrize("broken", ["weights", "rename"])
def test_a_failure_leaves_the_old_folder(text_model, folder, monkeypatch, broken):
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    if broken == "weights":

        def fail(path):
            Path(path).write_bytes(b"half a file")
            raise OSError("No space left on device")

        monkeypatch.setattr(text_model.model, "save", fail)
    else:
        rename = os.rename

        def fail(source, target):
            if Path(target) == folder and (Path(source) / "metadata.json").exists():
                if not str(source).endswith("-old"):
                    raise OSError("No space left on device")
            rename(source, target)

        monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="No space left"):
        text_model.save(folder)
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_place_that_cannot_be_written(text_model, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        text_model.save(tmp_path / "file" / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("name", ["model.keras", "pipeline/vocab.txt"])
@pytest.mark.parametrize("damage", ["cut", "missing", "changed"])
def test_damaged_files_are_named(folder, name, damage):
    path = folder / name
    if damage == "cut":
        cut(path)
    elif damage == "missing":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    digest = json.loads((folder / "metadata.json").read_text())["sha256"][name]
    with pytest.raises(ValueError) as caught:
        load(folder)
    message = str(caught.value)
    assert str(path) in message and digest in message and "Received: " in message
    assert ("no file" in message) == (damage == "missing")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "7", "{}", '{"format_version": "new"}', '{"format_version": 1}']
    + ['{"format_version": 1, "sha256": {}, "tasks": {"a": {"kind": "odd"}}}'],
)
def test_metadata_that_cannot_be_read(folder, content):
    path = folder / "metadata.json"
    path.write_text(content)
    with pytest.raises(
        ValueError, match="must be the JSON metadata.*Received"
    ) as caught:
        load(folder)
    assert str(path) in str(caught.value)


def test_truncated_metadata(folder):
    cut(folder / "metadata.json")
    with pytest.raises(ValueError, match="metadata.json must be the JSON.*truncated"):
        load(folder)


def test_a_newer_format_is_refused(folder):
    path = folder / "metadata.json"
    metadata = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**metadata, "format_version": 3, "zoo": "9.9"}))
    message = (
        "format version 2 or older. Received: format version 3, written by zoo 9.9"
    )
    with pytest.raises(ValueError, match=message):
        load(folder)


def test_folders_that_are_no_models(tmp_path):
    missing = tmp_path / "no"
    for place, why in ((tmp_path, "holds no model"), (missing, "does not exist")):
        with pytest.raises(
            ValueError, match="`folder` must be a run, a name from"
        ) as error:
            load(place)
        assert f"Received: {place}, which {why}" in str(error.value)
    (tmp_path / "file").write_text("a file")
    with pytest.raises(ValueError, match="is a file; name the folder"):
        load(tmp_path / "file")
