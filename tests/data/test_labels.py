"""One rendering of labels from every format, and what a reader says of a column."""

from __future__ import annotations

import datetime
import json
import unicodedata
from decimal import Decimal

import pytest

from zoo.data import DataError, read_table
from zoo.data.cells import MISSING
from zoo.data.lists import list_form, parse_list
from zoo.data.values import look_alikes, render


def table(folder, labels, name="a.csv", header="text,label"):
    """A table with a text for each label, written as it stands."""
    lines = [f"text {row},{label}" for row, label in enumerate(labels)]
    path = folder / name
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return path


def read(path, kind="categories", **options):
    return read_table(path, text="text", labels={"label": kind}, **options)


def notes(path, kind="categories", **options):
    """The notes without the name of the file."""
    return [
        note.replace(f"{path}", "FILE") for note in read(path, kind, **options).notes
    ]


# --- one rendering ----------------------------------------------------------------


@pytest.mark.parametrize(
    "label, values",
    {
        "1": [1, 1.0, "1", "1.0", " 1.00 ", Decimal("1.0")],
        "-3": [-3, -3.0, "-3.0"],
        "0": [0, 0.0, -0.0, "0.0", "-0.0"],
        "12345678901234567": [12345678901234567, "12345678901234567.0"],
        "1e+16": [1e16, "1e+16"],
        "2.5": [2.5, "2.5"],
        "1.10": ["1.10"],  # a version, which is not 1.1
        "007": ["007"],  # a code, which is not 7
        "1.05": [1.05, "1.05"],
        "true": [True, "True", "TRUE", "true"],
        "false": [False, "False", "FALSE"],
        "2024-01-31": [
            datetime.date(2024, 1, 31),
            datetime.datetime(2024, 1, 31),
            "2024-01-31",
            "2024-01-31 00:00:00",
            "2024-01-31T00:00:00.000",
        ],
        "2024-01-31 10:30:00": [
            datetime.datetime(2024, 1, 31, 10, 30),
            "2024-01-31T10:30",
            "2024-01-31 10:30:00",
        ],
        "2024-01-31 10:30:00.5+00:00": [
            datetime.datetime(2024, 1, 31, 10, 30, 0, 500000, datetime.UTC),
            "2024-01-31T10:30:00.500Z",
            "2024-01-31 10:30:00.5+0000",
        ],
        "caf\u00e9": ["caf\u00e9", "cafe\u0301", "\u00a0caf\u00e9 "],
    }.items(),
)
def test_render(label, values):
    assert [render(value) for value in values] == [label] * len(values)


def test_a_column_reads_alike_from_every_format(tmp_path):
    """What pandas and others write of one column: CSV, JSON Lines and Parquet."""
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet

    texts = [f"text {row}" for row in range(3)]
    day = datetime.date(2024, 1, 31)
    cases = [
        # The label, cells of CSV, values of JSON, Arrow arrays
        ("1", ["1", "1.0"], [1, 1.0, "1"], [[1], [1.0], ["1.0"], [Decimal("1.00")]]),
        ("true", ["True", "TRUE", "true"], [True, "True"], [[True]]),
        (
            "2024-01-31",
            ["2024-01-31", "2024-01-31 00:00:00"],
            ["2024-01-31T00:00:00.000"],
            [[day], [datetime.datetime(2024, 1, 31)]],
        ),
        ("0.1", ["0.1"], [0.1], [pyarrow.array([0.1], "float32"), [0.1]]),
    ]
    for label, cells, values, arrays in cases:
        for cell in cells:
            path = table(tmp_path, [cell] * 3)
            assert read(path).labels["label"] == [label] * 3, cell
        for value in values:
            path = tmp_path / "a.jsonl"
            lines = [json.dumps({"text": text, "label": value}) for text in texts]
            path.write_text("\n".join(lines))
            assert read(path).labels["label"] == [label] * 3, value
        for array in arrays:
            path = tmp_path / "a.parquet"
            columns = {"text": texts[:1], "label": array}
            pyarrow.parquet.write_table(pyarrow.table(columns), path)
            assert read(path).labels["label"] == [label], array


