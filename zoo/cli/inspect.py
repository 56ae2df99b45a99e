"""The command `zoo inspect`: what an exported model holds, without running it."""

from __future__ import annotations

from pathlib import Path

from zoo.api.start import load_tensorflow
from zoo.cli.answer import Answer


def add_inspect_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "inspect", help="show what an exported model holds, without running it"
    )
    parser.add_argument("folder", type=Path, help="exported model, or one version")
    parser.set_defaults(command=_inspect)


def _inspect(options) -> Answer:
    load_tensorflow()
    from zoo.serving.inspecting import inspect, summary

    found = inspect(options.folder)
    return Answer(found, summary(found))
