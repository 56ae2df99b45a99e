"""The command line: `zoo list | describe | train | evaluate | predict | export`.

Help and lists load no TensorFlow; each command imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

from zoo import __version__
from zoo.tasks import KINDS

DEFAULT_DATA = "hutto"
DEFAULT_TEXT = "text"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0, or 2 for input of no use."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            options.command(options)
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
    _add_data_arguments(train)
    train.add_argument(
        "--valid", type=Path, help="validation table; else 10 %% of data"
    )
    train.add_argument("--test", type=Path, help="test table; else 10 %% of the data")
    train.add_argument("--out", type=Path, help="folder of the run (runs/MODEL)")
    train.add_argument(
        "--export", type=Path, default=Path("saved_models"), metavar="FOLDER",
        help="exported to FOLDER/MODEL/VERSION (saved_models)",
    )  # fmt: skip
    train.add_argument("--no-export", action="store_true", help="train only")
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

    evaluate = commands.add_parser(
        "evaluate", help="metrics of a trained model on data"
    )
    evaluate.add_argument("folder", type=Path, help="folder of a run")
    _add_data_arguments(evaluate)
    evaluate.set_defaults(command=_evaluate)

    predict = commands.add_parser(
        "predict", help="labels of texts, by a run or by an exported model"
    )
    predict.add_argument("folder", type=Path, help="a run or an exported model")
    predict.add_argument(
        "texts", nargs="*", help="else one text a line of standard input"
    )
    predict.set_defaults(command=_predict)

    export = commands.add_parser("export", help="export a run for TF Serving")
    export.add_argument("folder", type=Path, help="folder of a run")
    export.add_argument(
        "--to", type=Path, help="folder of the versions (saved_models/MODEL)"
    )
    export.set_defaults(command=_export)
    return parser


def _add_data_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", default=DEFAULT_DATA, metavar="NAME_OR_FILE",
        help="a name from `zoo list --data`, or a CSV, TSV, JSONL or Parquet file "
        f"({DEFAULT_DATA}); for a tagger a .conll, .txt, .conllu or .jsonl file",
    )  # fmt: skip
    parser.add_argument(
        "--text", default=DEFAULT_TEXT,
        help=f"column of the texts ({DEFAULT_TEXT}), or of the words for a tagger",
    )  # fmt: skip
    parser.add_argument(
        "--label", action="append", metavar="COLUMN[:KIND]",
        help=f"column of labels (label); may be repeated; KIND is one of "
        f"{', '.join(KINDS)} (categories); for a tagger [TASK=]COLUMN[:KIND] with BIO, "
        "IOB1, BIOES, none (tags without a scheme) or categories (of the sentence)",
    )  # fmt: skip
    parser.add_argument("--task-column", help="splits the one label into tasks")
    parser.add_argument("--on-bad-rows", choices=("error", "skip"), default="error")
    parser.add_argument("--encoding", help="of the file (UTF-8)")
    parser.add_argument(
        "--no-quotes", action="store_true", help='CSV, TSV: " is an ordinary character'
    )


def _list(options) -> None:
    if options.data:
        from zoo.data import named_sets

        rows = named_sets()
    else:
        from zoo.registry import describe, list_models

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
    from zoo.registry import describe

    print(describe(options.model), end="")


def _train(options) -> None:
    from zoo.registry import describe
    from zoo.settings import parse_overrides, settings_of

    # All that can be wrong is looked at first: it costs no second of TensorFlow.
    entry = describe(options.model)
    if entry.task == "language modelling":  # it needs no label
        options.default_labels = []
    options.tagged = entry.task == "tagging"
    settings, keywords = parse_overrides(options.overrides, options.model)
    for name in ("seed", "epochs", "batch_size", "learning_rate", "max_length"):
        if getattr(options, name) is not None:
            settings[name] = getattr(options, name)
    if options.fine_tune:
        settings["fine_tune"] = True
    settings_of(options.model).of(options.model, **settings)
    folder = options.out or Path("runs", options.model)
    export_to = None if options.no_export else options.export / options.model
    _check_writable(folder, "--out")
    if export_to is not None:
        _check_writable(export_to, "--export")
    splits = _splits(options)

    _load_tensorflow()
    recipe = importlib.import_module(f"recipes.{entry.recipe}")
    callbacks = []
    if options.tensorboard is not None:
        from zoo.health import TensorBoard

        callbacks.append(TensorBoard(options.tensorboard))
    recipe.run(
        options.model, splits, settings, keywords, folder=folder, export_to=export_to,
        callbacks=callbacks,
    )  # fmt: skip


def _evaluate(options) -> None:
    _load_tensorflow()
    from zoo.artifact import load
    from zoo.data import encode_labels
    from zoo.metrics import evaluate
    from zoo.report import results_table
    from zoo.tagging.decoder import is_tagger

    text_model = load(options.folder)
    options.tagged = is_tagger(text_model.tasks)
    if options.tagged:
        _evaluate_tagger(text_model, options)
        return
    if _is_named(options):
        examples = _named(options).test
    else:
        if not options.label and not options.task_column:
            options.label = [f"{n}:{t.kind}" for n, t in text_model.tasks.items()]
        examples = _table(options.data, options)
    targets, weights = encode_labels(examples, text_model.tasks)
    outputs = text_model.logits(examples.texts)
    results = {
        name: evaluate(task, targets[name], weights[name], outputs[name])
        for name, task in text_model.tasks.items()
    }
    print(results_table(text_model.tasks, {str(options.folder): results}))


def _evaluate_tagger(text_model, options) -> None:
    from zoo.tagging.report import results_table
    from zoo.tagging.runs import evaluate

    if _is_named(options):
        splits = _named(options)
        data, schemes = splits.test, splits.schemes
    else:
        data, schemes = _tagged_file(options.data, options)
    results = {str(options.folder): evaluate(text_model, data, schemes)}
    print(results_table(text_model.tasks, results))


def _predict(options) -> None:
    texts = options.texts or [line.rstrip("\n") for line in sys.stdin]
    _load_tensorflow()
    if any(list(options.folder.glob(f"{deep}saved_model.pb")) for deep in ("", "*/")):
        from zoo.serving import ServedModel as load
    else:
        from zoo.artifact import load
    answers = load(options.folder).predict(texts)
    for text, answer in zip(texts, answers, strict=True):
        print(json.dumps({"text": text, "answers": answer}, ensure_ascii=False))


def _export(options) -> None:
    _load_tensorflow()
    from recipes.text_classification import export
    from zoo.artifact import load

    text_model = load(options.folder)
    name = text_model.metadata.get("name", options.folder.name)
    print(export(text_model, options.to or Path("saved_models", name)))


def _splits(options):
    from zoo.data import assemble

    if _is_named(options):
        return _named(options)
    if options.tagged:
        return _tagged_splits(options)
    train = _table(options.data, options)
    valid, test = (
        path and _table(path, options) for path in (options.valid, options.test)
    )
    return assemble(train, valid, test, seed=options.seed or 0)


def _named(options):
    """A named set, which must be tagged for a tagger and for none else."""
    from zoo.data import load_named
    from zoo.tagging.splits import TaggedSplits

    splits = load_named(options.data)
    if isinstance(splits, TaggedSplits) != options.tagged:
        kinds = ("labels of texts", "tags of words")
        wanted, found = kinds if not options.tagged else kinds[::-1]
        raise ValueError(
            f"`--data` must have {wanted} for this model. Accepted: a set of that "
            "kind from `zoo list --data`, or a file. "
            f"Received: {options.data}, with {found}."
        )
    return splits


def _tagged_splits(options):
    from zoo.tagging.splits import assemble_tagged

    train, schemes = _tagged_file(options.data, options)
    valid, test = (
        path and _tagged_file(path, options)[0]
        for path in (options.valid, options.test)
    )
    seed = options.seed or 0
    return assemble_tagged(train, valid, test, schemes=schemes, seed=seed)


def _tagged_file(path, options):
    from zoo.tagging.files import read_tagged

    if options.on_bad_rows != "error":
        raise ValueError(
            "`--on-bad-rows` of a tagger must be 'error'. "
            f"Received: {options.on_bad_rows!r}."
        )
    tokens = None if options.text == DEFAULT_TEXT else options.text
    return read_tagged(
        path, labels=options.label, tokens=tokens, encoding=options.encoding
    )


def _is_named(options) -> bool:
    from zoo.data import named_sets

    path = Path(options.data)
    return options.data in dict(named_sets()) or not (path.suffix or path.exists())


def _table(path, options):
    from zoo.data import read_table

    labels = {}
    for label in options.label or getattr(options, "default_labels", ["label"]):
        column, colon, kind = label.rpartition(":")
        if colon and kind in KINDS:
            labels[column] = kind
        else:
            labels[label] = "categories"
    examples = read_table(
        path, text=options.text, labels=labels, task_column=options.task_column,
        on_bad_rows=options.on_bad_rows, encoding=options.encoding,
        quotes=not options.no_quotes,
    )  # fmt: skip
    if examples.skipped:
        print(f"{path}: {len(examples.skipped)} bad rows left out:", file=sys.stderr)
        for row in examples.skipped:
            print(f"  {row}", file=sys.stderr)
    return examples


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


def _load_tensorflow() -> None:
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