def test_numbers_of_32_bits_are_those_that_were_written(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "a.parquet"
    stars = pyarrow.array([0.1, None, 4.7], "float32")
    pyarrow.parquet.write_table(
        pyarrow.table({"text": list("abc"), "label": stars}), path
    )
    assert read(path, "regression").labels["label"] == [0.1, None, 4.7]


def test_what_is_rewritten_is_said(tmp_path):
    path = table(tmp_path, ["1.0", "1.0", "1", "2", "2"])
    assert notes(path) == [
        "FILE, column 'label': 2 labels read as in all formats: '1.0' is '1'."
    ]
    decomposed = unicodedata.normalize("NFD", "caf\u00e9")
    path = table(tmp_path, [decomposed, "caf\u00e9", "bar", "bar"])
    assert set(read(path).labels["label"]) == {"caf\u00e9", "bar"}
    assert "'cafe\\u0301' is 'caf\u00e9'" in notes(path)[0]


# --- missing labels ---------------------------------------------------------------


def test_missing_labels_are_counted_by_spelling(tmp_path):
    cells = ["up"] * 5 + ["down"] * 5 + ["", " ", "nan", "NULL", "NULL", "NA", "None"]
    path = table(tmp_path, cells)
    assert read(path).labels["label"][10:] == [None] * 7
    assert notes(path) == [
        "FILE, column 'label': 7 of 17 labels are missing "
        "(2 empty, 2 'NULL', 1 'nan', 1 'NA', 1 'None')."
    ]
    assert notes(table(tmp_path, ["up", "up", "down", "down"])) == []


@pytest.mark.parametrize("kind", ["categories", "multilabel", "regression"])
def test_every_kind_has_the_same_spellings(tmp_path, kind):
    path = table(tmp_path, ["1", "2", *MISSING])
    assert read(path, kind).labels["label"][2:] == [None] * len(MISSING)


def test_missing_labels_of_json(tmp_path):
    rows = ['"label": null', '"label": NaN', '"label": "NA"', '"label": "a"', '"l": 1']
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(f'{{"text": "x", {row}}}' for row in rows))
    assert read(path).labels["label"] == [None, None, None, "a", None]
    assert "4 of 5 labels are missing (3 null, 1 'NA')" in notes(path)[0]


def test_other_spellings(tmp_path):
    path = table(tmp_path, ["NA", "EU", "NA", "EU", "-", "-", ""])
    assert read(path).labels["label"] == [None, "EU", None, "EU", "-", "-", None]
    assert (
        "kept as labels: '-' (2 rows); if they mean a missing label: --missing=-."
        in (notes(path)[1])
    )
    given = read(path, missing=["-"])
    assert given.labels["label"] == ["NA", "EU", "NA", "EU", None, None, None]
    with pytest.raises(DataError, match="line 2, .*is not a number.*--missing"):
        read(table(tmp_path, ["-", "2"]), "regression")
    path = table(tmp_path, ["-", "2"])
    assert read(path, "regression", missing=["-"]).labels["label"] == [None, 2.0]


# --- lists ------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "/", ", "])
def test_multilabel_cells_with_another_separator(tmp_path, separator):
    cells = ["late", "lost", f"late{separator}lost", f"lost{separator}late"]
    path = table(tmp_path, [f'"{cell}"' for cell in cells])
    with pytest.raises(DataError) as caught:
        read(path, "multilabel")
    named = separator.strip()
    for part in (
        f"{path}, column 'label': 2 cells look",
        "Accepted: ",
        "Received: 'la",
        f"separator={named!r} (--separator ",
        "separator='|' (--separator '|')",
    ):
        assert part in str(caught.value)
    assert read(path, "multilabel", separator=named).labels["label"] == [
        ("late",),
        ("lost",),
        ("late", "lost"),
        ("lost", "late"),
    ]
    whole = read(path, "multilabel", separator="|").labels["label"]
    assert whole[2] == (f"late{separator}lost",)


