"""Reads data for a command: named sets, and files as a trained model read its own.

The metadata of a trained model record under `reading` how its data were read, so that
commands need not ask again; explicit options take precedence.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path


def is_named(options) -> bool:
    """Returns whether the data are the name of a set, not a file or rows in memory."""
    from zoo.data import named_sets
    from zoo.data.memory import Memory

    if isinstance(options.data, Memory):
        return False
    path = Path(options.data)
    return str(options.data) in dict(named_sets()) or not (path.suffix or path.exists())


def read_named(options, family):
    """Reads a named set, whose content must suit the family.

    Raises:
        ValueError: for a set of another family, before anything is read.
    """
    from zoo.data import load_named, named_set

    found = named_set(options.data).content
    if found not in family.reads:
        raise ValueError(
            f"`--data` must hold {family.content} for this model. Accepted: a set of "
            "that kind from `zoo list --data`, or a file. "
            f"Received: {options.data}, with {found}."
        )
    return load_named(options.data)


def check_texts(options, family) -> None:
    """Raises unless the family reads as many columns of texts as the options name.

    Raises:
        ValueError: for two columns, if the family does not read pairs of texts.
    """
    if isinstance(options.text, list) and not family.pairs:
        raise ValueError(
            f"`text` (--text) must name one column for models of {family.name}. "
            "Accepted: one name; two for a classifier or regression, such as bilstm, "
            f"which reads pairs of texts. Received: text={options.text!r}."
        )


def check_weight(options, family) -> None:
    """Raises unless the rows of a table have weights that the family uses.

    Raises:
        ValueError: for another family, or a named set.
    """
    if options.weight is None or (family.weighs and not is_named(options)):
        return
    received = f"a model of {family.name}" if not family.weighs else options.data
    raise ValueError(
        "`weight` (--weight) must name the column of the weights of rows. Accepted: "
        "for a classifier or regression, a column of a file or of rows in memory. "
        f"Received: {options.weight!r} for {received}."
    )


def check_stream(options, family) -> None:
    """Raises unless rows that stay in their files are those of files for a classifier.

    Raises:
        ValueError: for another family, a named set, rows in memory, and files that are
            read whole.
    """
    from zoo.data.memory import Memory

    if not options.stream:
        return
    if not family.streams:
        received = f"a model of {family.name}"
    elif isinstance(options.data, Memory):
        received = "rows in memory"
    elif is_named(options):
        received = f"the named set {options.data}"
    elif options.encoding is not None:
        received = f"encoding={options.encoding!r}, with which a file is read whole"
    else:
        return
    raise ValueError(
        "`stream` (--stream) leaves the training rows in their files. Accepted: for a "
        "classifier or regression, a file or a folder of files, in UTF-8 or UTF-16 "
        f"with a byte-order mark. Received: {received}."
    )


def list_skipped(path, skipped, options) -> None:
    """Lists the rows that were left out on standard error."""
    if skipped and options.verbose:
        print(f"{path}: {len(skipped)} bad rows left out:", file=sys.stderr)
        for row in skipped:
            print(f"  {row}", file=sys.stderr)


def print_notes(part, options) -> None:
    """Prints the reader's notes on a part to standard error."""
    for note in part.notes if options.verbose else ():
        print(note, file=sys.stderr)


def with_notes(splits, parts, reading: dict):
    """Adds to the splits the notes on their files, and how these were read."""
    notes = [note for part in parts if part for note in part.notes]
    return replace(splits, notes=[*notes, *splits.notes], reading=reading)


def recall_encoding(options, reading: dict) -> None:
    """Uses the encoding of training for a file that needs one."""
    from zoo.data.memory import Memory

    if options.encoding is None and not isinstance(options.data, Memory):
        options.encoding = recalled_encoding(options.data, reading, options.verbose)


def recalled_encoding(
    path: str | Path, reading: Mapping, verbose: bool = True
) -> str | None:
    """Returns the encoding of training, if there is one and the file needs one.

    Args:
        path: a file; that of a named set, which is no path, needs none.
        reading: how the data of the training were read.
        verbose: tells on standard error.
    """
    from zoo.data.contents import decodes
    from zoo.data.formats.registry import find_format

    encoding, path = reading.get("encoding"), Path(path)
    if encoding is None or not path.is_file():
        return None
    found = find_format(path)
    if found is not None and not found.text or decodes(path):
        return None
    if verbose:
        print(f"{path}: read as {encoding}, as in training", file=sys.stderr)
    return encoding


def given(options, names: Sequence[str]) -> dict:
    """Returns the options of these names that have a value."""
    values = {name: getattr(options, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def fill(options, reading: dict, names: Sequence[str]) -> None:
    """Sets options without a value to those that a model records."""
    for name in names:
        if getattr(options, name) is None:
            setattr(options, name, reading.get(name))
