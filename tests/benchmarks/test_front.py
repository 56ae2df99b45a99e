"""The benchmark of classifiers in one run: who is asked what, and what is printed."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_teacher

from benchmarks import competitors, front
from zoo.data import Examples, Splits, learn_tasks
from zoo.reporting.plots import write_speeds

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def splits():
    texts = [f"{word} , said {row}" for row in range(30) for word in ("Good", "bad")]
    part = Examples(texts, {"mood": ["+", "-"] * 30})
    return Splits(part, part, part)


def test_all_models_get_the_same_texts():
    seen = {"a": [], "b": []}
    answers = {name: seen[name].append for name in seen}
    seconds = front.time_answers(answers, ["x", "yy", "zzz"], size=4, rounds=5)
    assert seen["a"] == seen["b"] and {len(texts) for texts in seen["a"]} == {4}
    assert all(values.shape == (5,) for values in seconds.values())


def test_the_table():
    seconds = {32: {"a|b": np.array([0.02, 0.01, 0.01])}}
    text = front.table({"a|b": 0.875}, {"a|b": 1.25}, seconds, "trec")
    head, _, row = (
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in text.splitlines()
    )
    assert head[:3] == ["trec", "test, %", "MB"] and "batch 32, texts/s" in head
    assert row == ["a\\|b", "87.5", "1.2", "3,200", "10.00 / 19.80"]


def test_a_file_that_tasks_share_counts_once():
    one, two = (competitors.Classifier(list, 2_000_000, name) for name in "ab")
    assert front.megabytes({"x": one, "y": one}) == 2.0
    assert front.megabytes({"x": one, "y": two}) == 4.0


@pytest.mark.parametrize("kind", ["linear", "fasttext"])
def test_what_it_is_compared_with(splits, kind):
    [(name, task)] = learn_tasks(splits.train).items()
    found = getattr(competitors, kind)(name, task, splits)
    if found is None:
        pytest.skip("fastText is not installed")
    assert found.answer(["GOOD\n, one", "bad", "so bad ,"]) == ["+", "-", "-"]
    assert competitors.accuracy(found.answer, name, splits.test) == 1.0
    assert found.size > 100


def test_a_teacher_with_a_logistic_regression(splits, tmp_path):
    path = tiny_teacher.make_teacher(tmp_path)
    [(name, task)] = learn_tasks(splits.train).items()
    # Its words are in lower case: "Good" is an unknown one.
    found = competitors.encoder(path, name, task, splits)
    assert found.answer(["bad", "Good"]) == ["-", "+"]
    assert found.size == sum(file.stat().st_size for file in tmp_path.iterdir())


def test_the_majority_of_a_task_with_gaps(splits):
    labels = ["-" if row % 3 == 0 else None for row in range(60)]
    labels[1] = "+"
    part = Examples(splits.train.texts, {"mood": labels})
    data = Splits(part, part, part)
    [(name, task)] = learn_tasks(part).items()
    answer, size, _ = competitors.majority(name, task, data)
    assert answer(["any"]) == ["-"] and size == 0
    assert competitors.accuracy(answer, name, part) == pytest.approx(20 / 21)


def test_data_with_other_tasks_are_refused(splits):
    part = splits.train
    number = Examples(
        part.texts, {**part.labels, "stars": [1.0] * 60}, kinds={"stars": "regression"}
    )
    with pytest.raises(SystemExit, match=r"must have tasks with cat.*Received: x with"):
        front.category_tasks(Splits(number, number, number), "x")


def test_the_plot(tmp_path):
    speeds = {1: {"_a": 10.0, "b": 99.0}, 32: {"_a": 70.0, "b": 5.0}}
    write_speeds(speeds, {"_a": 0.9, "b": 0.8}, tmp_path / "speeds.png")
    assert (tmp_path / "speeds.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.release
def test_the_command_on_two_tasks_that_share_no_text(tmp_path, monkeypatch, capsys):
    """The second run takes the export of the first."""
    names = ("mood/1", "kind")
    texts = [f"{word} , said {row}" for row in range(30) for word in ("good", "bad")]
    texts += [f"{word} , told {row}" for row in range(30) for word in ("cat", "sun")]
    gaps = [None] * 60
    labels = dict(zip(names, (["+", "-"] * 30 + gaps, gaps + ["a", "b"] * 30)))
    part = Examples(texts, labels)
    monkeypatch.setattr(front, "load_named", lambda name: Splits(part, part, part))
    model = "linear:weights=none,ngram_buckets=1024"
    command = ["--data", "hutto", "--rounds", "1", "--batch-sizes", "1", "3"]
    command += ["--folder", str(tmp_path), "--models", model]
    front.main(command)
    [row] = [
        line for line in capsys.readouterr().out.splitlines() if "| linear_" in line
    ]
    assert row.split("|")[2].strip() == "100.0"
    front_page = (tmp_path / "hutto/front.md").read_text("utf-8")
    assert row in front_page and "| majority" in front_page
    assert (tmp_path / "hutto/front.png").read_bytes().startswith(b"\x89PNG")

    monkeypatch.setattr(front.FAMILY, "trial", None)
    front.main(command)
    assert "| linear_" in capsys.readouterr().out

    [place] = (tmp_path / "hutto/exported").iterdir()
    other = Examples(["x", "y"], {"mood/1": ["+", "?"], "kind": ["a", "b"]})
    with pytest.raises(SystemExit, match="must be trained on the data"):
        front.served(place, learn_tasks(other))
