"""The command line `zoo`; each command has a file of its own.

Help and lists load no TensorFlow; each command imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import warnings
from contextlib import suppress
from typing import NoReturn

from zoo import __version__
from zoo.cli.answer import (
    UsageError,
    add_output_arguments,
    answer_to,
    asks_for_json,
    error_document,
    print_json,
)
from zoo.cli.completion import add_completion_parser
from zoo.cli.demo import add_demo_parser
from zoo.cli.describe import add_describe_parser
from zoo.cli.distill import add_distill_parser
from zoo.cli.evaluate import add_evaluate_parser
from zoo.cli.export import add_export_parser
from zoo.cli.inspect import add_inspect_parser
from zoo.cli.list import add_list_parser
from zoo.cli.plan import add_plan_parser
from zoo.cli.predict import add_predict_parser
from zoo.cli.profile import add_profile_parser
from zoo.cli.report import add_report_parser
from zoo.cli.serve import add_serve_commands
from zoo.cli.train import add_train_parser
from zoo.cli.tune import add_tune_parser
from zoo.reporting.terminal import output

_EXPECTED = (ValueError, TypeError, OSError, ImportError, RuntimeError)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code; docs/cli.md lists them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        with output(), warnings.catch_warnings():
            options = parser().parse_args(arguments)
            distributed = getattr(options, "distribute", None)
            os.environ.setdefault(
                "KERAS_BACKEND", "jax" if distributed else "tensorflow"
            )
            options.arguments = arguments
            warnings.showwarning = _show_warning
            answer_to(options)
    except BrokenPipeError:  # a reader such as `| head` has closed the pipe
        return 128 + signal.SIGPIPE
    except MemoryError as error:
        described = ValueError(
            "the data or the model must fit into memory. Accepted: smaller ones, or "
            f"more memory. Received: {error or 'no room'}."
        )
        return _told(described, arguments)
    except (Exception, KeyboardInterrupt, UsageError) as error:
        return _told(error, arguments)
    return 0


def _told(error: BaseException, arguments: list[str]) -> int:
    """Says what is wrong, as a document too if asked, and returns the exit code.

    Raises:
        BaseException: the error itself, if it shows a mistake in this package or the
            parser has told of it.
    """
    if asks_for_json(arguments):
        with suppress(OSError), output():
            print_json(error_document(error))
    if isinstance(error, KeyboardInterrupt):
        print("zoo: interrupted; run the same command to continue", file=sys.stderr)
        return 128 + signal.SIGINT
    if not isinstance(error, _EXPECTED) or os.environ.get("ZOO_TRACEBACK"):
        raise error
    print(f"zoo: error: {error}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    """Explains how to pass a value that begins with a hyphen.

    It also takes texts after an option, `zoo predict FOLDER --explain TEXT`: argparse
    reads all positional arguments at the place of the first one.
    """

    def parse_args(self, args=None, namespace=None):
        options, more = self.parse_known_args(args, namespace)
        texts = getattr(options, "texts", None)
        if isinstance(texts, list) and not any(t.startswith("-") for t in more):
            options.texts, more = [*texts, *more], []
        if more:
            self.error(f"unrecognized arguments: {' '.join(more)}")
        return options

    def error(self, message: str) -> NoReturn:
        if match := re.match(r"argument (\S*?/)?(--\S+): expected .*argument", message):
            message += f" (a value that begins with '-' is written {match[2]}=-VALUE)"
        self.print_usage(sys.stderr)
        print(f"{self.prog}: error: {message}", file=sys.stderr)
        raise UsageError(message, self.format_usage())


def parser() -> argparse.ArgumentParser:
    """Returns the parser of all commands."""
    zoo = _Parser(
        prog="zoo",
        description="Small, fast text models for Keras and TensorFlow Serving.",
        epilog="Environment: ZOO_DATA, folder of data sets; ZOO_CACHE, folder of "
        "downloads; ZOO_PLUGINS, modules that register models and families; "
        "ZOO_TRACEBACK=1 shows tracebacks.",
    )
    zoo.add_argument("--version", action="version", version=__version__)
    commands = zoo.add_subparsers(required=True, metavar="COMMAND")
    add_list_parser(commands)
    add_describe_parser(commands)
    add_train_parser(commands)
    add_distill_parser(commands)
    add_tune_parser(commands)
    add_evaluate_parser(commands)
    add_predict_parser(commands)
    add_demo_parser(commands)
    add_export_parser(commands)
    add_serve_commands(commands)
    add_profile_parser(commands)
    add_inspect_parser(commands)
    add_report_parser(commands)
    add_plan_parser(commands)
    add_completion_parser(commands)
    add_output_arguments(commands.choices)
    return zoo


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"zoo: warning: {message}", file=sys.stderr)
