"""Reads tables of texts with labels, and reads them again in the same way later."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

from zoo.families._registry import get_family
from zoo.families.reading import (
    fill,
    given,
    is_named,
    list_skipped,
    print_notes,
    read_named,
    recall_encoding,
    with_notes,
)
from zoo.tasks import KINDS

DEFAULT_TEXT = "text"
_OF_TABLES = ("text", "label", "task_column", "separator", "missing", "quotes")


def read_table_splits(options, family):
    """Reads the parts of a table of texts, as the options say."""
    from zoo.data import assemble, leave_out_single

    parts: list = [
        path and read_examples(path, options, family, weight=weight)
        for path, weight in (
            (None if options.stream else options.data, options.weight),
            (options.valid, None),
            (options.test, None),
        )
    ]
    seed = options.seed or 0
    if options.stream:
        splits = _dealt(options, family, *parts[1:], seed=seed)
        parts[0] = splits.train
        list_skipped(options.data, splits.train.skipped, options)
    else:
        splits = assemble(*parts, seed=seed)
    tasks = list(splits.train.labels)
    if options.on_single_class == "skip":
        splits, said = leave_out_single(splits)
        splits.notes[:0] = said
    left_out = [name for name in tasks if name not in splits.train.labels]
    if options.on_bad_rows == "skip":
        splits = _without_unknown(splits, options)
    reading = remember_table(options, kinds_of(options, family), left_out)
    return with_notes(splits, parts, reading)


def _dealt(options, family, valid, test, *, seed: int):
    """Deals the rows of a file, or of a folder of files, of which most stay there."""
    from zoo.data.dealing import ROWS, deal
    from zoo.data.folders import files_of
    from zoo.data.readers import read_in_parts

    how = {**table_arguments(options, family), "weight": options.weight}

    def read():
        for file in files:
            yield from read_in_parts(file, ROWS, **how)

    files = files_of(options.data)
    return deal(read, valid=valid, test=test, seed=seed)


def _without_unknown(splits, options):
    """Leaves out rows of given tables whose labels are unknown to training."""
    from zoo.data import learn_tasks, leave_out_unknown

    given = {
        name: getattr(splits, name)
        for name in ("valid", "test")
        if getattr(options, name)
    }
    if not given or not splits.train.labels:
        return splits
    with warnings.catch_warnings():  # the run learns the tasks again and warns then
        warnings.simplefilter("ignore")
        tasks = learn_tasks(splits.train)
    for name, part in given.items():
        before = len(part.skipped)
        given[name] = leave_out_unknown(part, tasks)
        skipped = given[name].skipped[before:]
        list_skipped(getattr(options, name), skipped, options)
    return replace(splits, **given)


def read_examples(path, options, family, *, weight=None):
    """Reads the rows of a table; lists those left out on standard error.

    Args:
        path: the file, or rows in memory.
        options: how to read it.
        family: that reads it.
        weight: column of the weights of training rows.
    """
    from zoo.data import read_table

    arguments = table_arguments(options, family)
    examples = read_table(path, encoding=options.encoding, weight=weight, **arguments)
    list_skipped(path, examples.skipped, options)
    return examples


def table_arguments(options, family) -> dict:
    """Returns what the options say of a table, as arguments of `read_table`."""
    from zoo.data.cells import MISSING

    if options.comment:
        raise ValueError(
            "`--comment` applies to files with one word per line. Accepted: for a "
            f"tagger, .conll or .txt. Received: {options.comment!r} for {options.data}."
        )
    return {
        "text": options.text or DEFAULT_TEXT,
        "labels": kinds_of(options, family),
        "task_column": options.task_column,
        "on_bad_rows": options.on_bad_rows,
        "quotes": options.quotes is not False,
        "separator": options.separator,
        "missing": MISSING if options.missing is None else options.missing,
    }


def kinds_of(options, family) -> dict[str, str]:
    """Returns the label columns in the options, with their kinds."""
    pairs = map(parse_label, options.label or family.default_labels)
    return {column: kind or "categories" for column, kind in pairs}


def parse_label(text: str) -> tuple[str, str | None]:
    """Reads `COLUMN[:KIND]`.

    Example:
        >>> parse_label("stars:regression"), parse_label("a:b")
        (('stars', 'regression'), ('a:b', None))
    """
    column, colon, kind = text.rpartition(":")
    return (column, kind) if colon and kind in KINDS else (text, None)


def remember_table(options, kinds: dict, left_out: Sequence[str] = ()) -> dict:
    """Records how a table of labelled texts was read.

    Args:
        options: of the command line.
        kinds: from label column to its kind.
        left_out: tasks that training could not learn.
    """
    from zoo.data.cells import MISSING
    from zoo.data.lists import SEPARATOR

    reading = given(options, (*_OF_TABLES, "encoding"))
    reading["label"] = [f"{column}:{kind}" for column, kind in kinds.items()]
    reading.setdefault("missing", list(MISSING))
    if "multilabel" in kinds.values():
        reading.setdefault("separator", SEPARATOR)
    return {**reading, "left_out": list(left_out)} if left_out else reading


def recall_table(options, text_model) -> None:
    """Fills in missing options of a table of labelled texts from the model's record.

    Raises:
        ValueError: for a label of another kind than the model's.
    """
    from zoo.data.cells import MISSING
    from zoo.data.lists import SEPARATOR

    reading = dict(text_model.metadata.get("reading", {}))
    tasks = text_model.tasks
    left_out = reading.get("left_out", ())
    kept = [parse_label(text) for text in reading.get("label", ())]
    kinds: Mapping[str, str | None] = dict(kept) or {
        name: task.kind for name, task in tasks.items()
    }
    if options.task_column is None:
        options.task_column = reading.get("task_column")
    if options.label is not None or (options.task_column and not kept):
        kinds = _kinds_of_model(options.label or ["label"], kinds, tasks)
    if not options.task_column:
        kinds = {column: kinds[column] for column in kinds if column not in left_out}
    options.label = [f"{column}:{kind}" for column, kind in kinds.items()]
    labels = {label for task in tasks.values() for label in task.labels}
    # A label that the model knows is one, even if it looks like a missing one.
    reading.setdefault("missing", [text for text in MISSING if text not in labels])
    if "multilabel" in kinds.values():
        reading.setdefault("separator", SEPARATOR)
    else:
        reading.pop("separator", None)
    fill(options, reading, ("text", "separator", "missing", "quotes"))
    recall_encoding(options, reading)


def _kinds_of_model(labels: Sequence[str], kinds: Mapping, tasks) -> dict[str, str]:
    """Returns the kinds of the columns that the user names: those of the model."""
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


def read_labelled(text_model, options):
    """Reads rows to evaluate a classifier on: a named test part, or a whole file.

    `--on-bad-rows skip` leaves out and lists rows whose label is unknown to the
    model, unless `--unknown-labels wrong` counts them.
    """
    from zoo.data import leave_out_unknown
    from zoo.data.targets import without_tasks
    from zoo.data.unknown import with_unknown

    family = get_family(text_model.family)
    if is_named(options):
        return read_named(options, family).test
    recall_table(options, text_model)
    examples = read_examples(options.data, options, family)
    tasks = text_model.tasks
    if len(tasks) == len(examples.labels) == 1 and not options.task_column:
        examples = _renamed(examples, next(iter(tasks)))
    left_out = text_model.metadata.get("reading", {}).get("left_out", ())
    gone = [name for name in left_out if name in examples.labels]
    if gone:
        rest = without_tasks(examples, gone)
        note = f"{len(examples) - len(rest)} rows left out of tasks that training left"
        examples = replace(rest, notes=[*rest.notes, f"{note} out: {', '.join(gone)}."])
    print_notes(examples, options)
    if options.on_bad_rows == "skip":
        known = with_unknown(tasks, examples) if counts_unknown(options) else tasks
        before = len(examples.skipped)
        examples = leave_out_unknown(examples, known)
        list_skipped(options.data, examples.skipped[before:], options)
    return examples


def counts_unknown(options) -> bool:
    """Returns whether rows with labels unknown to the model count as wrong."""
    return options.unknown_labels == "wrong"


def _renamed(examples, task: str):
    """Returns the rows with their one task under another name."""
    ((name, values),) = examples.labels.items()
    return replace(
        examples,
        labels={task: values},
        kinds={task: examples.kinds[name]},
        columns={task: examples.columns[name]},
        soft={task: examples.soft[name]},
    )
