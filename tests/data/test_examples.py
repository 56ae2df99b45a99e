"""Examples, the tasks learnt from them, and the arrays that a loss reads."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from zoo.data import DataError, Examples, encode_labels, join, learn_tasks
from zoo.tasks import Task


def table():
    return Examples(
        ["a", "b", "c", "d"],
        {
            "mood": ["up", "down", None, "up"],
            "tags": [("y",), (), ("x", "y"), None],
            "stars": [1.0, None, 4.0, 7.0],
        },
        [("t.csv", line) for line in (2, 3, 5, 6)],
        columns={"stars": "Stars given"},
    )


def test_kinds_are_told_from_the_values():
    kinds = {"mood": "categories", "tags": "multilabel", "stars": "regression"}
    assert table().kinds == kinds


def test_select_takes_rows_in_the_given_order():
    data = table().select([3, 0])
    assert data.texts == ["d", "a"] and data.where == [("t.csv", 6), ("t.csv", 2)]
    assert data.labels["stars"] == [7.0, 1.0] and data.columns["stars"] == "Stars given"
    assert len(table().select([])) == 0 and table().select([]).kinds == table().kinds


def test_select_of_unlabelled_rows_keeps_the_kind():
    data = table().select([1])  # no stars here
    assert data.kinds["stars"] == "regression"


def test_lengths_must_agree():
    with pytest.raises(
        DataError, match=r"`labels\['mood'\]`.*Accepted: 2.*Received: 1"
    ):
        Examples(["a", "b"], {"mood": ["up"]})
    with pytest.raises(DataError, match="`where`.*Accepted: 2.*Received: 1"):
        Examples(["a", "b"], {}, [("f", 1)])


def test_join_fills_missing_tasks():
    one = Examples(["a"], {"p": ["x"]}, [("one", 1)])
    two = Examples(["b"], {"q": [2.0]}, [("two", 1)])
    data = join([one, two])
    assert data.labels == {"p": ["x", None], "q": [None, 2.0]}
    assert data.kinds == {"p": "categories", "q": "regression"}
    assert data.where == [("one", 1), ("two", 1)]
    with pytest.raises(DataError, match="'p' must be of one kind"):
        join([one, Examples(["c"], {"p": [1.0]})])


def test_with_tasks():
    assert list(table().with_tasks(["stars"]).labels) == ["stars"]
    with pytest.raises(DataError, match="Accepted: mood, tags, stars. Received: x"):
        table().with_tasks(["x"])


def test_learn_tasks():
    tasks = learn_tasks(table())
    assert tasks["mood"] == Task("categories", ("down", "up"))
    assert tasks["tags"] == Task("multilabel", ("x", "y"))
    stars = np.array([1.0, 4.0, 7.0])
    assert tasks["stars"].mean == pytest.approx(stars.mean())
    assert tasks["stars"].scale == pytest.approx(stars.std())


def test_labels_are_sorted_as_numbers_where_all_are_numbers():
    data = Examples(list("abc"), {"a": ["10", "9", "-1"], "b": ["10", "9", "x"]})
    tasks = learn_tasks(data)
    assert tasks["a"].labels == ("-1", "9", "10")
    assert tasks["b"].labels == ("10", "9", "x")


def test_a_constant_target_has_scale_one():
    assert learn_tasks(Examples(["a", "b"], {"y": [3.0, 3.0]}))["y"].scale == 1.0


def test_learn_tasks_refuses():
    data = Examples(["a", "b"], {"y": ["x", "x"]}, [("t.csv", 2), ("t.csv", 3)])
    with pytest.raises(DataError) as caught:
        learn_tasks(data)
    for part in ("t.csv, column 'y'", "at least 2", "['x'] in 2 labelled rows"):
        assert part in str(caught.value)
    with pytest.raises(DataError, match="t.csv, column 'y': all training labels"):
        learn_tasks(Examples(["a"], {"y": [None]}, [("t.csv", 2)]))
    with pytest.raises(DataError, match="`kinds`.*Received: 'z': 'categories'"):
        learn_tasks(data, {"z": "categories"})
    with pytest.raises(DataError, match="too few different labels.*at least 1"):
        learn_tasks(Examples(["a"], {"y": [()]}))


def test_encode_labels():
    targets, weights = encode_labels(table(), learn_tasks(table()))
    np.testing.assert_array_equal(targets["mood"], [1, 0, 0, 1])
    np.testing.assert_array_equal(weights["mood"], [1, 1, 0, 1])
    np.testing.assert_array_equal(targets["tags"], [[0, 1], [0, 0], [1, 1], [0, 0]])
    np.testing.assert_array_equal(weights["tags"], [1, 1, 1, 0])
    deviations = np.array([-3, 0, 0, 3]) / np.std([1, 4, 7])  # 4 is the mean
    np.testing.assert_allclose(targets["stars"], deviations, rtol=1e-15)
    np.testing.assert_array_equal(weights["stars"], [1, 0, 1, 1])
    assert targets["mood"].dtype == np.int32
    assert targets["stars"].dtype == np.float64
    for array in (targets["tags"], *weights.values()):
        assert array.dtype == np.float32


@pytest.mark.parametrize(
    "values",
    [
        [1.7e9, 1.7e9 + 1, 1.7e9 + 3],
        [4.9e-7, 5e-7, 5.3e-7],
        [1e300, -1e300, 3e299],
        [0.1, 0.1, 0.1],
        [1e-200, 3e-200, 2e-200],
    ],
)
def test_regression_targets_keep_their_digits(values):
    """Standardised and back again, dates and tiny numbers are what they were."""
    data = Examples(list("abcd"), {"y": [*values, float("nan")]})
    task = learn_tasks(data)["y"]
    targets, weights = encode_labels(data, {"y": task})
    assert weights["y"].tolist() == [1, 1, 1, 0]
    there = targets["y"][:3]
    np.testing.assert_allclose(task.value(there), values, rtol=1e-15)
    if min(values) == max(values):
        assert not there.any() and task.scale == 1
    else:
        assert there.mean() == pytest.approx(0, abs=1e-6)
        assert there.std() == pytest.approx(1, abs=1e-6)


def test_a_regression_label_that_is_not_finite():
    data = Examples(["a"], {"y": [float("inf")]}, [("t.csv", 2)])
    with pytest.raises(DataError, match="t.csv, line 2.*a finite number"):
        encode_labels(data, {"y": Task("regression")})


def test_a_task_that_the_rows_lack_is_missing_in_all():
    targets, weights = encode_labels(
        Examples(["a", "b"], {}), {"mood": Task("categories", ("down", "up"))}
    )
    assert targets["mood"].tolist() == [0, 0] and weights["mood"].tolist() == [0, 0]
    targets, _ = encode_labels(table().select([]), learn_tasks(table()))
    assert targets["tags"].shape == (0, 2)


@pytest.mark.parametrize(
    "task, value, parts",
    [
        ("mood", "upp", ("column 'mood'", "'down', 'up'", "'upp'", "mean 'up'?")),
        ("tags", ("x", "why"), ("column 'tags'", "'x', 'y'", "'why'")),
        ("stars", "many", ("column 'Stars given'", "number", "'many'")),
    ],
)
def test_a_label_unknown_to_training(task, value, parts):
    data = table()
    data.labels[task][2] = value
    with pytest.raises(DataError) as caught:
        encode_labels(data, learn_tasks(table()))
    for part in ("t.csv, line 5", "Accepted: ", "Received: ", *parts):
        assert part in str(caught.value)


def test_a_task_unknown_to_training():
    data = Examples(
        ["a", "b"],
        {"toys": [None, "up"]},
        [("t.csv", 2), ("t.csv", 3)],
        columns={"toys": "mood"},
    )
    tasks = {"toy": Task("categories", ("down", "up"))}
    with pytest.raises(DataError) as caught:
        encode_labels(data, tasks)
    for part in ("t.csv, line 3", "'toys', unknown", "tasks 'toy'", "mean 'toy'?"):
        assert part in str(caught.value)
    data.labels["toys"] = [None, None]  # nothing to encode: no complaint
    encode_labels(data, tasks)


def test_importing_zoo_data_loads_neither_numpy_nor_a_backend():
    code = (
        "import sys, zoo.data; zoo.data.named_sets(); "
        "print(*{'numpy', 'tensorflow', 'keras', 'pyarrow'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == ""
