"""What `--data` and the options beside it name: for the commands that read data.

Pure Python until something is read: help and lists load no TensorFlow.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import replace
from pathlib import Path

from zoo.cli.reading import parse_label, remember_pairs, remember_table, remember_tags
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
        "--text",
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
    parser.add_argument(
        "--separator",
        help="between the labels of a multilabel cell (|)",
    )
    parser.add_argument(
        "--missing", action="append", metavar="SPELLING",
        help="of a label that is missing, beside the empty cell; may be repeated (NA, "
        "N/A, nan, null, None and their like; docs/data.md)",
    )  # fmt: skip
    parser.add_argument(
        "--on-bad-rows", choices=("error", "skip"), default="error",
        help="skip leaves out and lists rows that cannot be used (error)",
    )  # fmt: skip
    parser.add_argument("--encoding", help="of the file (UTF-8)")
    parser.add_argument(
        "--quotes", action=argparse.BooleanOptionalAction,
        help='CSV, TSV: whether " encloses cells, or is an ordinary character',
    )  # fmt: skip
    parser.add_argument(
        "--comment", metavar="MARK",
        help="begins lines of a .conll or .txt file to leave out, such as #",
    )  # fmt: skip


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
    parser.add_argument(
        "--on-single-class", choices=("error", "skip"), default="error",
        help="skip leaves out tasks whose training rows have one class (error)",
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
    if is_named(options):
        return read_named(options)
    if options.content == TAGS:
        return _tagged_splits(options)
    if options.content == PAIRS:
        return _pair_splits(options)
    return _labelled_splits(options)


def _labelled_splits(options):
    from zoo.data import assemble, leave_out_single

    parts = [
        path and read_examples(path, options)
        for path in (options.data, options.valid, options.test)
    ]
    splits = assemble(*parts, seed=options.seed or 0)
    tasks = list(splits.train.labels)
    if options.on_single_class == "skip":
        splits, said = leave_out_single(splits)
        splits.notes[:0] = said
    left_out = [name for name in tasks if name not in splits.train.labels]
    if options.on_bad_rows == "skip":
        splits = _without_unknown(splits, options)
    reading = remember_table(options, _kinds(options), left_out)
    return _with_notes(splits, parts, reading)


def _without_unknown(splits, options):
    """The parts without rows of given tables that training cannot know."""
    from zoo.data import learn_tasks, leave_out_unknown

    given = {
        name: getattr(splits, name) for name in ("valid", "test")
        if getattr(options, name)
    }  # fmt: skip
    if not given or not splits.train.labels:
        return splits
    with warnings.catch_warnings():  # the run learns the tasks again, and warns then
        warnings.simplefilter("ignore")
        tasks = learn_tasks(splits.train)
    for name, part in given.items():
        before = len(part.skipped)
        given[name] = leave_out_unknown(part, tasks)
        list_skipped(getattr(options, name), given[name].skipped[before:])
    return replace(splits, **given)


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


def _pair_splits(options):
    from zoo.data.pairs import assemble_pairs

    parts = [read_pair_file(options.data, options.target, options)]
    for name in ("valid", "test"):
        path, target = getattr(options, name), getattr(options, f"{name}_target")
        parts.append(path and read_pair_file(path, target, options, f"--{name}"))
    splits = assemble_pairs(*parts, seed=options.seed or 0)
    return _with_notes(splits, parts, remember_pairs(options))


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
            path, source=options.text or "source", target=labels[0],
            on_bad_rows=options.on_bad_rows, encoding=options.encoding,
            quotes=options.quotes is not False,
        )  # fmt: skip
    list_skipped(path, pairs.skipped)
    return pairs


def _tagged_splits(options):
    from zoo.data.tagged_splits import assemble_tagged

    train, schemes = read_tagged_file(options.data, options)
    parts = [train] + [
        path and read_tagged_file(path, options)[0]
        for path in (options.valid, options.test)
    ]
    splits = assemble_tagged(*parts, schemes=schemes, seed=options.seed or 0)
    return _with_notes(splits, parts, remember_tags(options))


def read_tagged_file(path, options):
    """The sentences of a file, and the scheme of each tagging task."""
    from zoo.data.tagged_files import read_tagged

    sentences, schemes = read_tagged(
        path, labels=options.label, tokens=options.text, comment=options.comment,
        encoding=options.encoding, on_bad_rows=options.on_bad_rows,
    )  # fmt: skip
    list_skipped(path, sentences.skipped)
    return sentences, schemes


def is_named(options) -> bool:
    """Whether `--data` is the name of a set and not a file."""
    from zoo.data import named_sets

    path = Path(options.data)
    return options.data in dict(named_sets()) or not (path.suffix or path.exists())


def read_examples(path, options):
    """The rows of a table; those left out are listed on standard error."""
    from zoo.data import read_table
    from zoo.data.cells import MISSING

    if options.comment:
        raise ValueError(
            "`--comment` begins lines of a file with a word a line. Accepted: for a "
            f"tagger, .conll or .txt. Received: {options.comment!r} for {path}."
        )
    missing = MISSING if options.missing is None else options.missing
    examples = read_table(
        path, text=options.text or DEFAULT_TEXT, labels=_kinds(options),
        task_column=options.task_column, on_bad_rows=options.on_bad_rows,
        encoding=options.encoding, quotes=options.quotes is not False,
        separator=options.separator, missing=missing,
    )  # fmt: skip
    list_skipped(path, examples.skipped)
    return examples


def list_skipped(path, skipped) -> None:
    """Lists on standard error what was left out."""
    if skipped:
        print(f"{path}: {len(skipped)} bad rows left out:", file=sys.stderr)
        for row in skipped:
            print(f"  {row}", file=sys.stderr)


def _kinds(options) -> dict[str, str]:
    """The label columns that the options name, with their kinds."""
    default = [] if options.content == TEXTS else ["label"]
    pairs = map(parse_label, options.label or default)
    return {column: kind or "categories" for column, kind in pairs}


def _with_notes(splits, parts, reading: dict):
    notes = [note for part in parts if part for note in part.notes]
    return replace(splits, notes=[*notes, *splits.notes], reading=reading)
