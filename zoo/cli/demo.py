"""The command `zoo demo`: a page on this machine on which models answer."""

from __future__ import annotations

import argparse
import signal
import threading
import webbrowser
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from zoo.cli.answer import Answer
from zoo.cli.common import add_trust_argument

if TYPE_CHECKING:
    from zoo.api.demo.server import DemoServer

PORT = 8000


def add_demo_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "demo", help="open a page in the browser on which models answer"
    )
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="a name from `zoo list --trained`, a run or an exported model (default: "
        "the trained models that ship with the package)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=PORT,
        metavar="N",
        help=f"port on 127.0.0.1; 0 for any that is free (default: {PORT})",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address alone"
    )
    add_trust_argument(parser, "exported models")
    parser.set_defaults(command=_demo)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 2**16):
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 0 to 65535. Received: {text}"
        )
    return int(text)


def _demo(options) -> Answer:
    from zoo.api.demo import demo_server
    from zoo.api.start import load_tensorflow

    with ExitStack() as stack:
        chosen = demo_server(options.models, port=options.port, trust=options.trust)
        server = stack.enter_context(chosen)
        load_tensorflow()
        open_until = stack.pop_all()  # the server stays open when this returns

    def serve() -> None:
        with open_until:
            _serve(server, browser=not options.no_browser)

    found = {"url": server.url, "models": list(server.models.summaries)}
    return Answer(found, f"{server.url} (Ctrl-C stops it)", serve)


def _serve(server: DemoServer, *, browser: bool) -> None:
    if browser:
        # A browser in the terminal returns when it is closed.
        opening = threading.Thread(target=webbrowser.open, args=(server.url,))
        opening.daemon = True
        opening.start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # also tidies up
    with suppress(KeyboardInterrupt):
        server.serve_forever()
