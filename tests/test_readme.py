"""What the README and the docs tell users to type."""

from __future__ import annotations

import re
import shlex
import shutil

import pytest
from saved import ROOT, SAVED

from zoo.cli.app import parser

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S
    )


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
    names = {}
    for block in blocks(PAGES[0], "python"):
        exec(compile(block, "README.md", "exec"), names)
    assert names["experts"].num_experts == 64
    assert (tmp_path / "saved_models/mine/1/saved_model.pb").is_file()


RUNS = {
    "bilstm_mt": SAVED / "classification",
    "lstm_lm": SAVED / "language",
    "seq2seq": SAVED / "translation",
}
