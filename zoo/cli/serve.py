"""The commands for exported models: `zoo serve-config | rollback | warmup`.

Help and the first two commands load no TensorFlow.
"""

from __future__ import annotations

import argparse
import math
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

from zoo.api.start import load_tensorflow
from zoo.cli.answer import Answer
from zoo.cli.common import positive
from zoo.reporting.terminal import shell_command
from zoo.serving.deploy import IMAGE, POLL_SECONDS, STABLE, write_serve_config
from zoo.serving.models_config import (
    MODELS_CONFIG,
    configured_labels,
    configured_versions,
)
from zoo.serving.versions import prune, restore, rollback, versions, withdrawn


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of every command that exports a classifier."""
    parser.add_argument(
        "--keep",
        type=positive,
        metavar="N",
        help="versions to keep; removes older ones that "
        f"{MODELS_CONFIG} does not name (default: keep all)",
    )
    parser.add_argument(
        "--abstain",
        type=_probability,
        metavar="P",
        help='give the label "" if no category is as likely as P (default: never)',
    )


def add_serve_commands(commands) -> None:
    """Adds the commands to the subparsers of `zoo`."""
    config = commands.add_parser(
        "serve-config", help="write the files that start TF Serving"
    )
    config.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path("saved_models"),
        help="folder of the exported models (default: saved_models)",
    )
    config.add_argument(
        "--canary",
        action="store_true",
        help=f"label the newest version canary and the one before it {STABLE}",
    )
    config.add_argument(
        "--label",
        type=_label,
        action="append",
        metavar="MODEL:LABEL=VERSION",
        help=f"give a version this label, such as {STABLE}; repeatable; other models "
        "keep their labels",
    )
    config.add_argument(
        "--threads", type=positive, default=2, help="batching threads (default: 2)"
    )
    config.add_argument(
        "--image", default=IMAGE, help=f"image of the server (default: {IMAGE})"
    )
    config.add_argument(
        "--trained",
        action="store_true",
        help="first export the trained models of the package that are not there yet",
    )
    config.set_defaults(command=_serve_config)

    back = commands.add_parser(
        "rollback", help="take the newest version of an exported model out of service"
    )
    back.add_argument("folder", type=Path, help="folder of the model's versions")
    choice = back.add_mutually_exclusive_group()
    choice.add_argument(
        "--to", type=int, help="version to return to (default: the previous one)"
    )
    choice.add_argument(
        "--restore",
        type=int,
        metavar="VERSION",
        help="return a version that was taken out to service",
    )
    back.set_defaults(command=_rollback)

    warmup = commands.add_parser(
        "warmup",
        help="choose the requests that a server replays when it loads a version",
    )
    warmup.add_argument("folder", type=Path, help="exported model, or one version")
    warmup.add_argument(
        "--texts", type=Path, metavar="FILE", help="typical texts, one per line"
    )
    for option, default, unit in (
        ("--lengths", (8, 32, 128), "words per text"),
        ("--batch-sizes", (1, 8, 64), "texts per request"),
    ):
        shown = " ".join(map(str, default))
        warmup.add_argument(
            option,
            type=positive,
            nargs="+",
            default=default,
            metavar="N",
            help=f"numbers of {unit} (default: {shown})",
        )
    warmup.set_defaults(command=_warmup)


def after_export(folder: Path, options) -> None:
    """Applies `--keep`, and notes if the new version is not served yet."""
    if options.keep is not None:
        removed = prune(folder, options.keep)
        if removed:
            print(f"Removed: {folder}, version {_listed(removed)}")
    _note_what_is_served(folder, versions(folder)[-1])


def _serve_config(options) -> Answer:
    labels: dict[str, dict[str, int]] | None = None
    for model, label, version in options.label or ():
        labels = labels or {}
        labels.setdefault(model, {})[label] = version
    if options.trained:
        load_tensorflow()
        from zoo.api.exporting import export_trained

        for exported in export_trained(options.folder):
            print(f"Exported and checked: {exported.parent}")
    paths = write_serve_config(
        options.folder,
        canary=options.canary,
        labels=labels,
        threads=options.threads,
        image=options.image,
    )
    folders = sorted(path for path in options.folder.iterdir() if path.is_dir())
    served: dict[str, dict[str, Any]] = {
        folder.name: {
            "versions": numbers,
            "labels": dict(configured_labels(folder)),
        }
        for folder in folders
        if (numbers := configured_versions(folder))
    }
    place = options.folder / "compose.yaml"
    command = shell_command("docker", "compose", "-f", place, "up")
    lines = [
        *map(str, paths),
        *(_what_is_served(name, **found) for name, found in served.items()),
        f"Start a server: {command}. A running server reloads this within "
        f"{POLL_SECONDS} s.",
    ]
    return Answer({"files": paths, "models": served, "next": command}, lines)


def _what_is_served(name: str, versions: list[int], labels: dict[str, int]) -> str:
    shown = [f"version {number} is {label}" for label, number in labels.items()]
    old = [number for number in versions if number not in labels.values()]
    if old:
        shown.append(
            f"version {_listed(old)} stays loaded until the command is run again"
        )
    return f"{name}: {', '.join(shown)}"


def _note_what_is_served(folder: Path, number: int) -> None:
    """Prints a note if `models.config` does not make a server load a version."""
    config, numbers = folder.parent / MODELS_CONFIG, configured_versions(folder)
    if config.exists() and number not in numbers:
        command = shell_command("zoo", "serve-config", values=[folder.parent])
        print(
            f"Not served yet: {config} names version {_listed(numbers) or 'none'} of "
            f"{folder.name}; run `{command}` to update it"
        )


def _rollback(options) -> Answer:
    folder = options.folder
    if options.restore is not None:
        restore(folder, options.restore)
        _note_what_is_served(folder, options.restore)
        said = f"version {options.restore} is back in service"
    else:
        number = rollback(folder, options.to)
        said = (
            f"version {number} is the newest; withdrawn: {_listed(withdrawn(folder))} "
            "(`--restore` brings it back)"
        )
    found = {"versions": versions(folder), "withdrawn": withdrawn(folder)}
    return Answer({"folder": folder, **found}, f"{folder}: {said}")


def _warmup(options) -> Answer:
    try:
        texts = options.texts and options.texts.read_bytes()
        texts = texts and texts.removeprefix(BOM_UTF8).splitlines()
    except OSError as error:
        raise OSError(
            f"`--texts` must be a readable file. Received: {options.texts} ({error})."
        ) from None
    load_tensorflow()
    from zoo.serving.served import version_folder
    from zoo.serving.warmup import rewrite_warmup

    folder = version_folder(options.folder, None)
    count = rewrite_warmup(
        folder, texts=texts, lengths=options.lengths, batch_sizes=options.batch_sizes
    )
    return Answer(
        {"folder": folder, "requests": count},
        f"{folder}: wrote {count} warmup requests for the next server that loads it",
    )


def _probability(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(
            f"must be a number above 0 and below 1. Received: {text}"
        )
    return number


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


def _label(text: str) -> tuple[str, str, int]:
    try:
        start, version = text.rsplit("=", 1)
        model, label = start.rsplit(":", 1)
        return model, label, int(version)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must have the form MODEL:LABEL=VERSION. Received: {text}"
        ) from None
