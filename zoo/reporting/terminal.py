"""Terminals and pipes: standard streams, and commands to copy."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def output() -> Iterator[None]:
    """Makes standard output accept every character and report a closed pipe.

    Characters that its encoding lacks are escaped. The buffer is flushed at the end,
    because Python can no longer report an error at its exit.

    Raises:
        OSError: `BrokenPipeError` after `| head`, another one for a full disk. Standard
            output then discards everything.
    """
    if getattr(sys.stdout, "errors", None) == "strict":
        stdout: Any = sys.stdout  # typeshed's stream has no `reconfigure`
        stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
            raise


def can_print(text: str) -> bool:
    """Returns whether standard output can encode a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def input_lines() -> Iterator[str]:
    """Yields lines of standard input in UTF-8, without line ends and byte-order mark.

    Invalid UTF-8 becomes U+FFFD, as it does in models.

    Raises:
        ValueError: if standard input is closed.
    """
    if sys.stdin is None:
        raise ValueError(
            "`texts` must be given, or read from standard input, one per line. "
            "Received: neither; standard input is closed."
        )
    stdin: Any = sys.stdin  # typeshed's stream has no `reconfigure`
    stdin.reconfigure(encoding="utf-8-sig", errors="replace")
    return (line.removesuffix("\n").removesuffix("\r") for line in sys.stdin)


def shell_command(*words: object, values: Iterable[object] = ()) -> str:
    """Returns a command to copy into a shell, with every character quoted correctly.

    Args:
        words: the program, its command and its options.
        values: arguments after them; a leading dash does not make them options.

    Example:
        >>> print(shell_command("zoo", "predict", values=["runs/a b", "`ls` $HOME"]))
        zoo predict 'runs/a b' '`ls` $HOME'
        >>> print(shell_command("zoo", "predict", values=["-1"]))
        zoo predict -- -1
    """
    texts = [str(value) for value in values]
    dashes = ["--"] if any(text.startswith("-") for text in texts) else []
    return shlex.join([*map(str, words), *dashes, *texts])


def one_line(text: str) -> str:
    """Returns a text without line breaks and other terminal control characters.

    Example:
        >>> one_line("so\\ngood")
        'so good'
    """
    seen = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(seen.split())
