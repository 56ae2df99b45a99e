"""The benchmark of exported classifiers: who is asked what, and what is printed."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from saved import ROOT

from zoo.data import Examples, Splits, learn_tasks
from zoo.reporting.plots import write_speeds

pytestmark = pytest.mark.tensorflow


def load(name, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module(name)


@pytest.fixture
def splits():
    texts = [f"{word} , said {row}" for row in range(30) for word in ("Good", "bad")]
    part = Examples(texts, {"mood": ["+", "-"] * 30})
    return Splits(part, part, part)


def test_all_models_get_the_same_texts(monkeypatch):
    serving = load("serving", monkeypatch)
    seen = {"a": [], "b": []}
    answers = {name: seen[name].append for name in seen}
    seconds = serving.time_answers(answers, ["x", "yy", "zzz"], size=4, rounds=5)
    assert seen["a"] == seen["b"] and {len(texts) for texts in seen["a"]} == {4}
    assert all(values.shape == (5,) for values in seconds.values())


def test_the_table(monkeypatch):
    serving = load("serving", monkeypatch)
    seconds = {32: {"a|b": np.array([0.02, 0.01, 0.01])}}
    head, _, row = serving.table({"a|b": 0.875}, seconds, "trec").splitlines()
    assert head.split(" | ")[0] == "| trec" and "batch 32, texts/s" in head
    assert row.split() == [
        "|",
        "a\\|b",
        "|",
        "87.5",
        "|",
        "3,200",
        "|",
        "10.00",
        "/",
        "19.80",
        "|",
    ]


@pytest.mark.parametrize("kind", ["linear", "fasttext"])
def test_what_it_is_compared_with(monkeypatch, splits, kind):
    others = load("serving_others", monkeypatch)
    [(name, task)] = learn_tasks(splits.train).items()
    answer = getattr(others, f"{kind}_answer")(name, task, splits)
    if answer is None:
        pytest.skip("fastText is not installed")
    assert answer(["GOOD\n, one", "bad", "so bad ,"]) == ["+", "-", "-"]
    assert others.accuracy(answer, name, splits.test) == 1.0


def test_data_with_other_tasks_are_refused(monkeypatch, splits):
    serving = load("serving", monkeypatch)
    part = splits.train
    two = Examples(part.texts, {**part.labels, "again": part.labels["mood"]})
    with pytest.raises(SystemExit, match="must have one task.*Received: x with"):
        serving.only_task(Splits(two, two, two), "x")


def test_the_plot(tmp_path):
    speeds = {1: {"_a": 10.0, "b": 99.0}, 32: {"_a": 70.0, "b": 5.0}}
    write_speeds(speeds, {"_a": 0.9, "b": 0.8}, tmp_path / "speeds.png")
    assert (tmp_path / "speeds.png").read_bytes().startswith(b"\x89PNG")
