"""The command `zoo demo`: a page on this machine on which models answer."""

from __future__ import annotations

import argparse
import signal
import threading
import webbrowser

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
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load exported models whose operations reach files, network or Python",
    )
    parser.set_defaults(command=_demo)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 2**16):
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 0 to 65535. Received: {text}"
        )
    return int(text)


def _demo(options) -> None:
    from zoo.api.demo import demo_server
    from zoo.api.start import load_tensorflow

    chosen = demo_server(options.models, port=options.port, trust=options.trust)
    with chosen as server:
        load_tensorflow()
        print(f"{server.url} (Ctrl-C stops it)", flush=True)
        if not options.no_browser:
            # A browser in the terminal returns when it is closed.
            opening = threading.Thread(target=webbrowser.open, args=(server.url,))
            opening.daemon = True
            opening.start()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # also tidies up
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
