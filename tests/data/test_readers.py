"""What the table readers read, and what becomes of rows that are left out."""

from __future__ import annotations

import csv
import gzip
import json
import warnings

import pytest

from zoo.data import DataError, learn_tasks, read_columns, read_table

MOOD = {"mood": "categories"}


def write(folder, name, content, encoding="utf-8"):
    path = folder / name
    if isinstance(content, str):
        content = content.encode(encoding)
    path.write_bytes(content)
    return path


def read(path, labels=MOOD, **options):
    return read_table(path, text="text", labels=labels, **options)


def refused(path, *parts, labels=MOOD, **options):
    """Reads, expects a `DataError` that holds all of `parts`, and returns it."""
    with pytest.raises(DataError) as caught:
        read(path, labels, **options)
    message = str(caught.value)
    for part in (str(path), "Accepted: ", "Received: ", *parts):
        assert part in message, f"{part!r} is not in {message!r}"
    return caught.value


# --- what is read -----------------------------------------------------------------


def test_the_same_rows_from_every_format(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet

    rows = [
        {"text": "good, very", "mood": "up", "stars": 4.5, "tags": ["a", "b"]},
        {"text": "", "mood": None, "stars": None, "tags": []},
        {"text": "12", "mood": "down", "stars": -1.0, "tags": None},
    ]
    plain = 'text,mood,stars,tags\n"good, very",up,4.5,a|b\n,,,|\n12,down,-1,\n'
    tabs = (
        "text\tmood\tstars\ttags\ngood, very\tup\t4.5\ta|b\n\t\t\t|\n12\tdown\t-1\t\n"
    )
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    files = [
        write(tmp_path, "a.csv", plain),
        write(tmp_path, "a.csv.gz", gzip.compress(plain.encode())),
        write(tmp_path, "a.tsv", tabs),
        write(tmp_path, "a.jsonl", lines),
        write(tmp_path, "a.jsonl.gz", gzip.compress(lines.encode())),
        tmp_path / "a.parquet",
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), files[-1])
    kinds = {"mood": "categories", "stars": "regression", "tags": "multilabel"}
    for path in files:
        data = read(path, kinds)
        assert data.texts == ["good, very", "", "12"], path
        assert data.labels == {
            "mood": ["up", None, "down"],
            "stars": [4.5, None, -1.0],
            "tags": [("a", "b"), (), None],
        }, path
        assert data.kinds == kinds and data.skipped == []
        first = {"csv": 2, "tsv": 2}.get(path.name.split(".")[1], 1)
        assert data.where == [(str(path), first + i) for i in range(3)]


def test_quoted_newlines_and_quotes_keep_the_physical_line(tmp_path):
    content = 'text,mood\r\n"one\r\ntwo ""x""",up\r\n\r\nthree,down\r\n'
    data = read(write(tmp_path, "a.csv", content))
    assert data.texts == ['one\r\ntwo "x"', "three"]
    assert [line for _, line in data.where] == [2, 5]
    bad = write(tmp_path, "b.csv", 'text,stars\n"one\n\ntwo",1\nthree,many\n')
    refused(
        bad,
        "line 5, column 'stars'",
        "'many'",
        "number",
        labels={"stars": "regression"},
    )


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_byte_order_marks(tmp_path, encoding):
    mark = "\ufeff" if encoding[-3:] in ("-le", "-be") else ""
    path = write(tmp_path, "a.csv", mark + "text,mood\ngrün 中,up\n", encoding)
    assert read(path).texts == ["grün 中"]


def test_named_encoding(tmp_path):
    path = write(tmp_path, "a.csv", "text,mood\nç'est bon,up\n", "latin-1")
    assert read(path, encoding="latin-1").texts == ["ç'est bon"]


def test_another_delimiter_is_found_by_the_columns(tmp_path):
    path = write(tmp_path, "a.csv", "id;text;mood\n1;so, so;up\n")
    assert read(path).texts == ["so, so"]


def test_header_names_may_have_spaces_around(tmp_path):
    assert read(write(tmp_path, "a.csv", "text, mood\nx,up\n")).labels["mood"] == ["up"]


def test_texts_of_a_megabyte_and_the_limit_is_put_back(tmp_path):
    csv.field_size_limit(131_072)  # Python's own
    path = write(tmp_path, "a.csv", "text,mood\n" + "word " * 250_000 + ",up\n")
    assert len(read(path).texts[0]) == 1_250_000
    assert csv.field_size_limit() == 131_072


def test_numbers_are_texts_and_whole_floats_are_whole_labels(tmp_path):
    path = write(
        tmp_path, "a.jsonl", '{"text": 3.5, "mood": 1.0}\n{"text": 7, "mood": true}'
    )
    data = read(path)
    assert data.texts == ["3.5", "7"] and data.labels["mood"] == ["1", "true"]


