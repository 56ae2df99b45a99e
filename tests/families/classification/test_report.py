"""The report: tables that Markdown reads, numbers that are those of the run."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import zoo.reporting
from zoo.families.classification import report
from zoo.families.classification.coverage import Coverage
from zoo.families.classification.encoded import Encoded
from zoo.families.classification.report import (
    Outcome,
    conclusion,
    results_table,
    write_report,
)
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.classification.verdict import recommend
from zoo.reporting import classifier_plots, comparison
from zoo.reporting.markdown import markdown_table
from zoo.tasks import Task
from zoo.training.metrics import evaluate

pytestmark = pytest.mark.tensorflow

ODD = ["a|b", "line\nbreak", "\u60c5\u611f", "$\\oops$", "_hidden", "\\|", "r" * 300]


def outcome(tasks, rows=40, seed=0, history=2, **changes):
    """What a run gives, with random answers."""
    generator = np.random.default_rng(seed)
    targets, weights, results = {}, {}, {"text_cnn": {}, "majority": {}, "linear": {}}
    for name, task in tasks.items():
        targets[name] = {
            "categories": generator.integers(0, task.outputs, rows),
            "multilabel": generator.integers(0, 2, (rows, task.outputs)),
            "regression": generator.normal(size=rows),
        }[task.kind]
        weights[name] = (np.arange(rows) % 4 > 0).astype("float32")
        for model in results:
            logits = generator.normal(size=(rows, task.outputs))
            results[model][name] = evaluate(task, targets[name], weights[name], logits)
    tokens = [np.arange(1, 2 + row % 5, dtype="int32") for row in range(rows)]
    parts = dict.fromkeys(("train", "valid"), Encoded(tokens, targets, weights))
    parts["test"] = Encoded([], targets, {n: w[:0] for n, w in weights.items()})
    logs = {"loss": 0.5, "val_loss": 0.25, "seconds": 3.0, "score": [0.625, -0.25]}
    coverage = {
        part: Coverage(len(encoded.tokens), 0, 40, 30, 3 if encoded.tokens else 0)
        for part, encoded in parts.items()
    }
    prepared = SimpleNamespace(
        tasks=tasks,
        parts=parts,
        splits=SimpleNamespace(notes=["A note."]),
        coverage=coverage,
    )
    settings = {
        "name": "text_cnn",
        "keywords": {},
        "settings": ClassificationSettings(seed=42).to_config(),
    }
    facts = dict(
        name="text_cnn",
        prepared=prepared,
        tasks=tasks,
        history=[logs] * history,
        results=results,
        parameters=12345,
        seconds=7.0,
        settings=settings,
    )
    return Outcome(**{**facts, **changes})


def tables(page):
    """Cells of every table, as GitHub's Markdown splits them."""
    found = []
    for block in re.findall(r"(?:^\|.*\n?)+", page, re.MULTILINE):
        rows = []
        for line in block.splitlines():
            assert line.startswith("|") and line.endswith("|")
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            rows.append([cell.strip().replace("\\|", "|") for cell in cells])
        assert len({len(row) for row in rows}) == 1, block
        assert all(re.fullmatch("-+", cell) for cell in rows[1])
        found.append([rows[0], *rows[2:]])
    return found


def odd_tasks():
    return {
        "task|1": Task("categories", tuple(ODD)),
        "tags\n2": Task("multilabel", ("a|b", "c")),
        "_$price": Task("regression"),
    }


def test_the_model_linear_stands_beside_the_baseline_of_that_name():
    found = {"majority": 1, "linear": 2, "linear on all tasks": 3}
    assert list(report._renamed(found, "linear")) == [
        "majority",
        "linear (scikit-learn)",
        "linear on all tasks",
    ]
    assert report._renamed(found, "text_cnn") == found


def test_page_with_odd_names(tmp_path):
    made = outcome(odd_tasks())
    path = write_report(made, tmp_path / "deep" / "run")
    page = path.read_text("utf-8")
    test, metrics, data, training, classes, labels = tables(page)
    assert [row[0] for row in test] == [
        "task",
        "task|1",
        "tags 2",
        "_$price",
        "_$price",
        "**mean**",
    ]
    assert [row[1] for row in test[3:5]] == ["r2", "mae"]
    assert "seed 42" in page and "12,345 parameters" in page and "- A note." in page
    assert {row[0] for row in classes[1:]} == {" ".join(name.split()) for name in ODD}
    assert [row[1] for row in data[1:]] == ["40", "40", "0"]
    assert [row[0] for row in training[1:]] == ["1", "2"]
    assert training[1][3:] == ["0.2500", "0.6250"]
    assert len(metrics) == 1 + 3 * 3 and metrics[0][2:4] == ["accuracy", "macro_f1"]
    assert metrics[1][:2] == ["task|1", "text_cnn"]
    assert {row[0] for row in labels[1:]} == {"a|b", "c"}


