"""What goes to a terminal or a pipe, and comes back from it: streams and commands."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def output() -> Iterator[None]:
    """Standard output that takes every character and notices where nobody reads on.

    Characters that its encoding lacks are escaped. What is left in the buffer is
    written at the end, since Python can no longer report an error at its exit.

    Raises:
        OSError: `BrokenPipeError` behind `| head`, another for a full disk. Standard
            output then takes what comes, and keeps nothing.
    """
    if getattr(sys.stdout, "errors", None) == "strict":
        stdout: Any = sys.stdout  # typeshed knows a stream without `reconfigure`
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
    """Whether standard output has all characters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def input_lines() -> Iterator[str]:
    """Lines of standard input in UTF-8, without line ends and byte-order mark.

    What is no UTF-8 becomes U+FFFD, as it does in models.

    Raises:
        ValueError: if standard input is closed.
    """
    if sys.stdin is None:
        raise ValueError(
            "`texts` must be given, or come from standard input, a line each. "
            "Received: neither; standard input is closed."
        )
    stdin: Any = sys.stdin  # typeshed knows a stream without `reconfigure`
    stdin.reconfigure(encoding="utf-8-sig", errors="replace")
    return (line.removesuffix("\n").removesuffix("\r") for line in sys.stdin)


def shell_command(*words: object, values: Iterable[object] = ()) -> str:
    """A command to copy into a shell, which takes every character as it stands.

    Args:
        words: the program, its command and its options.
        values: what stands behind them; a dash at their start makes no option of them.

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
    """A text without line breaks and what else steers a terminal.

    Example:
        >>> one_line("so\\ngood")
        'so good'
    """
    seen = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(seen.split())
