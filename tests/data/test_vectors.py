"""Reading word vectors from text files."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from zoo.data.errors import DataError
from zoo.data.vectors import read_vectors

SPECIALS = ["[PAD]", "[UNK]", "[BEGIN]", "[END]"]
GLOVE = "the 0.5 -1 2e-1\ncat 1 2 3\nÜber 4 5 6\ncat 9 9 9\n"


def write(folder, content, name="vectors.txt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("header", ["", "4 3\n"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", " \n"])
@pytest.mark.parametrize("packed", [False, True])
def test_reads_glove_and_word2vec(tmp_path, header, ends, packed):
    content = (header + GLOVE).replace("\n", ends).encode()
    path = write(tmp_path, gzip.compress(content) if packed else content)
    matrix, coverage = read_vectors(path, [*SPECIALS, "cat", "dog", "the", "Über"])
    assert matrix.dtype == np.float32 and matrix.shape == (8, 3)
    np.testing.assert_array_equal(matrix[4], [1, 2, 3])  # the first of two rows
    np.testing.assert_array_equal(matrix[6], np.float32([0.5, -1, 0.2]))
    np.testing.assert_array_equal(matrix[7], [4, 5, 6])
    assert coverage == 0.75


def test_unknown_words_are_seeded_and_padding_is_zero(tmp_path):
    path = write(tmp_path, GLOVE)
    words = [*SPECIALS, *(f"w{i}" for i in range(500))]
    matrix, coverage = read_vectors(path, words, seed=1)
    again, _ = read_vectors(path, words, seed=1)
    other, _ = read_vectors(path, words, seed=2)
    np.testing.assert_array_equal(matrix, again)
    assert not np.array_equal(matrix, other)
    assert not matrix[0].any() and matrix[1:4].all()
    assert 0.24 < np.abs(matrix).max() <= 0.25 and abs(matrix.mean()) < 0.02
    assert coverage == 0.0
    narrow, _ = read_vectors(path, words, scale=0.01)
    assert np.abs(narrow).max() <= 0.01


@pytest.mark.parametrize(
    "content, received",
    [
        (b"", "an empty file"),
        (b"\n \n", "an empty file"),
        (b"the,0.1,0.2\ncat,0.3,0.4\n", "'the,0.1,0.2', with commas between"),
        (b"the;0.1;0.2\n", "with semicolons between"),
        (b"PK\x03\x04 the rest", "a zip archive; unpack it"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"2 3\nthe \x00\x00\x80?\x00\x00", "the binary format of word2vec"),
    ],
)
def test_other_files_are_named(tmp_path, content, received):
    with pytest.raises(DataError, match="no word vectors.*Received") as caught:
        read_vectors(write(tmp_path, content), [*SPECIALS, "the"])
    assert received in str(caught.value)


def test_special_names_in_the_file_do_not_count(tmp_path):
    path = write(tmp_path, GLOVE + "[PAD] 7 7 7\n[UNK] 7 7 7\n")
    matrix, coverage = read_vectors(path, [*SPECIALS, "cat"])
    assert not (matrix[:4] == 7).any() and coverage == 1.0


def test_words_with_spaces_blank_lines_bom_and_bad_utf8_are_read_over(tmp_path):
    content = b"\xef\xbb\xbfcat 1 2 3\n\n. . . 4 5 6\nnew york 7 8 9\n"
    content += b"\xff\xfe 1 1 1\n7 8 8 8\n"
    words = [*SPECIALS, "cat", "york", "7", "."]
    matrix, coverage = read_vectors(write(tmp_path, content), words)
    np.testing.assert_array_equal(matrix[4], [1, 2, 3])
    np.testing.assert_array_equal(matrix[6], [8, 8, 8])
    assert coverage == 0.5


@pytest.mark.parametrize(
    ("content", "line", "received"),
    [
        ("the 1 2\ncat 1\n", 2, "1 values"),
        ("the 1 2\nother 1\n", 2, "1 values"),  # a word that nobody asked for
        ("the 1 2\ncat 1 2 3\n", 2, "3 values"),
        ("the 1 2\nother 1 2 3\n", 2, "3 values"),
        ("the 1 2\ncat 1 x2\n", 2, "'x2'"),
        ("the 1 2\ncat 1 nan\n", 2, "'nan'"),
        ("2 3\nthe 1 2\n", 2, "2 values"),
        ("the cat sat\n", 1, "2 values"),
        ("3000 2\nthe \x01\x02 \x03\n", 2, r"'\x01\x02'"),
        ("the\n", 1, "0 values"),
    ],
)
def test_bad_rows_name_file_and_line(tmp_path, content, line, received):
    path = write(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read_vectors(path, [*SPECIALS, "the", "cat"])
    message = str(caught.value)
    assert f"vectors.txt, line {line}: is not a row of word vectors" in message
    assert f"Received: {received}." in message


@pytest.mark.parametrize("content", ["", "\n\n", "0 3\n"])
def test_a_file_without_vectors(tmp_path, content):
    path = write(tmp_path, content)
    if content == "0 3\n":
        assert read_vectors(path, [*SPECIALS, "a"])[1] == 0.0
        return
    with pytest.raises(DataError, match="vectors.txt: holds no word vectors"):
        read_vectors(path, [*SPECIALS, "a"])


def test_a_truncated_gzip_file(tmp_path):
    content = gzip.compress(b"".join(b"w%d 1 2\n" % i for i in range(9999)))
    path = write(tmp_path, content[: len(content) // 2])
    with pytest.raises(DataError, match="line [0-9]+: cannot be decompressed"):
        read_vectors(path, [*SPECIALS, "w1"])


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_vectors(tmp_path / "none.txt", [*SPECIALS, "a"])
