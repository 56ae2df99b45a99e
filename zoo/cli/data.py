"""What `--data` and the options beside it name: for the commands that read data.

Pure Python until something is read: help and lists load no TensorFlow.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from zoo.tasks import KINDS

DEFAULT_TEXT = "text"
# What the data of a model hold, and of a named set.
LABELS, TEXTS = "labels of texts", "texts"
TAGS, PAIRS = "tags of words", "pairs of texts"
DEFAULT_DATA = {LABELS: "hutto", TEXTS: "hutto", TAGS: "treebank", PAIRS: "messages"}


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say which data a command reads, and how."""
    parser.add_argument(
        "--data", metavar="NAME_OR_FILE",
        help="a name from `zoo list --data`, or a CSV, TSV, JSONL or Parquet file "
        f"({DEFAULT_DATA[LABELS]}); for a tagger a .conll, .txt, .conllu or .jsonl "
        f"file ({DEFAULT_DATA[TAGS]}); for translation also a text file beside "
        f"--target ({DEFAULT_DATA[PAIRS]})",
    )  # fmt: skip
    parser.add_argument(
        "--target", type=Path,
        help="for translation, a text file: each line translates that line of --data",
    )  # fmt: skip
    parser.add_argument(
        "--text", default=DEFAULT_TEXT,
        help=f"column of the texts ({DEFAULT_TEXT}), of the words for a tagger, of the "
        "sources for translation (source)",
    )  # fmt: skip
    parser.add_argument(
        "--label", action="append", metavar="COLUMN[:KIND]",
        help=f"column of labels (label); may be repeated; KIND is one of "
        f"{', '.join(KINDS)} (categories); for a tagger [TASK=]COLUMN[:KIND] with BIO, "
        "IOB1, BIOES, none (tags without a scheme) or categories (of the sentence); "
        "for translation the column of the targets (target)",
    )  # fmt: skip
    parser.add_argument("--task-column", help="splits the one label into tasks")
    parser.add_argument("--on-bad-rows", choices=("error", "skip"), default="error")
    parser.add_argument("--encoding", help="of the file (UTF-8)")
    parser.add_argument(
        "--no-quotes", action="store_true", help='CSV, TSV: " is an ordinary character'
    )


def add_part_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that name files of the validation and the test part."""
    parser.add_argument(
        "--valid", type=Path, help="validation table; else 10 %% of data"
    )
    parser.add_argument("--test", type=Path, help="test table; else 10 %% of the data")
    for part in ("valid", "test"):
        parser.add_argument(
            f"--{part}-target", type=Path, metavar="FILE",
            help=f"translations of the lines of --{part}, as --target",
        )  # fmt: skip


def expect_for(options, family) -> None:
    """Notes what models of a family learn from."""
    expect(options, family.content)


def expect(options, content: str) -> None:
    """Notes what the data must hold, and which are taken where none are named."""
    options.content = content
    if options.data is None:
        options.data = DEFAULT_DATA[content]


def read_splits(options):
    """The parts of a named set, or of the user's files."""
    from zoo.data import assemble

    if is_named(options):
        return read_named(options)
    if options.content == TAGS:
        return _tagged_splits(options)
    if options.content == PAIRS:
        return _pair_splits(options)
    train = read_examples(options.data, options)
    valid, test = (
        path and read_examples(path, options) for path in (options.valid, options.test)
    )
    return assemble(train, valid, test, seed=options.seed or 0)


def read_named(options):
    """A named set, which must hold what the model learns from."""
    from zoo.data import load_named
    from zoo.data.pairs import PairSplits
    from zoo.data.tagged_splits import TaggedSplits

    splits = load_named(options.data)
    kinds = {TaggedSplits: TAGS, PairSplits: PAIRS}
    found = kinds.get(type(splits), LABELS)
    if found != (LABELS if options.content == TEXTS else options.content):
        raise ValueError(
            f"`--data` must have {options.content} for this model. Accepted: a set of "
            "that kind from `zoo list --data`, or a file. "
            f"Received: {options.data}, with {found}."
        )
    return splits


