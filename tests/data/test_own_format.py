"""A format of one's own is one file, as docs/data.md shows: no other file names it."""

from __future__ import annotations

import gzip
import importlib
import re
import sys
from pathlib import Path

import pytest

from zoo.cli.app import parser
from zoo.data import DataError, read_table
from zoo.data.formats import registry
from zoo.families import get_family

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
(MODULE,) = (
    block
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    if "register_format" in block
)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The module, whose format is forgotten behind the test."""
    (tmp_path / "own_format.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry._FORMATS, "_entries", dict(registry._FORMATS.all()))
    yield importlib.import_module("own_format")
    del sys.modules["own_format"]


def blocks(*rows):
    return "\n\n".join(
        "\n".join(f"{key}: {value}" for key, value in row.items()) for row in rows
    )


def read(family, *arguments):
    """What `zoo train` reads."""
    arguments = ["train", "model", "--data", *map(str, arguments)]
    return get_family(family).read(parser().parse_args(arguments))


def test_a_table(own, tmp_path):
    path = tmp_path / "a.blocks"
    path.write_text(blocks({"text": "good", "stars": 5}, {"text": "so so"}))
    kinds = {"stars": "regression"}
    found = read_table(path, text="text", labels=kinds)
    assert (found.texts, found.labels) == (["good", "so so"], {"stars": [5.0, None]})
    assert found.where[1] == (str(path), 4)
    packed = tmp_path / "A.BLOCKS.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_table(packed, text="text", labels=kinds).texts == found.texts
    path.write_text(blocks({"text": "good", "stars": "many"}))
    with pytest.raises(DataError, match=r"a.blocks, line 1, column 'stars': the label"):
        read_table(path, text="text", labels=kinds)


def test_the_command_line(own, tmp_path):
    path = tmp_path / "a.blocks"
    rows = range(40)
    rows = [{"body": f"one {i}", "mood": "yn"[i % 2], "de": f"eins {i}"} for i in rows]
    path.write_text(blocks(*rows))
    splits = read("classification", path, "--text", "body", "--label", "mood")
    assert len(splits.train) == 32 and set(splits.train.labels["mood"]) == {"y", "n"}
    splits = read("translation", path, "--text", "body", "--label", "de")
    assert splits.test.targets[0] == splits.test.sources[0].replace("one", "eins")


def test_it_is_among_what_is_accepted(own, capsys):
    accepted = r".csv, .tsv, .jsonl, .blocks \(each also .gz\) or .parquet"
    with pytest.raises(DataError, match=f"Accepted: a name that ends in {accepted}"):
        read("classification", "a.xyz")
    with pytest.raises(ValueError, match=r"\.parquet, \.pq, \.blocks\)"):
        read("translation", "a.xyz")
    with pytest.raises(SystemExit):
        parser().parse_args(["train", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "or a CSV, TSV, JSONL, Parquet or Blocks file" in said


def test_another_format_of_the_suffix_is_refused(own):
    with pytest.raises(ValueError, match="must be unique.*Received: a second '.csv'"):
        registry.register_format("other", (".csv",))(own.block_rows)


def test_it_is_gone_from_the_other_tests():
    with pytest.raises(DataError, match="unknown kind of file"):
        read("classification", "a.blocks")