def test_missing_labels(tmp_path):
    path = write(tmp_path, "a.csv", "text,mood\na,up\nb,\nc, NaN\nd,null\ne, down \n")
    assert read(path).labels["mood"] == ["up", None, None, None, "down"]
    path = write(
        tmp_path,
        "a.jsonl",
        '{"text":"a","mood":NaN}\n{"text":"b"}\n{"text":"c","mood":"x"}',
    )
    assert read(path).labels["mood"] == [None, None, "x"]


def test_no_labels_wanted(tmp_path):
    data = read(write(tmp_path, "a.csv", "text\na\nb\n"), {})
    assert data.texts == ["a", "b"] and data.labels == {}


def test_task_column(tmp_path):
    path = write(
        tmp_path, "a.csv", "text,mood,domain\na,up,toys\nb,down,books\nc,,toys\n"
    )
    data = read(path, task_column="domain")
    assert data.labels == {"books": [None, "down", None], "toys": ["up", None, None]}
    assert data.columns == {"books": "mood", "toys": "mood"}
    path = write(tmp_path, "b.csv", "text,mood,domain\na,up,toys\nb,down, \n")
    refused(
        path, "line 3, column 'domain'", "the row has no task", task_column="domain"
    )


def test_columns_by_position_take_quotes_as_they_are(tmp_path):
    path = write(tmp_path, "a.tsv.gz", gzip.compress(b'1\ten\t"so\n0\tde\tja " x\n'))
    data = read_columns(
        path,
        ["mood", "language", "text"],
        text="text",
        labels=MOOD,
        task_column="language",
    )
    assert data.texts == ['"so', 'ja " x'] and [n for _, n in data.where] == [1, 2]
    assert data.labels == {"de": [None, "0"], "en": ["1", None]}
    with pytest.raises(
        DataError, match="line 2: the row has 3 cell.*Accepted: 2 cells"
    ):
        read_columns(
            write(tmp_path, "b.tsv", "1\tx\n1\tx\ty\n"),
            ["mood", "text"],
            text="text",
            labels=MOOD,
        )
    with pytest.raises(DataError, match="`columns` must name every column"):
        read_columns(path, ["mood"], text="text", labels=MOOD)


def test_ten_thousand_labels(tmp_path):
    rows = "".join(f"text {i},label {i % 10_000}\n" for i in range(30_000))
    data = read(write(tmp_path, "a.csv", "text,mood\n" + rows))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert learn_tasks(data)["mood"].outputs == 10_000
    with pytest.warns(
        UserWarning, match="column 'mood': 10000 different labels in 10000"
    ):
        learn_tasks(data.select(range(10_000)))


# --- bad rows left out ------------------------------------------------------------


def test_skipped_rows_are_counted_and_listed(tmp_path):
    rows = ["a,1", "b", "c,x", "d,2", "e,inf", ",3"]
    path = write(tmp_path, "a.csv", "text,stars\n" + "\n".join(rows) + "\n")
    data = read(path, {"stars": "regression"}, on_bad_rows="skip")
    assert data.texts == ["a", "d", ""] and data.labels["stars"] == [1.0, 2.0, 3.0]
    assert [(row.line, row.column) for row in data.skipped] == [
        (3, None),
        (4, "stars"),
        (6, "stars"),
    ]
    assert f"{path}, line 4, column 'stars'" in str(data.skipped[1])
    error = refused(path, "line 3:", "3 bad row(s)", labels={"stars": "regression"})
    assert error.rows == data.skipped


def test_a_bad_row_leaves_no_trace_in_the_tasks(tmp_path):
    path = write(tmp_path, "a.csv", "text,stars,task\na,1,p\nb,x,q\nc,2,p\n")
    data = read(path, {"stars": "regression"}, task_column="task", on_bad_rows="skip")
    assert data.labels == {"p": [1.0, 2.0]}


def test_many_bad_rows_make_a_short_message(tmp_path):
    path = write(tmp_path, "a.csv", "text,stars\n" + "a,x\n" * 500)
    error = refused(path, "and 490 more", labels={"stars": "regression"})
    assert len(error.rows) == 500 and str(error).count("\n") == 11
    refused(path, "500 bad row(s)", labels={"stars": "regression"}, on_bad_rows="skip")


# --- arguments --------------------------------------------------------------------


def test_arguments(tmp_path):
    path = write(tmp_path, "a.csv", "text,mood\na,up\n")
    with pytest.raises(DataError, match="'error', 'skip'. Received: 'ignore'"):
        read(path, on_bad_rows="ignore")
    with pytest.raises(DataError, match="Accepted: categories, .*Received: 'classes'"):
        read(path, {"mood": "classes"})
    with pytest.raises(DataError, match="one label column. Received: 2"):
        read(path, {"mood": "categories", "b": "categories"}, task_column="domain")
    with pytest.raises(DataError, match="must be different columns"):
        read(path, {"text": "categories"})
