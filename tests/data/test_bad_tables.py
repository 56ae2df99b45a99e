"""Tables that cannot be read: file, line, column, what was expected and stood there."""

from __future__ import annotations

import gzip
import sys

import pytest

from zoo.data import DataError, learn_tasks, read_table

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


# --- what is refused --------------------------------------------------------------


@pytest.mark.parametrize("content", ["", " \n\n", "\ufeff"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_empty_file(tmp_path, name, content):
    refused(write(tmp_path, name, content), "the file is empty")


def test_header_only(tmp_path):
    refused(write(tmp_path, "a.csv", "text,mood\n"), "no rows")


def test_no_such_file_and_no_such_format(tmp_path):
    write(tmp_path, "reviews.csv", "text,mood\na,b\n")
    refused(tmp_path / "review.csv", "no such file", "Did you mean 'reviews.csv'?")
    refused(write(tmp_path, "a.xlsx", "x"), "unknown kind of file", ".csv", ".jsonl")
    refused(write(tmp_path, "a.parquet.gz", "x"), "unknown kind of file")
    (tmp_path / "folder.csv").mkdir()
    refused(tmp_path / "folder.csv", "not a file")


def test_missing_column_lists_columns_and_suggests(tmp_path):
    path = write(tmp_path, "a.csv", "text,Moods,stars\na,b,c\n")
    refused(path, "line 1, column 'mood'", "'text', 'Moods', 'stars'", "mean 'Moods'?")
    path = write(tmp_path, "a.jsonl", '{"text": "a", "Moods": 1}\n')
    refused(path, "column 'mood'", "'text', 'Moods'", "mean 'Moods'?")


def test_repeated_column(tmp_path):
    path = write(tmp_path, "a.csv", "text,mood,mood\na,b,c\n")
    refused(path, "line 1, column 'mood'", "names the column 2 times")


@pytest.mark.parametrize(
    "row, cells", [("only", 1), ("a,b,c,d", 4), ("unquoted, comma,b,up", 4)]
)
def test_ragged_rows(tmp_path, row, cells):
    path = write(tmp_path, "a.csv", f'text,id,mood\n"x\ny",1,up\n{row}\n')
    refused(path, "line 4:", f"has {cells} cell", "3 cells", "'mood'", row)


def test_quote_never_closed(tmp_path):
    path = write(tmp_path, "a.csv", 'text,mood\nfine,up\n"open,down\nb,up\nc,up\n')
    for mode in ("error", "skip"):  # the rows behind it cannot be told: always an error
        refused(
            path,
            "line 3:",
            "never closed",
            "lines 3 to 5",
            '"open,down',
            on_bad_rows=mode,
        )
    path = write(tmp_path, "a.tsv", 'text\tmood\n"Wow, he said\tup\nb\tdown\n')
    refused(path, "line 2:", "never closed", "quotes=False (--no-quotes)")
    assert read(path, quotes=False).texts == ['"Wow, he said', "b"]


def test_quote_in_the_wrong_place(tmp_path):
    path = write(tmp_path, "a.csv", 'text,mood\n"a" b,up\nc,down\n')
    refused(path, "line 2:", "a quote is misplaced", '"a" b,up')
    assert read(path, on_bad_rows="skip").texts == ["c"]


def test_nul_characters(tmp_path):
    path = write(tmp_path, "a.csv", "text,mood\na,up\nb\0c,down\nd,u\0p\n")
    error = refused(path, "line 3, column 'text'", "NUL", "line 4, column 'mood'")
    assert [row.line for row in error.rows] == [3, 4]
    path = write(tmp_path, "b.csv", "text,mood\na,up\n", "utf-16-le")
    refused(path, "line 1", "NUL", "--encoding utf-16")


def test_undecodable_bytes(tmp_path):
    content = "text,mood\nfine,up\nça va,down\nb,up\n".encode("latin-1")
    path = write(tmp_path, "a.csv", content)
    offset = content.index(b"\xe7")
    refused(
        path, "line 3", f"byte offset {offset} ", "0xe7", "--encoding latin-1", "ça va"
    )
    marked = write(tmp_path, "b.csv", b"\xef\xbb\xbf" + content)
    refused(marked, "line 3", f"byte offset {offset + 3} ", "0xe7")
    data = read(path, on_bad_rows="skip")
    assert data.texts == ["fine", "b"]
    assert [(row.line, row.column) for row in data.skipped] == [(3, "text")]
    refused(path, "unknown `encoding`", "'latin-99'", encoding="latin-99")


def test_damaged_gzip_and_other_binary_files(tmp_path):
    packed = gzip.compress(b"text,mood\n" + b"some text,up\n" * 500)
    refused(write(tmp_path, "a.csv.gz", packed[:-20]), "gzip file is damaged")
    refused(write(tmp_path, "b.csv.gz", packed[:20] + b"xx" + packed[22:]), "damaged")
    refused(write(tmp_path, "c.csv", b"PK\x03\x04..."), "zip or Excel")


@pytest.mark.parametrize(
    "line, reason",
    [
        ('{"text": "a", "mood"', "bad JSON"),
        ('{"text": "a",}', "bad JSON"),
        ("[1, 2]", "not an object"),
        ("null", "not an object"),
        ('"text"', "not an object"),
        ("[" * 100_000, "bad JSON"),
        ('{"text": ' + "9" * 5000 + "}", "bad JSON"),
    ],
)
def test_bad_json_lines(tmp_path, line, reason):
    good = '{"text": "a", "mood": "up"}'
    path = write(tmp_path, "a.jsonl", f"{good}\n\n{line}\n{good}\n")
    error = refused(path, "line 3:", reason)
    assert len(str(error)) < 600
    data = read(path, on_bad_rows="skip")
    assert len(data) == 2 and [row.line for row in data.skipped] == [3]


def test_json_array(tmp_path):
    one = '{"text": "a", "mood": "up"}'
    for content in (f"[{one}, {one}]", f"[\n{one},\n{one}\n]"):
        refused(
            write(tmp_path, "a.jsonl", content), "line 1", "JSON array", "JSON Lines"
        )


@pytest.mark.parametrize("value", ["null", "NaN", '["a"]', '{"a": 1}', '"\\ud800"'])
def test_texts_that_are_none(tmp_path, value):
    path = write(
        tmp_path,
        "a.jsonl",
        f'{{"text": "a", "mood": "up"}}\n{{"text": {value}, "mood": "up"}}\n',
    )
    refused(path, "line 2, column 'text'", "the text")


@pytest.mark.parametrize(
    "kind, value, reason",
    [
        ("regression", '"good"', "'good'"),
        ("regression", '"1_000"', "'1_000'"),
        ("regression", '"1,5"', "'1,5'"),
        ("regression", "true", "not a number"),
        ("regression", "[1]", "not a number"),
        ("regression", "Infinity", "not finite"),
        ("regression", '"-inf"', "not finite"),
        ("regression", "1" + "0" * 400, "not a number"),
        ("categories", '["a"]', "does not hold one label"),
        ("categories", '{"a": 2}', "the probabilities add up to 2"),
        ("multilabel", '{"a": 1}', "not hold a list"),
        ("multilabel", '["a", ["b"]]', "does not hold one label"),
    ],
)
def test_labels_of_the_wrong_kind(tmp_path, kind, value, reason):
    path = write(tmp_path, "a.jsonl", f'\n{{"text": "a", "mood": {value}}}\n')
    refused(path, "line 2, column 'mood'", reason, labels={"mood": kind})


def test_regression_nan_is_missing(tmp_path):
    path = write(tmp_path, "a.csv", "text,mood\na,nan\nb,2e1\nc, -NaN\n")
    assert read(path, {"mood": "regression"}).labels["mood"] == [None, 20.0, None]


def test_all_labels_missing(tmp_path):
    path = write(tmp_path, "a.csv", "text,mood\na,\nb,nan\n")
    refused(path, "column 'mood'", "all labels are missing", "2 rows")
    two = write(tmp_path, "b.csv", "text,mood,stars\na,,1\nb,,2\n")
    data = read(two, {"mood": "categories", "stars": "regression"})
    with pytest.raises(DataError, match="b.csv, column 'mood': all training labels"):
        learn_tasks(data)


def test_one_class_only(tmp_path):
    data = read(write(tmp_path, "a.csv", "text,mood\na,up\nb,up\n"))
    with pytest.raises(DataError) as caught:
        learn_tasks(data)
    for part in ("a.csv, column 'mood'", "at least 2", "['up'] in 2 labelled rows"):
        assert part in str(caught.value)


# --- Parquet ----------------------------------------------------------------------


def test_parquet_needs_pyarrow(tmp_path, monkeypatch):
    path = write(tmp_path, "a.parquet", "x")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(path, "pip install pyarrow")


def test_bad_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "a.parquet"
    rows = {"text": ["a", None, "c"], "mood": ["up", "down", None], "n": [1, 2, None]}
    pyarrow.parquet.write_table(pyarrow.table(rows), path)
    refused(path, "row 2, column 'text'", "the text is missing", "null")
    data = read(path, {"n": "categories"}, on_bad_rows="skip")
    assert data.texts == ["a", "c"] and data.labels["n"] == ["1", None]
    refused(
        path, "column 'moods'", "'mood'", "mean 'mood'?", labels={"moods": "categories"}
    )
    whole = path.read_bytes()
    refused(write(tmp_path, "b.parquet", whole[: len(whole) // 2]), "file is damaged")
    refused(write(tmp_path, "c.parquet", "text,mood\n"), "file is damaged")
    refused(write(tmp_path, "d.parquet", ""), "the file is empty")
    refused(write(tmp_path, "e.csv", whole), "a Parquet file")
