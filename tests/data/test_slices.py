"""Tables in slices: together they are the table, row by row and line by line."""

from __future__ import annotations

import codecs
import gzip
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zoo.data.errors import BadRow, DataError
from zoo.data.files import Table
from zoo.data.slices import slices_of

CSV = (
    'n,text\r\n1,"two\r\nlines"\r\n\r\n2,"say ""so"""\r\n,\r\n3,a,b\r\n4,"x"y\r\n'
    "5,caf\udce9\r\n6,last"
)


def whole(path, columns):
    """The rows that one reader finds; of bad ones all that is said."""
    return list(Table(path, skip=True).rows(columns))


def in_slices(path, rows, wanted=("text",)):
    columns, slices = slices_of(path, wanted, rows)
    found = []
    for part in slices:
        read = list(part.rows(columns))
        assert part.count in (None, len(read))
        assert part.count is None or len(read) == rows or part is slices[-1]
        found += read
    return columns, found


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
@pytest.mark.parametrize(
    "data",
    [
        CSV.encode("utf-8", "surrogateescape"),
        codecs.BOM_UTF8 + CSV.encode("utf-8", "surrogateescape"),
        CSV.replace("\udce9", "\u00e9").encode("utf-16"),
        b"sep=;\n" + CSV.replace(",", ";").encode("utf-8", "surrogateescape"),
        b"\n\n" + CSV.replace("\r\n", "\r").encode("utf-8", "surrogateescape"),
    ],
    ids=["plain", "marked", "utf-16", "sep", "cr"],
)
def test_csv(tmp_path, data, rows):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    columns, found = in_slices(path, rows)
    assert columns == ["n", "text"]
    assert found == whole(path, columns)
    assert len([row for row in found if isinstance(row, BadRow)]) == 2
    assert len(found) == 7


@settings(deadline=None, max_examples=200)
@example('a,text\n"\n', 1)
@example('text\n"a\r', 1)
@example('a\r"\r"a', 1)
@given(st.text('ab",\n\r\ud800\u00e9', max_size=30), st.integers(1, 4))
def test_any_csv(tmp_path_factory, content, rows):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(("x,text\n" + content).encode("utf-8", "surrogatepass"))
    try:
        expected = whole(path, ["x", "text"])
    except DataError as error:
        with pytest.raises(DataError) as refused:
            in_slices(path, rows)
        assert str(refused.value) == str(error)
    else:
        assert in_slices(path, rows)[1] == expected


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("rows", [1, 2, 100])
def test_json_lines_whose_rows_have_other_keys(tmp_path, mark, rows):
    path = tmp_path / "a.jsonl"
    objects = [{"n": 1}, {"text": "two", "late": [2]}, "no object", {"text": "\u2028"}]
    lines = [json.dumps(row, ensure_ascii=False).encode() for row in objects]
    lines += [b"[1]", b"[1", b"\xff\xfe{}", b"\0a\0b\0c\0d", b"{broken"]
    path.write_bytes(mark + b"\n\n".join(lines) + b"\n")
    columns, found = in_slices(path, rows)
    assert columns == ["n", "text", "late"]
    assert found == whole(path, columns)
    assert found[1] == (3, [None, "two", [2]])


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 100])
def test_parquet_in_groups_of_rows(tmp_path, rows):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    path = tmp_path / "a.parquet"
    texts = [f"text {number}" for number in range(10)]
    write_table(pyarrow.table({"text": texts}), path, row_group_size=3)
    columns, found = in_slices(path, rows)
    assert found == whole(path, columns) == [(n + 1, [t]) for n, t in enumerate(texts)]


def test_a_zipped_file_is_one_slice(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text\none\ntwo\n"))
    columns, [part] = slices_of(path, ["text"], 1)
    assert list(part.rows(columns)) == [(2, ["one"]), (3, ["two"])]


def test_no_rows(tmp_path):
    (tmp_path / "a.csv").write_text("text\n")
    assert slices_of(tmp_path / "a.csv", ["text"], 5) == (["text"], [])


@pytest.mark.parametrize(
    "name, data, message",
    [
        ("a.csv", b"n\n1\n", "column 'text': no such column"),
        ("a.jsonl", b'{"n": 1}\n', "column 'text': no such column"),
        ("a.jsonl", b'[{"text": "a"}]', "a JSON array"),
        ("a.csv", b'text\n"never closed\n', "line 2: a quote is opened"),
        ("a.csv", "text\nabc\n".encode("utf-16")[:-1], "not valid utf-16"),
        ("a.csv", b"PK\x03\x04", "a zip or Excel file"),
        ("a.parquet", b"PAR1", "the Parquet file is damaged"),
        ("a.xyz", b"text", "unknown kind of file"),
        ("a.csv", b"", "the file is empty"),
    ],
)
def test_what_is_no_table(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=message):
        slices_of(tmp_path / name, ["text"], 10)


def test_a_stray_quote_takes_no_more_memory_than_a_cell(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.data.formats.delimited._LONGEST_CELL", 100)
    path = tmp_path / "a.csv"
    path.write_text('text\n"never closed\n' + "a line\n" * 1000)
    message = "line 2: a cell has more than 100 characters, lines 2 to 15."
    with pytest.raises(DataError, match=message):
        slices_of(path, ["text"], 10)
    with pytest.raises(DataError, match=message):
        whole(path, ["text"])
