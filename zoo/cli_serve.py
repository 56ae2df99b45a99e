"""Commands about exported models: `zoo serve-config | rollback | warmup`, and options.

Help loads no TensorFlow, nor do the first two commands.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.client import connect
from zoo.serving.deploy import IMAGE, STABLE, write_serve_config
from zoo.serving.versions import MODELS_CONFIG, prune, restore, rollback, withdrawn


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of every command that exports a classifier."""
    parser.add_argument(
        "--keep", type=_positive, metavar="N",
        help="versions that stay; older ones are removed, but for those that "
        f"{MODELS_CONFIG} names (all stay)",
    )  # fmt: skip
    parser.add_argument(
        "--abstain", type=_probability, metavar="P",
        help='a category less likely than this is not said: its label is "" '
        "(always said)",
    )  # fmt: skip


def add_serve_commands(commands) -> None:
    """Adds the commands to the subparsers of `zoo`."""
    config = commands.add_parser(
        "serve-config", help="write what TF Serving, Docker and Kubernetes start from"
    )
    config.add_argument(
        "folder", type=Path, nargs="?", default=Path("saved_models"),
        help="folder of the exported models (saved_models)",
    )  # fmt: skip
    config.add_argument(
        "--canary", action="store_true",
        help=f"serve the newest version as canary beside the one before as {STABLE}",
    )  # fmt: skip
    config.add_argument(
        "--label", type=_label, action="append", metavar="MODEL:LABEL=VERSION",
        help=f"give a version this label, such as {STABLE}; may be repeated; models "
        "that are not named keep theirs",
    )  # fmt: skip
    config.add_argument(
        "--threads", type=_positive, default=2, help="that run batches (2)"
    )
    config.add_argument("--image", default=IMAGE, help=f"of the server ({IMAGE})")
    config.set_defaults(command=_serve_config)

    back = commands.add_parser(
        "rollback", help="take the newest version of an exported model out of service"
    )
    back.add_argument("folder", type=Path, help="folder of the model's versions")
    choice = back.add_mutually_exclusive_group()
    choice.add_argument(
        "--to", type=int, help="the version to go back to (the one before the newest)"
    )
    choice.add_argument(
        "--restore", type=int, metavar="VERSION",
        help="put a version that was taken out back into service",
    )  # fmt: skip
    back.set_defaults(command=_rollback)

    warmup = commands.add_parser(
        "warmup", help="choose the requests that a server replays when it starts"
    )
    warmup.add_argument("folder", type=Path, help="an exported model, or a version")
    warmup.add_argument(
        "--texts", type=Path, metavar="FILE", help="one text a line, of the usual kind"
    )
    for option, default, unit in (
        ("--lengths", (8, 32, 128), "words of a text"),
        ("--batch-sizes", (1, 8, 64), "texts of a request"),
    ):
        shown = " ".join(map(str, default))
        warmup.add_argument(
            option, type=_positive, nargs="+", default=default, metavar="N",
            help=f"numbers of {unit} ({shown})",
        )  # fmt: skip
    warmup.set_defaults(command=_warmup)


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo predict` that name a running server."""
    server = parser.add_argument_group("a running TF Serving, instead of a folder")
    server.add_argument(
        "--server", metavar="HOST:PORT",
        help="its REST port, or grpc://HOST:PORT for its gRPC port",
    )  # fmt: skip
    server.add_argument("--model", default="model", help="name of the model (model)")
    choice = server.add_mutually_exclusive_group()
    choice.add_argument("--version", type=_positive, metavar="N", help="(the newest)")
    choice.add_argument("--label", help="of the version, such as stable")
    server.add_argument("--signature", default="serving_default", help="to ask")
    server.add_argument(
        "--timeout", type=float, default=10.0, help="seconds for a request (10)"
    )


def ask_server(options, texts: list[str]) -> list[dict]:
    """Answers of the server that the options name."""
    client = connect(
        options.server, options.model, version=options.version, label=options.label,
        timeout=options.timeout,
    )  # fmt: skip
    return client.predict(texts, options.signature)


def prune_versions(folder: Path, options) -> None:
    """Does what `--keep` says after an export."""
    if options.keep is not None:
        removed = prune(folder, options.keep)
        if removed:
            print(f"Removed: {folder}, version {', '.join(map(str, removed))}")


def _serve_config(options) -> None:
    labels = None
    for model, label, version in options.label or ():
        labels = labels or {}
        labels.setdefault(model, {})[label] = version
    for path in write_serve_config(
        options.folder, canary=options.canary, labels=labels, threads=options.threads,
        image=options.image,
    ):  # fmt: skip
        print(path)
    print(f"Start a server: docker compose -f {options.folder / 'compose.yaml'} up")


def _rollback(options) -> None:
    if options.restore is not None:
        restore(options.folder, options.restore)
        print(f"{options.folder}: version {options.restore} is in service again")
        return
    number = rollback(options.folder, options.to)
    gone = ", ".join(map(str, withdrawn(options.folder)))
    print(f"{options.folder}: version {number} is the newest; withdrawn: {gone}")


def _warmup(options) -> None:
    from zoo.cli import load_tensorflow

    load_tensorflow()
    from zoo.serving.warming import rewrite_warmup

    texts = options.texts and options.texts.read_bytes().splitlines()
    count = rewrite_warmup(
        options.folder, texts=texts, lengths=options.lengths,
        batch_sizes=options.batch_sizes,
    )  # fmt: skip
    print(f"{options.folder}: {count} warmup requests")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be from 1. Received: {text}")
    return number


def _probability(text: str) -> float:
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and below 1, not {text}")
    return number


def _label(text: str) -> tuple[str, str, int]:
    try:
        start, version = text.rsplit("=", 1)
        model, label = start.rsplit(":", 1)
        return model, label, int(version)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must read MODEL:LABEL=VERSION. Received: {text}"
        ) from None
