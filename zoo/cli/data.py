"""`--data` and the options that go with it, for every command that reads data.

It is pure Python: showing help loads no TensorFlow.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.api.reading import FURTHER
from zoo.cli.common import OneOrMore
from zoo.data.formats.registry import format_names
from zoo.families import families
from zoo.tasks import KINDS


def add_data_arguments(parser: argparse._ActionsContainer) -> None:
    """Adds the options that choose the data of a command and how to read them."""
    defaults = {family.default_data for family in families().values()}
    parser.add_argument(
        "--data",
        metavar="NAME_OR_FILE",
        help=f"a name from `zoo list --data`, or a {format_names()} file; for "
        "a tagger a .conll, .txt, .conllu or .jsonl file; for a language model or an "
        "encoder also a .txt file, one text a line; for translation also a text "
        f"file with --target (default by model: {', '.join(sorted(defaults))})",
    )
    parser.add_argument(
        "--target",
        type=Path,
        help="for translation: text file whose lines translate the lines of --data",
    )
    parser.add_argument(
        "--text",
        action=OneOrMore,
        metavar="COLUMN",
        help="column of the texts (default: text), of a tagger's words, or of the "
        "sources of translations (default: source); twice for pairs of texts, such as "
        "questions and answers, which classifiers read",
    )
    parser.add_argument(
        "--label",
        action="append",
        metavar="COLUMN[:KIND]",
        help=f"column of the labels (default: label); repeatable; KIND is one of "
        f"{', '.join(KINDS)} (default: categories); for a tagger [TASK=]COLUMN[:KIND] "
        "with KIND BIO, IOB1, BIOES, none (tags without a scheme) or categories (of "
        "the sentence); for translation the column of the targets (default: target)",
    )
    parser.add_argument(
        "--task-column", help="column whose values split the label into tasks"
    )
    parser.add_argument(
        "--separator",
        help="separator of the labels in a multilabel cell (default: |)",
    )
    parser.add_argument(
        "--missing",
        action="append",
        metavar="SPELLING",
        help="text that marks a missing label, besides an empty cell; repeatable "
        "(default: NA, N/A, nan, null, None and similar; see docs/data.md)",
    )
    parser.add_argument(
        "--on-bad-rows",
        choices=("error", "skip"),
        default="error",
        help="skip leaves out and lists rows that cannot be used (default: error)",
    )
    add_decoding_arguments(parser)
    parser.add_argument(
        "--comment",
        metavar="MARK",
        help="leave out lines of a .conll or .txt file that start with MARK, such as #",
    )


def add_decoding_arguments(parser: argparse._ActionsContainer) -> None:
    """Adds the options for how the characters of a file become cells."""
    parser.add_argument("--encoding", help="encoding of the file (default: UTF-8)")
    parser.add_argument(
        "--quotes",
        action=argparse.BooleanOptionalAction,
        help='CSV and TSV: whether " quotes cells or is an ordinary character',
    )


def data_arguments(options: argparse.Namespace) -> dict:
    """What the options say of the data, as arguments of `zoo.train` and its like."""
    names = ("data", "label", "text", "task_column", "valid", "test", *FURTHER)
    return {name: getattr(options, name) for name in names if hasattr(options, name)}


def add_part_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options for the files of the validation and test parts."""
    parser.add_argument(
        "--valid", type=Path, help="validation data (default: 10 %% of --data)"
    )
    parser.add_argument(
        "--test", type=Path, help="test data (default: 10 %% of --data)"
    )
    for part in ("valid", "test"):
        parser.add_argument(
            f"--{part}-target",
            type=Path,
            metavar="FILE",
            help=f"translations of the lines of --{part}, as for --target",
        )
    parser.add_argument(
        "--weight",
        metavar="COLUMN",
        help="column of numbers that say how much a training row counts (classifiers; "
        "default: 1 each)",
    )
    parser.add_argument(
        "--on-single-class",
        choices=("error", "skip"),
        default="error",
        help="skip leaves out tasks with only one class in training (default: error)",
    )
