"""The options of `--data` and those beside it, for the commands that read data.

Pure Python: help and lists load no TensorFlow.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.api.reading import FURTHER
from zoo.data.formats.registry import format_names
from zoo.families import families
from zoo.tasks import KINDS


def add_data_arguments(parser: argparse._ActionsContainer) -> None:
    """Adds the options that say which data a command reads, and how."""
    defaults = {family.default_data for family in families().values()}
    parser.add_argument(
        "--data",
        metavar="NAME_OR_FILE",
        help=f"a name from `zoo list --data`, or a {format_names()} file; for "
        "a tagger a .conll, .txt, .conllu or .jsonl file; for translation also a text "
        f"file beside --target ({', '.join(sorted(defaults))}, by the kind of model)",
    )
    parser.add_argument(
        "--target",
        type=Path,
        help="for translation, a text file: each line translates that line of --data",
    )
    parser.add_argument(
        "--text",
        help="column of the texts (text), of the words for a tagger, of the "
        "sources for translation (source)",
    )
    parser.add_argument(
        "--label",
        action="append",
        metavar="COLUMN[:KIND]",
        help=f"column of labels (label); may be repeated; KIND is one of "
        f"{', '.join(KINDS)} (categories); for a tagger [TASK=]COLUMN[:KIND] with BIO, "
        "IOB1, BIOES, none (tags without a scheme) or categories (of the sentence); "
        "for translation the column of the targets (target)",
    )
    parser.add_argument("--task-column", help="splits the one label into tasks")
    parser.add_argument(
        "--separator",
        help="between the labels of a multilabel cell (|)",
    )
    parser.add_argument(
        "--missing",
        action="append",
        metavar="SPELLING",
        help="of a label that is missing, beside the empty cell; may be repeated (NA, "
        "N/A, nan, null, None and their like; docs/data.md)",
    )
    parser.add_argument(
        "--on-bad-rows",
        choices=("error", "skip"),
        default="error",
        help="skip leaves out and lists rows that cannot be used (error)",
    )
    parser.add_argument("--encoding", help="of the file (UTF-8)")
    parser.add_argument(
        "--quotes",
        action=argparse.BooleanOptionalAction,
        help='CSV, TSV: whether " encloses cells, or is an ordinary character',
    )
    parser.add_argument(
        "--comment",
        metavar="MARK",
        help="begins lines of a .conll or .txt file to leave out, such as #",
    )


def data_arguments(options: argparse.Namespace) -> dict:
    """What the options say of the data, as arguments of `zoo.train` and its like."""
    names = ("data", "label", "text", "task_column", "valid", "test", *FURTHER)
    return {name: getattr(options, name) for name in names if hasattr(options, name)}


def add_part_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that name files of the validation and the test part."""
    parser.add_argument(
        "--valid", type=Path, help="validation table; else 10 %% of data"
    )
    parser.add_argument("--test", type=Path, help="test table; else 10 %% of the data")
    for part in ("valid", "test"):
        parser.add_argument(
            f"--{part}-target",
            type=Path,
            metavar="FILE",
            help=f"translations of the lines of --{part}, as --target",
        )
    parser.add_argument(
        "--on-single-class",
        choices=("error", "skip"),
        default="error",
        help="skip leaves out tasks whose training rows have one class (error)",
    )
