"""The command `zoo predict`: prints one line of JSON per text."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from zoo.api.start import load_tensorflow
from zoo.cli.common import positive
from zoo.client import connect
from zoo.reporting.terminal import can_print, input_lines

_CHUNK = 64  # texts whose answers are printed before more are read


def add_predict_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "predict", help="predict with a run, an exported model or a server"
    )
    parser.add_argument(
        "folder", nargs="?", help="run or exported model; omit it with --server"
    )
    parser.add_argument(
        "texts",
        nargs="*",
        help="texts; by default the lines of standard input, in UTF-8",
    )
    _add_server_arguments(parser)
    parser.set_defaults(command=_predict)


def _add_server_arguments(parser: argparse.ArgumentParser) -> None:
    server = parser.add_argument_group("a running TF Serving instead of a folder")
    server.add_argument(
        "--server",
        metavar="HOST:PORT",
        help="its REST port, or grpc://HOST:PORT for its gRPC port",
    )
    server.add_argument("--model", default="model", help="model name (default: model)")
    choice = server.add_mutually_exclusive_group()
    choice.add_argument("--version", type=positive, metavar="N", help="(the newest)")
    choice.add_argument("--label", help="version label, such as stable")
    server.add_argument("--signature", default="serving_default", help="to ask")
    server.add_argument(
        "--timeout",
        type=float,
        default=10.0,
        help=f"seconds allowed for a request of up to {_CHUNK} texts (default: 10)",
    )


def _predict(options) -> None:
    if options.server:  # every positional argument is a text then
        given = [options.folder] if options.folder is not None else []
        options.texts = given + options.texts
    elif options.folder is None:
        raise ValueError("`folder` or `--server` must be given. Received: neither.")
    ask = _asker_of_server(options) if options.server else _asker(Path(options.folder))
    texts, answered = _texts(options.texts), 0
    while chunk := list(islice(texts, _CHUNK)):
        try:
            answers = ask(chunk)
        except RuntimeError as error:  # the answers printed so far are valid
            if answered:
                error.args = (f"{error} Texts answered before the error: {answered}.",)
            raise
        for text, answer in zip(chunk, answers, strict=True):
            record = {"text": text, "answers": answer}
            line = json.dumps(record, ensure_ascii=False)
            print(line if can_print(line) else json.dumps(record))
        answered += len(chunk)


def _texts(given: list[str]) -> Iterator[str]:
    """Yields the arguments or the lines of standard input.

    Invalid UTF-8 becomes U+FFFD, as it does in the models.
    """
    if given:
        return (os.fsencode(text).decode("utf-8", "replace") for text in given)
    return input_lines()


def _asker_of_server(options) -> Callable[[list[str]], list[dict]]:
    if options.server.startswith("grpc:"):
        load_tensorflow()  # quietly, because the gRPC client imports it
    client = connect(
        options.server,
        options.model,
        version=options.version,
        label=options.label,
        timeout=options.timeout,
        batch_size=_CHUNK,
    )
    return lambda texts: client.predict(texts, options.signature)


def _asker(folder: Path) -> Callable[[list[str]], list[dict]]:
    load_tensorflow()
    if any(list(folder.glob(f"{deep}saved_model.pb")) for deep in ("", "*/")):
        from zoo.serving import ServedModel as load
    else:
        from zoo.loading import load
    return load(folder).predict
