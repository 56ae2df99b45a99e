"""Pairs of texts: files that belong together, and those that do not."""

from __future__ import annotations

import gzip

import pytest

from zoo.data import DataError
from zoo.data.pairs import Pairs, read_pairs, split_pairs
from zoo.text.characters import text_key


def write(folder, name: str, text: str, pack: bool = False):
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if pack else data)
    return path


def test_lines_belong_together(tmp_path):
    # Unicode knows further line breaks; in such files only \n ends a line.
    source = write(tmp_path, "a.en", "\ufeffone\r\ntwo\u2028parts\r\nthree\x0b!\r\n")
    target = write(tmp_path, "a.de", "eins\nzwei\x85Teile\ndrei", pack=True)
    pairs = read_pairs(source, target)
    assert pairs.sources == ["one", "two\u2028parts", "three\x0b!"]
    assert pairs.targets == ["eins", "zwei\x85Teile", "drei"]


def test_another_encoding(tmp_path):
    (tmp_path / "a").write_bytes("café\n".encode("latin-1"))
    (tmp_path / "b").write_bytes("Kaffee\n".encode("latin-1"))
    with pytest.raises(DataError, match="a, line 1: the text is not valid UTF-8"):
        read_pairs(tmp_path / "a", tmp_path / "b")
    found = read_pairs(tmp_path / "a", tmp_path / "b", encoding="latin-1")
    assert found.sources == ["café"]


@pytest.mark.parametrize("swapped", [False, True])
def test_unequal_files_name_the_first_line_without_a_partner(tmp_path, swapped):
    paths = [write(tmp_path, "a", "1\n2\n"), write(tmp_path, "b", "1\n2\nthree\n4\n")]
    with pytest.raises(DataError) as caught:
        read_pairs(*(paths[::-1] if swapped else paths))
    said = str(caught.value)
    assert said.startswith(f"{paths[1]}, line 3: the line is unpaired: {paths[0]}")
    assert "Received: 4 lines, this one 'three'" in said


def test_empty_sides(tmp_path):
    source = write(tmp_path, "a", "one\n \nthree\nfour\n")
    target = write(tmp_path, "b", "eins\nzwei\n\nvier\n")
    with pytest.raises(DataError) as caught:
        read_pairs(source, target)
    assert f"{source}, line 2: an empty side" in str(caught.value)
    assert f"{target}, line 3: an empty side" in str(caught.value)
    pairs = read_pairs(source, target, on_bad_rows="skip")
    assert pairs.sources == ["one", "four"] and pairs.targets == ["eins", "vier"]
    assert [(row.file, row.line) for row in pairs.skipped] == [
        (str(source), 2),
        (str(target), 3),
    ]


def test_bad_arguments(tmp_path):
    path = write(tmp_path, "a", "one\n")
    with pytest.raises(ValueError, match="`on_bad_rows` sets.*'ignore'"):
        read_pairs(path, path, on_bad_rows="ignore")
    with pytest.raises(DataError, match="no such file"):
        read_pairs(path, tmp_path / "b")
    with pytest.raises(DataError, match="Accepted: 1 texts. Received: 2"):
        Pairs(["a"], ["b", "c"])


def test_copies_of_either_side_stay_together():
    sources = [f"text {i // 2}" for i in range(100)]
    targets = [f"Text {i % 10} {i // 10 % 3}" for i in range(100)]
    parts = split_pairs(Pairs(sources, targets), seed=3)
    sides = [parts.train, parts.valid, parts.test]
    assert sum(map(len, sides)) == 100 and all(map(len, sides))
    for name in ("sources", "targets"):
        keys = [{text_key(text) for text in getattr(part, name)} for part in sides]
        assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]
    there = {pair for part in sides for pair in zip(part.sources, part.targets)}
    assert there == set(zip(sources, targets))
    again = split_pairs(Pairs(sources, targets), seed=3)
    assert again.test.sources == parts.test.sources
