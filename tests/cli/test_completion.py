"""What a shell completes after `zoo completion`."""

from __future__ import annotations

import shutil
import subprocess

import pytest

import zoo
from zoo.cli.app import main
from zoo.data import named_sets

MODELS = set(zoo.list_models())
SETS = {name for name, _ in named_sets()}
TRAINED = set(zoo.weights.trained_models())
# What is typed, and what is offered for its last word.
TYPED = {
    "zoo ": {"list", "train", "predict", "completion"},
    "zoo tra": {"train"},
    "zoo train text_": {"text_cnn", "text_encoder"},
    "zoo tune bilstm text_": {"text_cnn", "text_encoder"},
    "zoo train --data ": SETS,
    "zoo train text_cnn --on-bad-rows ": {"error", "skip"},
    "zoo train text_cnn --max-t": {"--max-time"},
    "zoo describe sent": {"sentiment-en"},
    "zoo predict ": TRAINED,
    "zoo list --tr": {"--trained"},
    "zoo completion ": {"bash", "fish", "zsh"},
    "zoo predict --js": {"--json"},
}
BASH = """
source {script}
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_zoo; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
# zsh has no interface for this: it must find the function, and know its variables.
ZSH = """
source {script} 2>&1
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS}} - 1))
emulate ksh -c _zoo; print -l -- $COMPREPLY; print -- ${{_comps[zoo]}} end
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """Writes the script of a shell, and gives its path."""
    folder = tmp_path_factory.mktemp("completion")

    def write(shell, capsys):
        assert main(["completion", shell]) == 0
        path = folder / shell
        path.write_text(capsys.readouterr().out, "utf-8")
        return path

    return write


def said(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.splitlines()


def typed_words(typed):
    return " ".join(f"'{word}'" for word in typed.split(" "))


def shell_of(name):
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    return name


@pytest.mark.parametrize("typed", TYPED)
def test_bash(typed, script, capsys):
    code = BASH.format(script=script("bash", capsys), words=typed_words(typed))
    found = set(said(shell_of("bash"), "--norc", "-c", code))
    assert TYPED[typed] <= found
    assert all(word.startswith(typed.split(" ")[-1]) for word in found)


def test_files_are_completed_where_there_are_no_words(script, capsys):
    code = BASH.format(script=script("bash", capsys), words="zoo train --out ''")
    assert said(shell_of("bash"), "--norc", "-c", f"{code}\ncomplete -p zoo") == [
        "",
        "complete -o default -F _zoo zoo",
    ]


@pytest.mark.parametrize("typed", ["zoo tra", "zoo train --data ", "zoo train text_"])
def test_zsh(typed, script, capsys):
    code = ZSH.format(script=script("zsh", capsys), words=typed_words(typed))
    *found, end = said(shell_of("zsh"), "-f", "-c", code)
    assert TYPED[typed] <= set(found)
    assert end.endswith("_bash_complete -o default -F _zoo end")


@pytest.mark.parametrize("typed", TYPED)
def test_fish(typed, script, capsys):
    path = script("fish", capsys)
    code = f'source {path}; complete --do-complete "{typed}"'
    found = {line.split("\t")[0] for line in said(shell_of("fish"), "-c", code)}
    assert TYPED[typed] <= found


def test_models_are_those_of_the_list(script, capsys):
    assert MODELS <= set(script("bash", capsys).read_text("utf-8").split())
