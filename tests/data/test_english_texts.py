"""English documents of five kinds: their parts, their order, and damaged files."""

from __future__ import annotations

import hashlib
import lzma

import pytest

from zoo.data import DataError
from zoo.data.sets import english
from zoo.data.sets.english import FILES, load_english, read_documents


def document(kind: str, number: int) -> list[str]:
    return [f"{kind} document {number}", "It has\u2028two lines."]


def digest_of(lines: list[str]) -> str:
    return hashlib.md5("\n".join(lines).encode()[:200]).hexdigest()


@pytest.fixture
def folder(tmp_path):
    for file in FILES:
        blocks = ["\n".join(document(file, number)) for number in range(150)]
        text = "\n\n".join(blocks) + "\n"
        (tmp_path / file).write_bytes(lzma.compress(text.encode()))
    return tmp_path


def test_documents_are_dealt_and_ordered_by_their_hashes(folder):
    splits = load_english(folder)
    documents = [document(file, number) for file in FILES for number in range(150)]
    expected = {"train": [], "valid": [], "test": []}
    for lines in sorted(documents, key=digest_of):
        first = int(digest_of(lines)[:2], 16)
        part = "valid" if first < 2 else "test" if first < 5 else "train"
        expected[part] += [*lines, ""]
    assert {name: part.texts for name, part in splits.parts.items()} == expected
    assert expected["valid"] and expected["test"]


def test_a_text_knows_its_file_and_its_line(folder):
    train = load_english(folder).train
    for text, (path, line) in zip(train.texts[:90], train.where, strict=False):
        with lzma.open(path, "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")
        assert lines[line - 1] == text


@pytest.mark.parametrize("content", [b"no archive", lzma.compress(b"\xff\xfe\xfa")])
def test_a_damaged_file_is_named(folder, content):
    (folder / FILES[2]).write_bytes(content)
    with pytest.raises(DataError, match=rf"{FILES[2]} cannot be read. Accepted: UTF-8"):
        load_english(folder)


def test_an_archive_of_any_size_is_not_unpacked_whole(folder, monkeypatch):
    monkeypatch.setattr(english, "_MOST_BYTES", 1000)
    with pytest.raises(DataError, match="cannot be read.*more than 1,000 bytes"):
        load_english(folder)


def test_a_truncated_file_is_named(folder):
    whole = (folder / FILES[0]).read_bytes()
    (folder / FILES[0]).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=f"{FILES[0]} cannot be read.*EOFError"):
        load_english(folder)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="cannot be read.*FileNotFoundError"):
        next(read_documents(tmp_path / FILES[0]))
