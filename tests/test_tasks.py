"""Tasks: what users may write, and what they are told when they may not."""

from __future__ import annotations

import json

import pytest

from zoo.tasks import Task, as_tasks, safe_names


def test_short_forms_are_read():
    tasks = as_tasks(
        {
            "count": 3,
            "list": ["no", "yes"],
            "number": "regression",
            "task": Task("multilabel", ("a",)),
            "config": {"kind": "categories", "labels": ["x", "y"]},
        }
    )
    assert list(tasks) == ["count", "list", "number", "task", "config"]
    assert tasks["count"].labels == ("0", "1", "2")
    assert tasks["list"] == Task("categories", ("no", "yes"))
    assert tasks["number"] == Task("regression")
    assert tasks["task"].outputs == 1 and tasks["number"].outputs == 1
    assert tasks["config"] == Task("categories", ("x", "y"))


@pytest.mark.parametrize("short, labels", [(None, 2), (4, 4), (["a", "b", "c"], 3)])
def test_one_task_needs_no_name(short, labels):
    [(name, task)] = as_tasks(short).items()
    assert (name, task.kind, task.outputs) == ("label", "categories", labels)


def test_names_and_labels_become_strings():
    tasks = as_tasks({7: [1, 2]})
    assert tasks["7"].labels == ("1", "2")


def test_config_survives_json():
    for task in (
        Task("categories", ("b\u00e9", "\u60c5")),
        Task("multilabel", ("a",)),
        Task("multilabel", ("a", "b"), thresholds=(0.25, 0.5)),
        Task("regression", mean=-1.5, scale=0.25),
    ):
        assert Task.from_config(json.loads(json.dumps(task.to_config()))) == task


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("ranking", ("a", "b")), "`kind` must be one of.*Received: kind='ranking'"),
        (("categories", ("a",)), "`labels` of a categories task must hold at least 2"),
        (("multilabel", ()), "must hold at least 1"),
        (("regression", ("a",)), "must hold no labels.*Received: labels=\\('a',\\)"),
        (("categories", ("a", "a")), "must not repeat a name"),
        (("categories", (1, "1")), "must not repeat a name"),
        (("regression", (), 0.0, 0.0), "positive and finite. Received: scale=0"),
        (("regression", (), 0.0, float("nan")), "`scale` must be positive"),
        (("regression", (), 0.0, float("inf")), "`scale` must be positive and finite"),
    ],
)
def test_wrong_tasks_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Task(*arguments)


@pytest.mark.parametrize(
    "kind, thresholds",
    [
        ("categories", (0.5, 0.5)),
        ("multilabel", (0.5,)),
        ("multilabel", (0.5, 0.0)),
        ("multilabel", (0.5, 1.0)),
        ("multilabel", (0.5, float("nan"))),
    ],
)
def test_wrong_thresholds_are_refused(kind, thresholds):
    message = "`thresholds` must be empty or.* Received: thresholds=.*label"
    with pytest.raises(ValueError, match=message):
        Task(kind, ("a", "b"), thresholds=thresholds)


def test_a_config_without_thresholds_is_read():
    config = Task("multilabel", ("a", "b")).to_config()
    del config["thresholds"]
    assert Task.from_config(config).cuts == (0.5, 0.5)


@pytest.mark.parametrize("spec", [True, 1.5, "category", {1, 2}, None])
def test_wrong_specs_are_refused(spec):
    with pytest.raises(ValueError, match=r"`tasks\['x'\]` must be a Task.*Received"):
        as_tasks({"x": spec})


def test_no_task_is_refused():
    with pytest.raises(ValueError, match="must name at least one task"):
        as_tasks({})


def test_safe_names_are_different_and_plain():
    names = ["mood", "task_1", "\u60c5 \u611f", "a/b", "9", "task_4", ""]
    safe = safe_names(names)
    assert list(safe) == names
    assert len(set(safe.values())) == len(names)
    assert safe["mood"] == "mood" and safe["task_1"] == "task_1"
    assert safe["9"] == "task_4_"  # "task_4" is another task's own name
    assert all(name.isascii() and "/" not in name for name in safe.values())
