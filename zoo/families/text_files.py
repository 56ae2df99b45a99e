"""Reads texts whose labels do not matter: text files, tables, or rows in memory."""

from __future__ import annotations

from zoo.families.reading import (
    fill,
    given,
    is_named,
    list_skipped,
    read_named,
    recall_encoding,
    with_notes,
)
from zoo.families.tables import read_examples

PLAIN = (".txt", ".text")


def is_plain(data) -> bool:
    """Returns whether the data are a text file with one text on each line."""
    from zoo.data.formats.registry import suffix_of
    from zoo.data.memory import Memory

    return not isinstance(data, Memory) and suffix_of(data) in PLAIN


def read_text_splits(options, family):
    """Reads the parts of the user's files, with the labels that they ask for."""
    from zoo.data import assemble
    from zoo.data.order import in_order

    train = read_texts(options.data, options, family)
    valid, test = (
        None if path is None else read_texts(path, options, family)
        for path in (options.valid, options.test)
    )
    if family.in_order and is_plain(options.data):
        splits = in_order(train, valid, test)
    else:
        splits = assemble(train, valid, test, seed=options.seed or 0)
    parts = [train, valid, test]
    return with_notes(splits, parts, given(options, ("text", "quotes", "encoding")))


def read_texts(path, options, family):
    """Reads the lines of a text file, or the column of texts of a table."""
    from zoo.data.lines import read_lines

    if not is_plain(path):
        check_kind(path)
        return read_examples(path, options, family)
    found = read_lines(path, on_bad_rows=options.on_bad_rows, encoding=options.encoding)
    list_skipped(path, found.skipped, options)
    return found


def check_kind(path) -> None:
    """Raises a `DataError` for a file that is neither a table nor plain text."""
    from zoo.data.files import format_of
    from zoo.data.formats.registry import accepted_endings
    from zoo.data.memory import Memory

    if not isinstance(path, Memory):
        format_of(
            path, f"one text on each line of a {PLAIN[0]}, or {accepted_endings()}"
        )


def read_part_of_texts(text_model, options, family):
    """Reads a named set's test part, or a whole file, to evaluate a model on."""
    if is_named(options):
        return read_named(options, family).test
    fill(options, text_model.metadata.get("reading", {}), ("text", "quotes"))
    recall_encoding(options, text_model.metadata.get("reading", {}))
    return read_texts(options.data, options, family)
