"""Files in other encodings: which one the message names, and what is read."""

from __future__ import annotations

import warnings

import pytest

from zoo.data import DataError, read_table


def table(folder, text, encoding):
    path = folder / "a.csv"
    path.write_bytes(f"text,label\n{text},up\nfine,down\n".encode(encoding))
    return path


def read(path, **options):
    return read_table(path, text="text", labels={"label": "categories"}, **options)


def message(path, **options):
    with pytest.raises(DataError) as caught:
        read(path, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "text, encoding, named",
    [
        ("don\u2019t", "cp1252", "cp1252"),
        ("caf\u00e9 10 \u20ac", "cp1252", "cp1252"),
        ("caf\u00e9", "cp1252", "latin-1"),
        ("stra\u00dfe", "latin-1", "latin-1"),
        ("text", "utf-16-le", "utf-16-le"),
        ("caf\u00e9", "utf-16-be", "utf-16-be"),
        ("\u4e2d\u6587", "utf-16-le", "utf-16-le"),
    ],
)
def test_the_encoding_that_is_named_reads_the_file(tmp_path, text, encoding, named):
    path = table(tmp_path, text, encoding)
    said = message(path)
    assert f"(--encoding {named})" in said
    for part in (str(path), "Accepted: ", "Received: "):
        assert part in said
    assert read(path, encoding=named).texts[0] == text


def test_bytes_that_cp1252_lacks(tmp_path):
    said = message(
        table(tmp_path, "\u041f\u0440\u0438\u0432\u0435\u0442 \u0403\u040f", "cp1251")
    )
    assert "neither cp1252 nor latin-1" in said and "shift_jis" in said


def test_a_bad_row_names_the_encoding_of_its_bytes(tmp_path):
    data = read(table(tmp_path, "don\u2019t", "cp1252"), on_bad_rows="skip")
    assert data.texts == ["fine"]
    assert "(--encoding cp1252)" in data.skipped[0].accepted
    data = read(table(tmp_path, "caf\u00e9", "latin-1"), on_bad_rows="skip")
    assert "(--encoding latin-1)" in data.skipped[0].accepted


def test_latin_1_that_is_cp1252_is_warned_of(tmp_path):
    path = table(tmp_path, "don\u2019t", "cp1252")
    with pytest.warns(UserWarning, match="--encoding cp1252"):
        assert read(path, encoding="latin-1").texts[0] == "don\x92t"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(table(tmp_path, "caf\u00e9", "latin-1"), encoding="ISO-8859-1")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_that_says_otherwise(tmp_path, encoding):
    path = table(tmp_path, "caf\u00e9", encoding)
    said = message(path, encoding="latin-1")
    name = encoding.removesuffix("-sig")
    assert f"byte-order mark of {name.upper()}" in said and repr(name) in said
    assert read(path).texts[0] == "caf\u00e9"
    assert read(path, encoding=name).texts[0] == "caf\u00e9"


def test_a_mark_and_the_codec_that_keeps_it(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("\ufefftext,label\nx,up\n".encode("utf-16-le"))
    assert read(path, encoding="utf-16-le").texts == ["x"]
