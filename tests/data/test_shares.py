"""What a run says of the rows of each class, and of texts that fill the data."""

from __future__ import annotations

from zoo.data import Examples, Splits
from zoo.data.shares import class_rows, share_table, share_warnings
from zoo.families import get_family


def parts(train, valid, test):
    """One task `y`, a text of its own in each row."""
    tables = {"train": train, "valid": valid, "test": test}
    return {
        part: Examples([f"{part} {i}" for i in range(len(values))], {"y": values})
        for part, values in tables.items()
    }


def test_rows_of_each_kind_of_label():
    found = class_rows(parts(["a", "b", "b", None], ["b"], ["a"]))
    assert found == {"y": {"b": [2, 1, 0], "a": [1, 0, 1]}}
    found = class_rows(parts([("p", "q"), ("q",), None], [()], [("q",)]))
    assert found == {"y": {"q": [2, 0, 1], "(no tag)": [0, 1, 0], "p": [1, 0, 0]}}
    found = class_rows(parts([1.5, 2.0, None], [3.0], []))
    assert found == {"y": {"(numbers)": [2, 1, 0]}}


def test_many_classes_are_summed_up():
    labels = [f"c{i:03}" for i in range(50) for _ in range(30 if i < 3 else 20)]
    table = share_table(parts(labels, labels, []), 3)
    assert table == [
        ["task", "class", "train", "valid", "test"],
        ["y", "c000", "30", "30", "0"],
        ["y", "c001", "30", "30", "0"],
        ["y", "c002", "30", "30", "0"],
        ["y", "(47 rarer)", "940", "940", "0"],
    ]
    assert share_table({"train": Examples(["a"], {})}, 3) == []


def test_classes_with_few_training_rows_are_named():
    made = parts(["a"] * 10 + ["b"] * 9, ["b"] * 5, ["c"])
    assert share_warnings(made) == [
        "y: 2 class(es) with fewer than 10 training rows: c (0), b (9)."
    ]
    many = share_warnings(parts([f"c{i}" for i in range(8)], [], []))
    assert many == [
        "y: 8 class(es) with fewer than 10 training rows: c0 (1), c1 (1), c2 (1), "
        "c3 (1), c4 (1) and 3 more."
    ]


def test_a_text_of_a_twentieth_of_the_data_is_named():
    def data(copies, others):
        texts = ["Away.", "away ."] * (copies // 2) + [f"t{i}" for i in range(others)]
        return {"train": Examples(texts, {})}

    assert share_warnings(data(10, 190)) == [
        "One text makes up 5 % of the data, 10 of 200 rows: 'Away.'."
    ]
    assert share_warnings(data(10, 191)) == []
    assert share_warnings(data(0, 12)) == []


def test_a_run_says_it_first():
    made = parts(["a|b"] * 12 + ["c"] * 4, ["c"], ["c"])
    said = get_family("classification").shares(Splits(*made.values()), 20)
    assert said.split("\n") == [
        "| task | class | train | valid | test |",
        "| ---- | ----- | ----- | ----- | ---- |",
        "| y    | a\\|b  | 12    | 0     | 0    |",
        "| y    | c     | 4     | 1     | 1    |",
        "",
        "y: 1 class(es) with fewer than 10 training rows: c (4).",
    ]
