"""Tags and labels unknown to a tagger: left out, or counted as wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from zoo.data.errors import BadRow, DataError, nearest, shorten
from zoo.data.sentences import TaggedSentences, check_known
from zoo.tasks import Task


def leave_out_unknown(
    data: TaggedSentences, known: Mapping[str, Collection[str]]
) -> TaggedSentences:
    """Leaves out sentences with unknown tags or labels, and lists them in `skipped`.

    Args:
        data: the sentences.
        known: by task the tags or labels of training.

    Raises:
        DataError: if no sentence is left.

    Example:
        >>> data = TaggedSentences([["in"], ["Rome"]], {"pos": [["IN"], ["NNP"]]})
        >>> leave_out_unknown(data, {"pos": ["IN"]}).tokens
        [['in']]
    """
    bad: dict[int, BadRow] = {}
    for task, names in known.items():
        rows = data.tags.get(task) or [[label] for label in data.labels.get(task, [])]
        accepted = ", ".join(map(repr, sorted(names)[:20]))
        for row, found in enumerate(rows):
            strange = next((name for name in found if name not in names), None)
            if strange is not None:
                what = "not seen in training"
                said = what, accepted, shorten(strange), nearest(strange, names)
                bad.setdefault(row, BadRow(*data.where[row], task, *said))
    if bad and len(bad) == len(data):
        check_known(data, known)
    kept = data.select(row for row in range(len(data)) if row not in bad)
    listed = [bad[row] for row in sorted(bad)]
    return replace(kept, skipped=[*data.skipped, *listed], notes=data.notes)


def with_unknown(tasks: Mapping[str, Task], data: TaggedSentences) -> dict[str, Task]:
    """Appends the unknown tags and labels of `data` to those of the tasks."""
    wider = {}
    for name, task in tasks.items():
        rows = data.tags.get(name) or [data.labels.get(name, [])]
        new = {label for labels in rows for label in labels} - set(task.labels)
        wider[name] = replace(task, labels=(*task.labels, *sorted(new)))
    return wider


def in_scheme_of_model(
    data: TaggedSentences, tasks: Mapping[str, Task], schemes: Mapping[str, str]
) -> TaggedSentences:
    """Converts the tags of each task to the scheme of the model.

    Args:
        data: sentences with tags and labels of all tasks.
        tasks: tasks of the model.
        schemes: by tagging task the scheme of the tags in `data`.

    Raises:
        DataError: if a task is missing.
    """
    missing = [name for name in tasks if name not in {**data.tags, **data.labels}]
    if missing:
        raise DataError(
            f"`data` must have all tasks of the model: {', '.join(tasks)}. "
            f"Received: none for {', '.join(missing)}."
        )
    converted = data
    for name, task in tasks.items():
        if task.scheme and schemes.get(name):
            converted = converted.convert(name, schemes[name], task.scheme)
    return replace(converted, skipped=data.skipped, notes=data.notes)
