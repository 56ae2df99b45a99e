"""What the README and the docs tell users to type."""

from __future__ import annotations

import re
import shlex
import shutil

import pytest
from saved import ROOT, SAVED

import zoo
from zoo.cli.app import parser
from zoo.models import _registry

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language: str) -> list[str]:
    """The fenced blocks of a page in a language; `language` is a pattern."""
    fenced = re.findall(r"^```(.*?)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    return [block for name, block in fenced if re.fullmatch(language, name)]


def commands(page) -> list[list[str]]:
    """The arguments of every `zoo ...` in the page's blocks of commands."""
    found = []
    for block in blocks(page, "(?:bash|sh|console)?"):
        for line in block.replace("\\\n", " ").splitlines():
            line = line.removeprefix("$ ")
            split = shlex.shlex(line, posix=True, punctuation_chars=";&|<>")
            split.whitespace_split = True
            command: list[str] = []
            for word in [*split, ";"]:
                if not command and re.match(r"\w+=", word):
                    continue  # a variable of the command's environment
                if set(word) <= set(";&|<>"):
                    found += [command[1:]] if command[:1] == ["zoo"] else []
                    command = []
                else:
                    command.append(word)
    return found


def test_there_are_commands_to_read():
    assert len(commands(PAGES[0])) > 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_one_that_the_command_line_takes(page, capsys):
    for words in commands(page):
        try:
            options = parser().parse_args(words)
        except SystemExit as end:
            said = capsys.readouterr().err
            assert end.code == 0, f"zoo {shlex.join(words)}\n{said}"
        else:
            assert callable(options.command)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("bilstm_mt", "lstm_lm", "seq2seq"):
        shutil.copytree(RUNS[name], f"runs/{name}")
    names = run_python(PAGES[0])
    assert names["experts"].num_experts == 64
    assert names["run"].metrics["label"]["rows"] == 8
    for model in ("mine", "text_cnn"):
        assert (tmp_path / f"saved_models/{model}/1/saved_model.pb").is_file()


@pytest.mark.release
@pytest.mark.tensorflow
def test_the_python_of_the_page_on_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_python(ROOT / "docs/python.md")
    assert set(names["scores"]) == {"mood", "stars"}
    assert zoo.load("runs/own").tasks["label"].labels == ("bad", "good")
    assert (tmp_path / "saved_models/own/1/saved_model.pb").is_file()


@pytest.mark.release
@pytest.mark.tensorflow
@pytest.mark.parametrize("page", ["language_models.md", "translation.md"])
def test_the_python_of_pages_on_families_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, saved in RUNS.items():
        shutil.copytree(saved, f"runs/{name}")
    assert run_python(ROOT / "docs" / page)


@pytest.mark.tensorflow
def test_the_model_of_the_page_on_adding_is_one(monkeypatch):
    zoo.list_models()
    monkeypatch.setattr(_registry, "_ENTRIES", dict(_registry._ENTRIES))
    names = run_python(ROOT / "docs/adding.md")
    assert names["model"].output["label"].shape == (None, 2)
    assert zoo.describe("mean_gru").keywords["units"] == 64


def test_the_page_on_python_names_what_is_public():
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs/python.md").read_text(), re.M)
    named = set(re.findall(r"`zoo\.(\w+)", " ".join(rows)))
    assert named == set(zoo.__all__) - {"__version__"}


def run_python(page) -> dict:
    """What the names of a page's Python mean after all of it has run."""
    names: dict = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)
    return names


RUNS = {
    "bilstm_mt": SAVED / "classification",
    "lstm_lm": SAVED / "language",
    "seq2seq": SAVED / "translation",
}
