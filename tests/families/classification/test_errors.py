"""The most confident wrong answers, their table and their page."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from zoo.families.classification.errors import (
    errors_section,
    worst_errors,
    write_errors,
)
from zoo.reporting.explanation import Explanation, Word
from zoo.tasks import Task
from zoo.text.pairs import joined

TASKS = {
    "mood": Task("categories", ("bad", "fair", "good"), temperature=2.0),
    "tags": Task("multilabel", ("a", "b")),
    "price": Task("regression", mean=10.0, scale=2.0),
}
TEXTS = ["one", "two | <b>", "three", "four"]
OUTPUTS = {
    "mood": np.array([[0, 0, 4], [0, 0, 9], [0, 5, 0], [9, 0, 0]], "float32"),
    "tags": np.array([[2, -1], [3, 1], [-1, -2], [4, 0]], "float32"),
    "price": np.array([[0.0], [1.0], [2.0], [3.0]], "float32"),
}
TARGETS = {
    "mood": np.array([0, 1, 1, 1]),
    "tags": np.array([[0, 1], [0, 0], [0, 1], [1, 0]], "float32"),
    "price": np.array([0.0, 1.5, 0.0, 0.0]),
}
WEIGHTS = {"mood": [1, 1, 1, 0], "tags": [1] * 4, "price": [1, 1, 1, 0]}
LABELS = {
    "mood": ["bad", "fair", "fair", None],
    "tags": [("b",), (), ("b",), ("a",)],
    "price": [10.0, 13.0, 10.0, None],
}


def prepared(texts=TEXTS, pairs=False):
    test = SimpleNamespace(texts=texts, labels=LABELS, pairs=pairs)
    encoded = SimpleNamespace(targets=TARGETS, weights=WEIGHTS)
    splits = SimpleNamespace(test=test)
    return SimpleNamespace(splits=splits, parts={"test": encoded})


class Model:
    tasks = TASKS

    def __init__(self, works=True):
        self.works, self.asked = works, []

    def explain(self, texts, tasks):
        if not self.works:
            raise ValueError("no embedding")
        self.asked.append((list(texts), list(tasks)))
        word = (Word(texts[0][:3], 0, 3, 0.5),)
        target = "value" if tasks == ["price"] else "log-odds"
        found = Explanation("x", 1.0, word, 0.5, 0.0, 8, target, "a method")
        return [{tasks[0]: found} for _ in texts]


def test_the_most_confident_wrong_answers_of_each_task():
    model = Model()
    found = worst_errors(model, prepared(), OUTPUTS)
    assert model.asked == [
        (["two | <b>", "one"], ["mood"]),
        (["two | <b>", "one"], ["tags"]),
        (["three", "two | <b>"], ["price"]),
    ]
    assert [(e.task, e.text, e.label) for e in found[:3]] == [
        ("mood", "two | <b>", "fair"),
        ("mood", "one", "bad"),
        ("tags", "two | <b>", ""),
    ]
    powers = np.exp(np.array([0, 0, 4.5]))
    assert found[0].confidence == pytest.approx(powers[2] / powers.sum())
    assert found[2].confidence == pytest.approx(1 / (1 + np.exp(-3.0)))
    assert [e.confidence for e in found[4:]] == pytest.approx([4.0, 1.0])
    assert found[4].label == "10"


def test_few_errors_of_all_tasks_together():
    assert len(worst_errors(Model(), prepared(), OUTPUTS, most=3)) == 3
    assert [e.task for e in worst_errors(Model(), prepared(), OUTPUTS, most=2)] == [
        "mood",
        "tags",
    ]


def test_a_model_that_cannot_be_explained_has_no_section(tmp_path):
    found = worst_errors(Model(works=False), prepared(), OUTPUTS)
    assert found == [] == errors_section(found)
    write_errors(found, tmp_path, "name")
    assert not list(tmp_path.iterdir())


def test_the_table_and_the_page_escape_texts(tmp_path):
    found = worst_errors(Model(), prepared(), OUTPUTS)
    head, note, table = errors_section(found)
    assert head == "## Errors" and "log-odds or value of the answer" in note
    assert "two \\| &lt;b&gt;" in table and "two +0.50" in table
    assert all(line.count(" | ") >= 5 for line in table.splitlines())
    write_errors(found, tmp_path, "a < b")
    page = (tmp_path / "errors.html").read_text("utf-8")
    assert "<b>" not in page and "<h1>a &lt; b" in page and ">two</span>" in page


def test_pairs_show_both_texts():
    texts = [joined(text, "answer") for text in TEXTS]
    [first, *_] = worst_errors(Model(), prepared(texts, pairs=True), OUTPUTS)
    assert first.to_json()["text"] == ["two | <b>", "answer"]
    assert "| answer" in errors_section([first])[2]