def read_labelled(text_model, options):
    """Rows to measure a classifier on: a named set's test part, or a whole file."""
    expect(options, LABELS)
    if is_named(options):
        return read_named(options).test
    if not options.label and not options.task_column:
        options.label = [f"{n}:{t.kind}" for n, t in text_model.tasks.items()]
    return read_examples(options.data, options)


def _pair_splits(options):
    from zoo.data.pairs import assemble_pairs

    parts = [read_pair_file(options.data, options.target, options)]
    for name in ("valid", "test"):
        path, target = getattr(options, name), getattr(options, f"{name}_target")
        parts.append(path and read_pair_file(path, target, options, f"--{name}"))
    return assemble_pairs(*parts, seed=options.seed or 0)


def read_pair_file(path, target, options, option: str = "--data"):
    """The pairs of two text files, or of a table where `target` is `None`."""
    from zoo.data.files import FORMATS
    from zoo.data.pairs import read_pair_table, read_pairs

    if target is not None:
        if options.label:
            raise ValueError(
                "`--label` must name the column of the targets in a table. Accepted: "
                f"--label or --target. Received: both, {options.label[0]} and {target}."
            )
        pairs = read_pairs(
            path, target, on_bad_rows=options.on_bad_rows, encoding=options.encoding
        )
    elif Path(str(path).lower().removesuffix(".gz")).suffix not in FORMATS:
        beside = "--target" if option == "--data" else f"{option}-target"
        raise ValueError(
            f"`{option}` needs translations. Accepted: {beside} FILE with as many "
            f"lines, or a table ({', '.join(FORMATS)}). Received: {path} alone."
        )
    else:
        labels = options.label or ["target"]
        if len(labels) > 1:
            raise ValueError(
                "`--label` must name one column, that of the targets. "
                f"Received: {', '.join(labels)}."
            )
        pairs = read_pair_table(
            path, source="source" if options.text == DEFAULT_TEXT else options.text,
            target=labels[0], on_bad_rows=options.on_bad_rows,
            encoding=options.encoding, quotes=not options.no_quotes,
        )  # fmt: skip
    _list_skipped(path, pairs.skipped)
    return pairs


def _tagged_splits(options):
    from zoo.data.tagged_splits import assemble_tagged

    train, schemes = read_tagged_file(options.data, options)
    valid, test = (
        path and read_tagged_file(path, options)[0]
        for path in (options.valid, options.test)
    )
    seed = options.seed or 0
    return assemble_tagged(train, valid, test, schemes=schemes, seed=seed)


def read_tagged_file(path, options):
    """The sentences of a file, and the scheme of each tagging task."""
    from zoo.data.tagged_files import read_tagged

    tokens = None if options.text == DEFAULT_TEXT else options.text
    sentences, schemes = read_tagged(
        path, labels=options.label, tokens=tokens, encoding=options.encoding,
        on_bad_rows=options.on_bad_rows,
    )  # fmt: skip
    _list_skipped(path, sentences.skipped)
    return sentences, schemes


def is_named(options) -> bool:
    """Whether `--data` is the name of a set and not a file."""
    from zoo.data import named_sets

    path = Path(options.data)
    return options.data in dict(named_sets()) or not (path.suffix or path.exists())


def read_examples(path, options):
    """The rows of a table; those left out are listed on standard error."""
    from zoo.data import read_table

    labels = {}
    default = [] if options.content == TEXTS else ["label"]
    for label in options.label or default:
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
    _list_skipped(path, examples.skipped)
    return examples


def _list_skipped(path, skipped) -> None:
    if skipped:
        print(f"{path}: {len(skipped)} bad rows left out:", file=sys.stderr)
        for row in skipped:
            print(f"  {row}", file=sys.stderr)
