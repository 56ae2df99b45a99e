"""The command line: `zoo list | describe | train | tune | evaluate | predict | export`.

Help and lists load no TensorFlow; each command imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import warnings
from pathlib import Path

from zoo import __version__
from zoo.cli.data import add_data_arguments, add_part_arguments
from zoo.cli.edge import add_edge_arguments, check_edge_options, export_edge
from zoo.cli.evaluate import add_evaluate_parser
from zoo.cli.predict import add_predict_parser
from zoo.cli.serve import add_export_arguments, add_serve_commands, after_export
from zoo.cli.tune import add_tune_parser, tune
from zoo.reporting.terminal import output


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0, or 2 for input of no use."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        with output(), warnings.catch_warnings():
            options = _parser().parse_args(arguments)
            warnings.showwarning = _show_warning
            options.command(options)
    except BrokenPipeError:  # `| head` has seen enough; what a shell says of that
        return 128 + signal.SIGPIPE
    except (ValueError, TypeError, OSError, ImportError, RuntimeError) as error:
        if os.environ.get("ZOO_TRACEBACK"):
            raise
        print(f"zoo: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("zoo: interrupted; the same command continues the run", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zoo",
        description="Small, fast text models for Keras and TensorFlow Serving.",
        epilog="ZOO_DATA names a folder of data sets, ZOO_CACHE the folder of "
        "downloads; ZOO_TRACEBACK=1 shows tracebacks.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="the models, or the named data sets")
    listing.add_argument("pattern", nargs="?", default="*", help='such as "*mt*"')
    listing.add_argument("--data", action="store_true", help="list data sets instead")
    listing.set_defaults(command=_list)

    describe = commands.add_parser("describe", help="arguments and source of a model")
    describe.add_argument("model")
    describe.set_defaults(command=_describe)

    train = commands.add_parser(
        "train", help="train a model, report on it, export it for TF Serving"
    )
    train.add_argument("model", help="a name from `zoo list`")
    add_data_arguments(train)
    add_part_arguments(train)
    train.add_argument("--out", type=Path, help="folder of the run (runs/MODEL)")
    train.add_argument(
        "--export", type=Path, default=Path("saved_models"), metavar="FOLDER",
        help="exported to FOLDER/MODEL/VERSION (saved_models)",
    )  # fmt: skip
    train.add_argument("--no-export", action="store_true", help="train only")
    add_export_arguments(train)
    train.add_argument("--seed", type=int, help="of the split and the training (0)")
    train.add_argument("--epochs", type=int, help="at most this many")
    train.add_argument("--batch-size", type=int)
    train.add_argument("--learning-rate", type=float)
    train.add_argument(
        "--max-length", type=int, help="tokens of a text that are read (classifiers)"
    )
    train.add_argument(
        "--tensorboard", type=Path, metavar="FOLDER", help="writes event files there"
    )
    train.add_argument("--fine-tune", action="store_true",
                       help="after joint training, each task alone")  # fmt: skip
    train.add_argument(
        "--set", nargs="+", default=[], metavar="KEY=VALUE", dest="overrides",
        help="other settings, and arguments of the model's builder, as JSON values: "
        "units=64 sampling=uniform 'class_weights={\"label\": \"balanced\"}'",
    )  # fmt: skip
    train.set_defaults(command=_train)

    add_tune_parser(commands).set_defaults(command=_tune)

    add_evaluate_parser(commands)
    add_predict_parser(commands)

    export = commands.add_parser(
        "export", help="export a run for TF Serving, or for a device"
    )
    export.add_argument("folder", type=Path, help="folder of a run")
    export.add_argument(
        "--to", type=Path,
        help="folder of the versions (saved_models/MODEL), or of the export for a "
        "device (edge/MODEL-RUNTIME)",
    )  # fmt: skip
    add_export_arguments(export)
    add_edge_arguments(export)
    export.set_defaults(command=_export)

    add_serve_commands(commands)
    return parser


def _list(options) -> None:
    if options.data:
        from zoo.data import named_sets

        rows = named_sets()
    else:
        from zoo.models._registry import describe, list_models

        names = list_models(options.pattern)
        rows = [(name, describe(name).summary) for name in names]
        if not names:
            raise ValueError(
                f"`pattern` must match a model. Accepted: {', '.join(list_models())}. "
                f"Received: {options.pattern!r}."
            )
    width = max(len(name) for name, _ in rows)
    for name, summary in rows:
        print(f"{name:{width}}  {summary}")


def _describe(options) -> None:
    from zoo.families.catalogue import describe

    print(describe(options.model), end="")


def _train(options) -> None:
    from zoo.families import family_of
    from zoo.families.catalogue import parse_overrides

    # All that can be wrong is looked at first: it costs no second of TensorFlow.
    family = family_of(options.model)
    settings, keywords = parse_overrides(options.overrides, options.model)
    shorthands = ("seed", "epochs", "batch_size", "learning_rate", "max_length")
    for name in (*shorthands, "abstain"):
        if getattr(options, name) is not None:
            settings[name] = getattr(options, name)
    if options.fine_tune:
        settings["fine_tune"] = True
    family.settings.of(options.model, **settings)
    folder = options.out or Path("runs", options.model)
    export_to = None if options.no_export else options.export / options.model
    _check_writable(folder, "--out")
    if export_to is not None:
        _check_writable(export_to, "--export")
    splits = family.read(options)

    load_tensorflow()
    callbacks = []
    if options.tensorboard is not None:
        from zoo.training.callbacks import TensorBoard

        callbacks.append(TensorBoard(options.tensorboard))
    family.run(
        options.model, splits, settings, keywords, folder=folder, export_to=export_to,
        callbacks=callbacks,
    )  # fmt: skip
    if export_to is not None:
        after_export(export_to, options)


def _tune(options) -> None:
    tune(options, _check_writable, load_tensorflow)


def _export(options) -> None:
    check_edge_options(options)
    load_tensorflow()
    from zoo.loading import load

    text_model = load(options.folder)
    if options.abstain is not None:
        from zoo.families.classification.calibration import with_abstain

        text_model.tasks = with_abstain(text_model.tasks, options.abstain)
    name = text_model.metadata.get("name", options.folder.name)
    if options.edge:
        export_edge(text_model, name, options)
        return
    folder = options.to or Path("saved_models", name)
    print(text_model.export(folder))
    after_export(folder, options)


def _check_writable(folder: Path, option: str) -> None:
    """Fails before the training, not after it, if the results cannot be written."""
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        with tempfile.TemporaryDirectory(prefix=".zoo-can-write-", dir=there):
            pass
    except OSError as error:
        raise OSError(
            f"`{option}` must be a folder that can be written, or a place where one "
            f"can be made. Received: {folder} ({error})."
        ) from None


def load_tensorflow() -> None:
    """Imports TensorFlow without what it writes about itself to file descriptor 2.

    It writes some lines before it reads TF_CPP_MIN_LOG_LEVEL, and some when it looks
    for devices. Its Python part warns of graphs traced again, which we do on purpose.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow

            tensorflow.config.list_logical_devices()
            tensorflow.get_logger().setLevel("ERROR")
        except ImportError:
            said.seek(0)
            os.write(terminal, said.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"zoo: warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