def test_a_comma_in_a_name_is_no_separator(tmp_path):
    cells = ['"Smith, John"', '"Doe, Jane"', "none of them|other"]
    path = table(tmp_path, cells)
    labels = read(path, "multilabel").labels["label"]
    assert labels[0] == ("Smith, John",) and labels[2] == ("none of them", "other")


def test_both_separators_are_said(tmp_path):
    path = table(tmp_path, ["a|b", "a", "b", '"a,b"'])
    assert read(path, "multilabel").labels["label"][3] == ("a,b",)
    assert any(
        "1 cell looks like labels separated by ','" in n
        for n in notes(path, "multilabel")
    )


def test_separator_needs_a_multilabel_column(tmp_path):
    path = table(tmp_path, ["a", "b"])
    with pytest.raises(DataError, match="Accepted: a column of that kind"):
        read(path, separator=",")
    with pytest.raises(DataError, match="`separator`.*Received: ''"):
        read(path, "multilabel", separator="")


@pytest.mark.parametrize(
    "cell, items",
    [
        ('["a", "b c"]', ["a", "b c"]),
        ("['a', \"it's\"]", ["a", "it's"]),
        ("['a' 'b']", ["a", "b"]),  # NumPy
        ("['a'\n 'b']", ["a", "b"]),
        ("{'b', 'a'}", ["b", "a"]),
        ("('a',)", ["a"]),
        ("[]", []),
        ("[1, 2]", [1, 2]),
        ("[a, b]", None),
        ("{'a': 1}", None),
        ("()", None),
        ("a, b", None),
    ],
)
def test_parse_list(cell, items):
    assert parse_list(cell) == items


def test_lists_in_brackets_are_read_and_said(tmp_path):
    cells = ["\"['a', 'b']\"", "\"['b']\"", "[]", "b|c"]
    path = table(tmp_path, cells)
    labels = read(path, "multilabel").labels["label"]
    assert labels == [("a", "b"), ("b",), (), ("b", "c")]
    assert (
        "3 cells read as bracketed lists, such as ['a', 'b']."
        in (notes(path, "multilabel")[0])
    )


def test_categories_that_look_like_lists(tmp_path):
    path = table(tmp_path, ["late", "lost", "late;lost", "late;lost"])
    [note] = [note for note in notes(path) if "look like lists" in note]
    assert "labels of 2 rows look like lists, such as 'late;lost'" in note
    assert "--label label:multilabel --separator ';'." in note
    path = table(tmp_path, ["a|b", "a", "b", "b"])
    [note] = [note for note in notes(path) if "look like lists" in note]
    assert note.endswith("--label label:multilabel.")  # the usual separator
    path = table(tmp_path, ['"[""a"", ""b""]"', "a", "a", '"[""a""]"'])
    assert any("labels of 2 rows look like lists" in note for note in notes(path))
    assert not notes(table(tmp_path, ["2024/01", "2024/01", "2024/02", "2024/02"]))


def test_list_form_needs_parts_that_recur():
    assert list_form({"a, b": 1, "c, d": 1}) is None
    assert list_form({"a, b": 1, "b, c": 3, "c, a": 1}).rows == 5


# --- labels that look like mistakes -----------------------------------------------


def test_look_alikes():
    groups = [
        ["UP", "Up", "up."],
        ["due  now", "due now", "due-now", "due_now"],
        ["01", "1"],
        ["ab", "a\u200bb"],
        ["\uff21", "a"],  # a full-width letter
    ]
    for group in groups:
        assert look_alikes([*group, "other"]) == [sorted(group)]
    for apart in (["C", "C++", "C#"], ["A", "A-"], ["1", "-1"], ["1.10", "1.2"]):
        assert look_alikes(apart) == []


