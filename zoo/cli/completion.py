"""The command `zoo completion`: scripts by which a shell completes `zoo ...`.

They are written from the parser, with the names of models, data sets and trained models
of this installation.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zoo.cli.answer import Answer

_BASH = """\
_zoo() {{
    local offered current=${{COMP_WORDS[COMP_CWORD]}}
    case "${{COMP_WORDS[1]}} ${{COMP_WORDS[COMP_CWORD-1]}}" in
{values}
    *)
        case "${{COMP_WORDS[1]}}" in
{commands}
        esac
        [ "$COMP_CWORD" -gt 1 ] || offered={names}
    esac
    COMPREPLY=($(compgen -W "$offered" -- "$current"))
}}
complete -o default -F _zoo zoo"""
_ZSH = """\
(( $+functions[compdef] )) || { autoload -U +X compinit && compinit; }
autoload -U +X bashcompinit && bashcompinit"""


@dataclass(frozen=True)
class _Option:
    """An option of a command, or a positional argument, which has no flags.

    Args:
        flags: as they are typed.
        help: what it is for, in a line.
        words: values that are completed; a shell completes file names besides.
        takes: whether it takes a value.
    """

    flags: tuple[str, ...]
    help: str
    words: tuple[str, ...]
    takes: bool


SHELLS = ("bash", "zsh", "fish")


def add_completion_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "completion",
        help="print the script by which a shell completes zoo",
        description='For bash and zsh: eval "$(zoo completion bash)" in ~/.bashrc, or '
        "with zsh in ~/.zshrc. For fish: "
        "zoo completion fish > ~/.config/fish/completions/zoo.fish",
    )
    parser.add_argument("shell", choices=SHELLS)
    parser.set_defaults(command=_completion)


def _completion(options) -> Answer:
    from zoo.cli.app import parser

    script = {"bash": bash, "zsh": zsh, "fish": fish}[options.shell](parser())
    return Answer({"shell": options.shell, "script": script}, script)


def bash(parser: argparse.ArgumentParser) -> str:
    """Returns the script for bash, of all commands of a parser."""
    values, commands = [], []
    for name, _, options in _commands(parser):
        offered: list[str] = []
        for option in options:
            offered += option.flags or option.words
            if option.flags and option.takes:
                places = "|".join(f"{shlex.quote(f'{name} {f}')}" for f in option.flags)
                values.append(f"    {places}) offered={_quoted(option.words)} ;;")
        commands.append(f"        {name}) offered={_quoted(offered)} ;;")
    return _BASH.format(
        values="\n".join(values),
        commands="\n".join(commands),
        names=_quoted([name for name, *_ in _commands(parser)]),
    )


def zsh(parser: argparse.ArgumentParser) -> str:
    """Returns the script for zsh, which reads that of bash."""
    return f"{_ZSH}\n{bash(parser)}"


def fish(parser: argparse.ArgumentParser) -> str:
    """Returns the script for fish, of all commands of a parser."""
    lines = []
    for name, about, options in _commands(parser):
        command = shlex.join(["-a", name, "-d", about])
        lines.append(f"complete -c zoo -f -n __fish_use_subcommand {command}")
        place = f"complete -c zoo -n '__fish_seen_subcommand_from {name}'"
        for option in options:
            words = ["-a", " ".join(option.words)] if option.words else []
            if option.flags:
                flags = [part for f in option.flags for part in ("-l", f.lstrip("-"))]
                taken = ["-r"] if option.takes else []
                words = [*flags, *taken, *words, "-d", option.help]
            if words:
                lines.append(f"{place} {shlex.join(words)}")
    return "\n".join(lines)


def _commands(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[str, str, list[_Option]]]:
    """Yields name, summary and options of each command."""
    known = {dest: tuple(names) for dest, names in _known_names().items()}
    # argparse has no public way to the commands and options of a parser.
    group: Any = parser._subparsers
    [subparsers] = group._group_actions
    about = {choice.dest: choice.help or "" for choice in subparsers._choices_actions}
    for name, command in subparsers.choices.items():
        found = [
            _Option(
                tuple(flag for flag in action.option_strings if flag[:2] == "--"),
                _short(action.help or ""),
                _words(action, known),
                action.nargs != 0,
            )
            for action in command._actions
        ]
        yield name, about[name], found


def _short(text: str) -> str:
    """Returns the first clause of a help text, without marks that argparse reads."""
    first = re.split(r"[;:(,]", text.replace("%%", "%"))[0]
    return " ".join(first.split()).replace("`", "")


def _words(action: argparse.Action, known: dict[str, tuple]) -> tuple[str, ...]:
    if action.choices:
        return tuple(map(str, action.choices))
    if action.nargs == 0 or (action.option_strings and action.dest != "data"):
        return ()
    return known.get(action.dest, ())


def _known_names() -> dict[str, list[str]]:
    """Returns the names that the arguments of this destination may have."""
    from zoo.data import named_sets
    from zoo.models._registry import list_models
    from zoo.weights import trained_models

    models, trained = list_models(), [*trained_models()]
    return {
        "model": [*models, *trained],
        "models": models,
        "folder": trained,
        "data": [name for name, _ in named_sets()],
    }


def _quoted(words) -> str:
    return shlex.quote(" ".join(words))
