"""What a model remembers of how its data were read, so that no command asks again.

The metadata of a run's model hold it under `reading`; options that are given win.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from zoo.tasks import KINDS

_OF_TABLES = ("text", "label", "task_column", "separator", "missing", "quotes")
_OF_TAGS = ("text", "label", "comment")
_OF_PAIRS = ("text", "label", "quotes")


def parse_label(text: str) -> tuple[str, str | None]:
    """Reads `COLUMN[:KIND]`.

    Example:
        >>> parse_label("stars:regression"), parse_label("a:b")
        (('stars', 'regression'), ('a:b', None))
    """
    column, colon, kind = text.rpartition(":")
    return (column, kind) if colon and kind in KINDS else (text, None)


def remember_table(options, kinds: dict, left_out: Sequence[str] = ()) -> dict:
    """How a table of labelled texts was read.

    Args:
        options: of the command line.
        kinds: from label column to its kind.
        left_out: tasks that training could not learn.
    """
    from zoo.data.cells import MISSING
    from zoo.data.lists import SEPARATOR

    reading = _given(options, (*_OF_TABLES, "encoding"))
    reading["label"] = [f"{column}:{kind}" for column, kind in kinds.items()]
    reading.setdefault("missing", list(MISSING))
    if "multilabel" in kinds.values():
        reading.setdefault("separator", SEPARATOR)
    return {**reading, "left_out": list(left_out)} if left_out else reading


def remember_tags(options) -> dict:
    """How a file of tagged sentences was read."""
    reading = _given(options, (*_OF_TAGS, "encoding"))
    return {**reading, "columns": _has_columns(options.data)}


def remember_pairs(options) -> dict:
    """How pairs were read: from a table, or from two files without columns."""
    names = () if options.target is not None else _OF_PAIRS
    return _given(options, (*names, "encoding"))


def recall_table(options, text_model) -> None:
    """Fills in what the options do not say of a table of labelled texts.

    Raises:
        ValueError: for a label of another kind than the model's.
    """
    from zoo.data.cells import MISSING
    from zoo.data.lists import SEPARATOR

    reading = dict(text_model.metadata.get("reading", {}))
    tasks = text_model.tasks
    left_out = reading.get("left_out", ())
    kept = [parse_label(text) for text in reading.get("label", ())]
    kinds = dict(kept) or {name: task.kind for name, task in tasks.items()}
    if options.task_column is None:
        options.task_column = reading.get("task_column")
    if options.label is not None or (options.task_column and not kept):
        kinds = _kinds_of(options.label or ["label"], kinds, tasks)
    if not options.task_column:
        kinds = {column: kinds[column] for column in kinds if column not in left_out}
    options.label = [f"{column}:{kind}" for column, kind in kinds.items()]
    labels = {label for task in tasks.values() for label in task.labels}
    # What a model knows as a label is one, whatever it looks like.
    reading.setdefault("missing", [text for text in MISSING if text not in labels])
    if "multilabel" in kinds.values():
        reading.setdefault("separator", SEPARATOR)
    else:
        reading.pop("separator", None)
    _fill(options, reading, ("text", "separator", "missing", "quotes"))
    _recall_encoding(options, reading)


def recall_tags(options, text_model) -> None:
    """Fills in what the options do not say of a file of tagged sentences."""
    reading = text_model.metadata.get("reading", {})
    if reading.get("columns") == _has_columns(options.data):
        _fill(options, reading, _OF_TAGS)
    _recall_encoding(options, reading)


def recall_pairs(options, text_model) -> None:
    """Fills in what the options do not say of pairs of texts."""
    reading = text_model.metadata.get("reading", {})
    if options.target is None:
        _fill(options, reading, _OF_PAIRS)
    _recall_encoding(options, reading)


def _kinds_of(labels: Sequence[str], kinds: dict, tasks) -> dict[str, str]:
    """The kinds of the columns that the user names: those of the model."""
    every = {task.kind for task in tasks.values()}
    alone = every.pop() if len(every) == 1 else None
    found = {}
    for column, kind in map(parse_label, labels):
        expected = kinds.get(column, alone)
        if kind and expected and kind != expected:
            raise ValueError(
                f"`--label` {column!r} must be of the kind that the model learnt. "
                f"Accepted: {column}:{expected}, or {column} alone. "
                f"Received: {column}:{kind}."
            )
        found[column] = kind or expected or "categories"
    return found


def _recall_encoding(options, reading: dict) -> None:
    """Takes the encoding of the training for a file that cannot do without one."""
    from zoo.data.files import decodes

    encoding = reading.get("encoding")
    path = Path(options.data)
    if options.encoding is not None or encoding is None or not path.is_file():
        return
    if path.suffix not in (".parquet", ".pq") and not decodes(path):
        options.encoding = encoding
        print(f"{path}: read as {encoding}, as in training", file=sys.stderr)


def _given(options, names: Sequence[str]) -> dict:
    values = {name: getattr(options, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _fill(options, reading: dict, names: Sequence[str]) -> None:
    for name in names:
        if getattr(options, name) is None:
            setattr(options, name, reading.get(name))


def _has_columns(path) -> str:
    """What the columns of a tagged file are: numbers, fields of CoNLL-U, or keys."""
    suffix = Path(str(path).lower().removesuffix(".gz")).suffix
    return {".txt": ".conll"}.get(suffix, suffix)
