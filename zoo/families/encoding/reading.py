"""Reads the texts of an encoder: plain text files, tables, or rows in memory."""

from __future__ import annotations

from zoo.families.reading import given, list_skipped, with_notes
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

    train = read_texts(options.data, options, family)
    valid, test = (
        None if path is None else read_texts(path, options, family)
        for path in (options.valid, options.test)
    )
    splits = assemble(train, valid, test, seed=options.seed or 0)
    parts = [train, valid, test]
    return with_notes(splits, parts, given(options, ("text", "quotes", "encoding")))


def read_texts(path, options, family):
    """Reads the lines of a text file, or the column of texts of a table."""
    from zoo.data.lines import read_lines

    if not is_plain(path):
        return read_examples(path, options, family)
    found = read_lines(path, on_bad_rows=options.on_bad_rows, encoding=options.encoding)
    list_skipped(path, found.skipped, options)
    return found