def test_numbers_are_those_of_the_results(tmp_path):
    task = Task("categories", ("a", "b", "c"))
    target = np.array([0] * 5 + [1] * 3 + [2] * 2)
    said = np.array([0, 0, 1, 1, 2, 1, 1, 0, 2, 0])
    result = evaluate(task, target, np.ones(10), np.eye(3)[said])
    made = outcome({"mood": task})
    for model in made.results:
        made.results[model]["mood"] = result
    page = write_report(made, tmp_path).read_text("utf-8")
    test, metrics, _, _, classes = tables(page)
    assert test[1] == ["mood", "accuracy", "10", *["0.5000"] * 3]
    assert metrics[0][2:] == ["accuracy", "macro_f1", "auc", "average_precision"]
    for row in metrics[1:]:
        assert row[2:] == [f"{result[name]:.4f}" for name in metrics[0][2:]]
    for row in classes[1:]:
        label = task.labels.index(row[0])
        hits = ((target == label) & (said == label)).sum()
        true, called = (target == label).sum(), (said == label).sum()
        assert row[1] == str(true)
        assert row[2] == f"{hits / called:.4f}" and row[3] == f"{hits / true:.4f}"
        assert row[4] == f"{2 * hits / (true + called):.4f}"
        wrong = np.bincount(said[(target == label) & (said != label)], minlength=3)
        assert row[5] == f"{task.labels[wrong.argmax()]} ({wrong.max()})"
    facts = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert facts["results"]["text_cnn"]["mood"] == json.loads(json.dumps(result))
    assert facts["means"] == {"text_cnn": 0.5, "majority": 0.5, "linear": 0.5}
    assert facts["settings"]["settings"]["seed"] == 42


def test_the_row_of_a_label_has_its_threshold(tmp_path):
    task = Task("multilabel", ("a", "b", "never"), thresholds=(0.25, 0.5, 0.75))
    target = np.array([[1, 0, 0]] * 4 + [[0, 1, 0]] * 6)
    logits = np.full((10, 3), -3.0)
    logits[:3, 0], logits[3:5, 0], logits[4:7, 1] = -1.0, -0.5, 1.0
    made = outcome({"tags": task})
    made.results["text_cnn"]["tags"] = evaluate(task, target, np.ones(10), logits)
    rows = tables(write_report(made, tmp_path).read_text("utf-8"))[-1]
    assert rows == [
        ["label", "rows", "precision", "recall", "F1", "threshold"],
        ["b", "6", "1.0000", "0.5000", "0.6667", "0.5000"],
        ["a", "4", "0.8000", "1.0000", "0.8889", "0.2500"],
        ["never", "0", "", "", "", "0.7500"],
    ]


@pytest.mark.parametrize("labels", [2, 10_000])
def test_few_and_many_labels(tmp_path, labels):
    task = Task("categories", tuple(map(str, range(labels))))
    page = write_report(outcome({"mood": task}), tmp_path).read_text("utf-8")
    classes = tables(page)[-1]
    assert len(classes) - 1 == min(labels, 30)
    assert ("9970 rarer labels are not shown" in page) == (labels > 30)
    assert (tmp_path / "confusion.png").exists() == (labels <= 30)
    assert (tmp_path / "results.json").stat().st_size < 50_000


@pytest.mark.filterwarnings("error")
def test_plots_are_images(tmp_path):
    page = write_report(outcome(odd_tasks()), tmp_path).read_text("utf-8")
    names = re.findall(r"!\[.*\]\((.*)\)", page)
    assert names == ["learning_curves.png", "confusion.png"]
    for name in names:
        with Image.open(tmp_path / name) as image:
            image.load()
            assert image.format == "PNG" and min(image.size) > 200
            assert len(image.convert("L").getcolors()) > 2


def test_epochs_of_an_ensemble_are_those_of_its_members(tmp_path):
    losses = {"cnn": (0.9, 0.5), "lstm": (0.8, 0.4, 0.2)}
    made = outcome({"mood": Task("categories", ("a", "b"))}, history=1)
    history = [
        {**made.history[0], "loss": loss, "member": name}
        for name, found in losses.items()
        for loss in found
    ]
    made = dataclasses.replace(made, history=history)
    page = write_report(made, tmp_path).read_text("utf-8")
    [table] = [table for table in tables(page) if table[0][0] == "epoch"]
    assert [row[0] for row in table[1:]] == [
        "cnn 1",
        "cnn 2",
        "lstm 1",
        "lstm 2",
        "lstm 3",
    ]
    axis = classifier_plots._curves(made).axes[0]
    epochs, shown = axis.lines[0].get_data()
    np.testing.assert_array_equal(epochs, [1, 2, np.nan, 3, 4, 5])
    np.testing.assert_array_equal(shown, [0.9, 0.5, np.nan, 0.8, 0.4, 0.2])
    assert axis.get_xlabel() == "epoch of cnn, then of lstm"
    assert comparison._line(history, "loss") == []


