"""What `--data` and the options beside it name: for the commands that read data.

Pure Python until something is read: help and lists load no TensorFlow.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from zoo.tasks import KINDS

DEFAULT_DATA = "hutto"
DEFAULT_TEXT = "text"


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say which data a command reads, and how."""
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


def read_splits(options):
    """The parts of a named set, or of the user's files."""
    from zoo.data import assemble

    if is_named(options):
        return read_named(options)
    if options.tagged:
        return _tagged_splits(options)
    train = read_examples(options.data, options)
    valid, test = (
        path and read_examples(path, options) for path in (options.valid, options.test)
    )
    return assemble(train, valid, test, seed=options.seed or 0)


def read_named(options):
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

    train, schemes = read_tagged_file(options.data, options)
    valid, test = (
        path and read_tagged_file(path, options)[0]
        for path in (options.valid, options.test)
    )
    seed = options.seed or 0
    return assemble_tagged(train, valid, test, schemes=schemes, seed=seed)


def read_tagged_file(path, options):
    """The sentences of a file, and the scheme of each tagging task."""
    from zoo.tagging.files import read_tagged

    tokens = None if options.text == DEFAULT_TEXT else options.text
    return read_tagged(
        path, labels=options.label, tokens=tokens, encoding=options.encoding,
        on_bad_rows=options.on_bad_rows,
    )  # fmt: skip


def is_named(options) -> bool:
    """Whether `--data` is the name of a set and not a file."""
    from zoo.data import named_sets

    path = Path(options.data)
    return options.data in dict(named_sets()) or not (path.suffix or path.exists())


def read_examples(path, options):
    """The rows of a table; those left out are listed on standard error."""
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
