"""What a command gives back, and how `--quiet` and `--json` show it.

What a command prints while it works are notes; what it returns is its answer. All
commands have both options, without naming them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field

from zoo.data.errors import DataError
from zoo.reporting.markdown import without_nan
from zoo.reporting.terminal import can_print

_PARTS = re.compile(
    r"(?P<problem>.*?)(?:\s+Accepted: (?P<accepted>.*?))?"
    r"(?:\s+Received: (?P<received>.*))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Answer:
    """What a command was asked for.

    Args:
        found: the document of `--json`; docs/cli.md lists the keys of each command.
        text: what is printed without `--json`, or its lines, printed as they come.
        then: what is done once it is printed.
    """

    found: Mapping = field(default_factory=dict)
    text: str | Iterable[str] = ()
    then: Callable[[], object] = lambda: None


class UsageError(SystemExit):
    """Arguments that the parser does not take; it has said so on standard error."""

    def __init__(self, message: str, usage: str) -> None:
        super().__init__(2)
        accepted = " ".join(usage.removeprefix("usage:").split())
        self._message = f"{message}. Accepted: {accepted}"

    def __str__(self) -> str:
        return self._message


def add_output_arguments(commands: Mapping[str, argparse.ArgumentParser]) -> None:
    """Adds `--quiet` and `--json` to every command."""
    for parser in commands.values():
        group = parser.add_argument_group("output (docs/cli.md)")
        group.add_argument(
            "--quiet",
            action="store_true",
            help="print the answer and errors only: no progress, notes and warnings",
        )
        group.add_argument(
            "--json",
            action="store_true",
            help="print one JSON document to standard output, and all else to "
            "standard error",
        )


def asks_for_json(arguments: list[str]) -> bool:
    """Returns whether `--json` is among arguments that need not be valid.

    Example:
        >>> asks_for_json(["list", "--json"]), asks_for_json(["--", "--json"])
        (True, False)
    """
    stop = arguments.index("--") if "--" in arguments else len(arguments)
    return "--json" in arguments[:stop]


def answer_to(options: argparse.Namespace) -> None:
    """Runs the command of the options, and prints its answer as they say."""
    with ExitStack() as stack:
        if options.quiet:
            stack.enter_context(_silence())
        answer = _notes_apart(options)
        if options.json:
            print_json(answer.found)
        else:
            for line in [answer.text] if isinstance(answer.text, str) else answer.text:
                print(line)
        if sys.stdout is not None:  # which is closed
            sys.stdout.flush()
        answer.then()


def print_json(document: Mapping) -> None:
    """Prints a document; numbers that are not finite become `null`."""
    plain = without_nan(json.loads(json.dumps(document, default=_as_json)))
    text = json.dumps(plain, indent=1, ensure_ascii=False)
    print(text if can_print(text) else json.dumps(plain, indent=1))


def error_document(error: BaseException) -> dict:
    """Returns an error as the document that `--json` prints.

    Example:
        >>> said = "`k` must be at least 1. Accepted: 1 to 4. Received: k=0."
        >>> error_document(ValueError(said))["error"]["accepted"]
        '1 to 4'
    """
    message = str(error) or type(error).__name__
    rows = [asdict(row) for row in getattr(error, "rows", ())]
    parts = rows[0] if rows else _parts(message)
    found = {name: parts[name] for name in ("problem", "accepted", "received")}
    document = {"kind": _kind(error), **found, "message": message}
    return {"error": {**document, "rows": rows} if rows else document}


def _parts(message: str) -> dict[str, str | None]:
    match = _PARTS.fullmatch(message)
    assert match is not None  # all that the pattern asks for is optional
    return {
        name: None if text is None else text.removesuffix(".")
        for name, text in match.groupdict().items()
    }


def _kind(error: BaseException) -> str:
    kinds: dict[str, type[BaseException] | tuple[type[BaseException], ...]] = {
        "usage": UsageError,
        "data": DataError,
        "argument": (ValueError, TypeError),
        "file": OSError,
        "package": ImportError,
        "failure": RuntimeError,
        "interrupted": KeyboardInterrupt,
    }
    return next((kind for kind, of in kinds.items() if isinstance(error, of)), "bug")


def _notes_apart(options: argparse.Namespace) -> Answer:
    """Runs the command, with its notes where they do not mix with the answer."""
    command: Callable[[argparse.Namespace], Answer | None] = options.command
    with ExitStack() as stack:
        if options.json or options.quiet:
            stack.enter_context(redirect_stdout(sys.stderr))
        return command(options) or Answer()  # a worker of a search has none


@contextmanager
def _silence() -> Iterator[None]:
    """Discards what this process and those that it starts write to standard error."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, ExitStack() as stack:
        if sys.stderr is not None:
            terminal = os.dup(2)
            stack.callback(os.close, terminal)
            stack.callback(os.dup2, terminal, 2)
            os.dup2(nowhere.fileno(), 2)
        with redirect_stderr(nowhere):
            yield


def _as_json(value):
    """Returns numbers of NumPy as Python's, and all else, such as paths, as text."""
    return value.item() if hasattr(value, "item") else str(value)