def test_without_matplotlib(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("plots", "classifier_plots"):
        monkeypatch.delitem(sys.modules, f"zoo.reporting.{name}", raising=False)
        monkeypatch.delattr(zoo.reporting, name, raising=False)

    class Lacking:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] == "matplotlib":
                raise ModuleNotFoundError(
                    f"No module named {name!r}", name="matplotlib"
                )

    monkeypatch.setattr(sys, "meta_path", [Lacking(), *sys.meta_path])
    page = write_report(outcome({"mood": Task("categories", ("a", "b"))}), tmp_path)
    assert "pip install matplotlib" in page.read_text("utf-8")
    assert not list(tmp_path.glob("*.png"))
    assert len(tables(page.read_text("utf-8"))) == 5


@pytest.mark.filterwarnings("error")
def test_a_task_without_test_rows_and_a_run_without_any(tmp_path):
    tasks = {"here": Task("categories", ("a", "b")), "absent": Task("regression")}
    made = outcome(tasks, history=0)
    for results in made.results.values():
        results["absent"] = {"rows": 0, "r2": float("nan")}
    page = write_report(made, tmp_path).read_text("utf-8")
    own = made.results["text_cnn"]["here"]["accuracy"]
    test = tables(page)[0]
    assert test[2] == ["absent", "r2", "0", "", "", ""]
    assert test[3][3] == f"{own:.4f}"

    def no_nan(name):
        raise AssertionError(name)

    text = (tmp_path / "results.json").read_text("utf-8")
    facts = json.loads(text, parse_constant=no_nan)
    assert facts["results"]["text_cnn"]["absent"]["r2"] is None
    for results in made.results.values():
        results["here"] = {"rows": 0, "accuracy": float("nan")}
    write_report(made, tmp_path)
    assert "has no labels" in conclusion(made)


@pytest.mark.filterwarnings("error")
def test_a_constant_target_has_an_error_and_no_r2(tmp_path):
    """It is not taken for labels that are missing, here or in the mean."""
    price = Task("regression", (), 3.0, 1.0)
    made = outcome({"price": price, "mood": Task("categories", ("a", "b"))})
    logs = {**made.history[0], "score": [float("nan"), -0.25]}
    for shift, name in enumerate(made.results):
        target, output = np.zeros(5), np.full((5, 1), 0.5 - shift / 5)
        made.results[name]["price"] = evaluate(price, target, np.ones(5), output)
    table = results_table(made.prepared.tasks, made.results)
    rows = tables(table)[0][1:]
    assert rows[0] == ["price", "r2", "5", *["undefined"] * 3]
    assert rows[1] == ["price", "mae", "5", "0.5", "0.3", "0.1"]
    assert rows[3][3:] == rows[2][3:]  # the mean is of the other task
    assert "Undefined: `price` r2 (the target is constant)." in table

    alone = outcome({"price": price}, history=0)
    alone.results.update({n: {"price": r["price"]} for n, r in made.results.items()})
    alone = dataclasses.replace(alone, history=[logs])
    page = write_report(alone, tmp_path).read_text("utf-8")
    assert tables(page)[3][1][4] == "undefined"
    assert "The epoch with the lowest validation loss was kept." in page
    said = conclusion(alone)
    assert "r2 is undefined, the target is constant" in said
    assert "error: 0.5; best baseline (linear): 0.1" in said
    assert "has no labels" not in page


def test_verdict_says_which_is_better():
    made = outcome({"mood": Task("categories", ("a", "b"))})
    scores = {"text_cnn": 0.75, "majority": 0.5, "linear": 0.8125}
    for model, score in scores.items():
        made.results[model]["mood"]["accuracy"] = score
    said = "Take linear: accuracy 0.8125 against 0.7500 of text_cnn"
    assert conclusion(made) == f"{said}."
    made.costs.update(text_cnn={"ms_a_text": 2.14}, linear={"ms_a_text": 0.4})
    assert conclusion(made) == f"{said}, 0.4 ms per text in Python against 2.1 ms."
    made.results["text_cnn"]["mood"]["accuracy"] = 0.8125
    assert conclusion(made).startswith("Take linear:")
    made.results["text_cnn"]["mood"]["accuracy"] = 0.875
    assert conclusion(made).startswith("Take text_cnn: accuracy 0.8750 against 0.8125")
    tasks = {**made.prepared.tasks, "price": Task("regression")}
    results = {n: {**r, "price": {"r2": 0.5}} for n, r in made.results.items()}
    found = recommend("text_cnn", tasks, results, made.costs)
    assert (found["take"], found["metric"]) == ("text_cnn", "mean score")
    assert found["score"] == 0.6875 and found["ms_a_text_against"] == 0.4


def test_tables_of_few_rows():
    assert markdown_table([["a", "bb"]]) == "| a | bb |\n| - | -- |"
    task = {"t": Task("categories", ("a", "b"))}
    table = results_table(task, {"run|1": {"t": {"rows": 1, "accuracy": 1.0}}})
    assert tables(table + "\n") == [
        [["task", "metric", "rows", "run|1"], ["t", "accuracy", "1", "1.0000"]]
    ]
