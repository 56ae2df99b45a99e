"""A named set of one's own is one file: no other file names it."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.cli.app import parser
from zoo.data import DataError, load_named, named_set, named_sets
from zoo.data.sets import registry
from zoo.families import get_family

MODULE = """
from zoo.data.sentences import TaggedSentences
from zoo.data.sets.registry import register_set
from zoo.data.tagged_splits import TaggedSplits

READ = []

@register_set(
    "own", "three words", files="nothing", content="tags of words", public=True
)
def load(folder):
    READ.append(folder)
    data = TaggedSentences([["so", "it", "is"]], {"pos": [["ADV", "PRON", "VERB"]]})
    return TaggedSplits(data, data, data)
"""


@pytest.fixture
def module_of(tmp_path, monkeypatch):
    """Imports the text of a module, whose sets are forgotten behind the test."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry._SETS, "_entries", dict(registry._SETS.all()))

    def load(text):
        (tmp_path / "own_set.py").write_text(text)
        return importlib.import_module("own_set")

    yield load
    sys.modules.pop("own_set", None)


@pytest.fixture
def own(module_of):
    return module_of(MODULE)


def read(family, name):
    options = parser().parse_args(["train", "model", "--data", name])
    return get_family(family).read(options)


def test_it_is_listed_and_read(own):
    before = registry._SETS.all()
    assert named_sets()[-1] == ("own", "three words") and len(before) > 20
    assert named_set("own").content == "tags of words" and own.READ == []
    assert load_named("own").test.tokens == [["so", "it", "is"]]
    assert read("tagging", "own").train.tags == {"pos": [["ADV", "PRON", "VERB"]]}
    assert own.READ == [None, None]


@pytest.mark.parametrize("family", ["classification", "language", "translation"])
def test_families_that_learn_from_something_else_say_so_first(own, family):
    said = "`--data` must hold .*Accepted: .*Received: own, with tags of words"
    with pytest.raises(ValueError, match=said):
        read(family, "own")
    assert own.READ == []


def test_another_set_of_the_name_is_refused(own):
    with pytest.raises(ValueError, match="must be unique.*Received: a second 'own'"):
        importlib.reload(own)


def test_the_set_of_the_docs(module_of, tmp_path, monkeypatch):
    page = Path(__file__).parents[2] / "docs" / "data.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S)
    module_of(next(block for block in blocks if "register_set" in block))
    (tmp_path / "mails").mkdir()
    for part in ("train", "valid", "test"):
        (tmp_path / "mails" / f"{part}.tsv").write_text(f"sales\tto {part}\n")
    with pytest.raises(DataError, match="'mails' has no public file.*folder 'mails'"):
        load_named("mails")
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    assert load_named("mails").test.texts == ["to test"]
    assert load_named("mails").train.labels == {"department": ["sales"]}


def test_it_is_gone_from_the_other_tests():
    assert "own" not in dict(named_sets())


def test_the_command_line_knows_the_sets_of_plugins(tmp_path):
    (tmp_path / "own_set.py").write_text(MODULE)
    code = "import sys, zoo.cli; zoo.cli.main(sys.argv[1:]); print([*sys.modules])"
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", code, "list", "--data"],
        env={**os.environ, "PYTHONPATH": path, "ZOO_PLUGINS": "own_set"},
        capture_output=True,
        text=True,
        check=True,
    )
    *names, modules = done.stdout.splitlines()
    assert names[0].startswith("hutto ") and names[-1].startswith("own ")
    assert "'zoo.data.sets.own'" not in modules and "'tensorflow'" not in modules


def test_importing_the_package_imports_no_set():
    code = "import sys, zoo, zoo.data; print([m for m in sys.modules if 'sets.' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "zoo.data.sets.hutto" not in done.stdout
