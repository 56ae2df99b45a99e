"""Reads files of tagged sentences, and reads them again in the same way later."""

from __future__ import annotations

from zoo.families.reading import (
    fill,
    given,
    list_skipped,
    print_notes,
    recall_encoding,
    with_notes,
)
from zoo.families.tables import counts_unknown

_OF_TAGS = ("text", "label", "comment")


def read_tagged_splits(options):
    """Reads the parts from files of tagged sentences."""
    from zoo.data.tagged_splits import assemble_tagged

    train, schemes = read_tagged_file(options.data, options)
    parts = [train] + [
        path and read_tagged_file(path, options)[0]
        for path in (options.valid, options.test)
    ]
    splits = assemble_tagged(*parts, schemes=schemes, seed=options.seed or 0)
    return with_notes(splits, parts, remember_tags(options))


def read_tagged_file(path, options):
    """Reads the sentences of a file, and the scheme of each tagging task."""
    from zoo.data.tagged_files import read_tagged

    sentences, schemes = read_tagged(
        path,
        labels=options.label,
        tokens=options.text,
        comment=options.comment,
        encoding=options.encoding,
        on_bad_rows=options.on_bad_rows,
    )
    list_skipped(path, sentences.skipped, options)
    return sentences, schemes


def remember_tags(options) -> dict:
    """Records how a file of tagged sentences was read."""
    reading = given(options, (*_OF_TAGS, "encoding"))
    return {**reading, "columns": _has_columns(options.data)}


def recall_tags(options, text_model) -> None:
    """Fills in missing options of a tagged file from the model's record."""
    reading = text_model.metadata.get("reading", {})
    if reading.get("columns") == _has_columns(options.data):
        fill(options, reading, _OF_TAGS)
    recall_encoding(options, reading)


def _has_columns(path) -> str:
    """Returns how the columns of a tagged file are named: numbers, fields or keys."""
    from zoo.data.tagged_files import kind_of

    suffix = kind_of(path)
    return {".txt": ".conll"}.get(suffix, suffix)


def read_to_evaluate(text_model, options):
    """Reads sentences to evaluate a tagger on, as in training, and their schemes."""
    from zoo.families.tagging.unknown import in_scheme_of_model, leave_out_unknown

    recall_tags(options, text_model)
    data, schemes = read_tagged_file(options.data, options)
    print_notes(data, options)
    tasks = text_model.tasks
    if options.on_bad_rows == "skip" and not counts_unknown(options):
        before = len(data.skipped)
        data = in_scheme_of_model(data, tasks, schemes)
        schemes = {name: task.scheme for name, task in tasks.items()}
        data = leave_out_unknown(data, {n: task.labels for n, task in tasks.items()})
        list_skipped(options.data, data.skipped[before:], options)
    return data, schemes
