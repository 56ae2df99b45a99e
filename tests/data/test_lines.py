"""Plain text files, one text a line, and what is wrong with some."""

from __future__ import annotations

import gzip

import pytest

from zoo.data import DataError
from zoo.data.lines import LONGEST, read_lines


def written(folder, data: bytes, name: str = "texts.txt"):
    path = folder / name
    path.write_bytes(data)
    return path


def test_lines_are_texts(tmp_path):
    path = written(tmp_path, "one\r\n zwei \n\n\t\n\u4e09\nfour".encode())
    found = read_lines(path)
    assert found.texts == ["one", "zwei", "\u4e09", "four"]
    assert [line for _, line in found.where] == [1, 2, 5, 6]
    assert found.labels == {} and "2 blank rows are left out" in found.notes[0]
    assert read_lines(written(tmp_path, b"a\nb\nc\n")).notes == []
    packed = written(tmp_path, gzip.compress(b"a\nb\nc\n"), "texts.txt.gz")
    assert read_lines(packed).texts == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n \n", "the file is empty"),
        (b"one\n\n\n", "too few texts.*at least 3 lines.*1 of 3 lines"),
        (b"word " * (LONGEST // 4), "line 1: the line is too long.*1,000,000 char"),
        (bytes(range(256)) * 9, "not valid UTF-8"),
        (b"a\n\x00\x01\x02\x03b\nc\n", "line 2: the line holds NUL, as binary data"),
    ],
)
def test_bad_files_are_refused(tmp_path, data, said):
    with pytest.raises(DataError, match=f"texts.txt.*{said}"):
        read_lines(written(tmp_path, data))


def test_bad_lines_can_be_left_out(tmp_path):
    path = written(tmp_path, b"one\ntwo\n\xff\xff\n\x00\x00\x00\x00\nfive\n")
    found = read_lines(path, on_bad_rows="skip")
    assert found.texts == ["one", "two", "five"]
    assert [row.line for row in found.skipped] == [3, 4]