def test_look_alikes_are_named(tmp_path):
    path = table(tmp_path, ["Up", "Up", "UP", "UP", "down", "down"])
    assert notes(path) == [
        "FILE, column 'label': labels that look alike are kept apart: 'UP' (2 rows) "
        "and 'Up' (2 rows)."
    ]
    assert set(read(path).labels["label"]) == {"UP", "Up", "down"}
    path = table(tmp_path, ["a|B", "b|a", "B|b"])
    assert "'B' (2 rows) and 'b' (2 rows)" in notes(path, "multilabel")[0]


def test_tasks_that_look_alike(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"{row},{'yn'[row % 2]},{'Bb'[row // 4]}ooks" for row in range(8)]
    path.write_text("\n".join(["text,label,shop", *rows]))
    assert any(
        "column 'shop': labels that look alike" in note
        for note in read(path, task_column="shop").notes
    )


def test_labels_of_one_row(tmp_path):
    path = table(tmp_path, ["a", "a", "b", "b", "c", "d"])
    assert notes(path) == [
        "FILE, column 'label': 2 labels occur in one row only: 'c', 'd'."
    ]


def test_categories_that_may_be_numbers(tmp_path):
    path = table(tmp_path, [f"{number * 0.37:.2f}" for number in range(1, 41)])
    assert notes(path) == [
        "FILE, column 'label': 40 different numbers in 40 rows are read as categories; "
        "for a quantity use --label label:regression."
    ]
    ids = [str(number % 30) for number in range(300)]  # of thirty classes
    assert notes(table(tmp_path, ids)) == []


# --- rows that are none -----------------------------------------------------------


def test_blank_rows_are_no_rows(tmp_path):
    path = tmp_path / "a.csv"
    blank = ",,\n  ,\t,\n,,,,,\n,\n" * 20
    path.write_text(f"id,text,label\n{blank}1,good,up\n2,bad,down\n{blank}")
    data = read(path)
    assert data.texts == ["good", "bad"] and data.where[0][1] == 82
    assert data.notes[0] == f"{path}: 160 blank rows are left out."
    path = tmp_path / "b.csv"  # an id, and nothing beside it
    path.write_text("id,text,label\n1,good,up\n2,,\n3,bad,down\n4,,up\n5,so so,\n")
    data = read(path)
    assert data.texts == ["good", "bad", "", "so so"]
    assert data.notes[:2] == [
        f"{path}: 1 blank row is left out.",
        f"{path}, column 'text': 1 text is empty.",
    ]
    path.write_text("text,label\n,\n,\n")
    with pytest.raises(DataError, match="no rows.*Received: 2 blank"):
        read(path)


def test_blank_rows_of_json(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"text": "a", "label": 1}, {"text": None, "label": None}, {"text": " "}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert read(path).texts == ["a"]


# --- Excel ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first", ["sep=;\r\n", '"sep=;"\n', "SEP=;\n", "\ufeffsep=;\n"]
)
def test_a_first_line_that_names_the_delimiter(tmp_path, first):
    path = tmp_path / "a.csv"
    content = f'{first}text;label\n"one; two";up\nthree, four;down\n'
    path.write_bytes(content.encode())
    data = read(path)
    assert data.texts == ["one; two", "three, four"]
    assert data.where == [(str(path), 3), (str(path), 4)]
    path.write_bytes(content.encode() + b"five;up;more\n" + b'"six\n')
    with pytest.raises(DataError, match=r"line 6: a quote is opened .*'\"six'"):
        read(path)
    path.write_bytes(content.encode() + b"five;up;more\n")
    with pytest.raises(DataError, match="line 5: the row has 3 cell"):
        read(path)


def test_any_delimiter_can_be_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("sep=^\ntext^label\na, b^up\n")
    assert read(path).texts == ["a, b"]
