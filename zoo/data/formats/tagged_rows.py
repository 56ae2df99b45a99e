"""Files with one sentence per line: JSON Lines and tab-separated rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.data.cells import CellError, read_label_cell
from zoo.data.errors import BadRow, DataError, shorten
from zoo.data.files import Table, table_of
from zoo.data.formats.delimited import rows_by_position
from zoo.data.formats.jsonl import json_rows
from zoo.data.memory import Memory
from zoo.data.sentences import Collector, TaggedSentences


def read_tagged_jsonl(
    path: str | Path | Memory,
    *,
    tokens: str = "tokens",
    tags: Sequence[str] = ("tags",),
    labels: Sequence[str] = (),
    schemes: Mapping[str, str] | None = None,
    encoding: str | None = None,
    on_bad_rows: str = "error",
) -> TaggedSentences:
    """Reads `{"tokens": [...], "tags": [...], "intent": "..."}`, one object per line.

    Args:
        path: the file, plain or gzip; or rows in memory with the same keys.
        tokens: key of the tokens.
        tags: keys of lists of tags, each a task of that name.
        labels: keys of labels of the sentence, each a task of that name.
        schemes: by task the scheme that its tags must follow, see
            `zoo.data.tag_schemes`.
        encoding: by default that of the byte-order mark, else UTF-8.
        on_bad_rows: `"error"`, or `"skip"` to leave out invalid sentences and list them
            in `TaggedSentences.skipped`.

    Returns:
        `TaggedSentences` in the order of the file.

    Raises:
        DataError: with file, line, key, what is accepted and what was received.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "train.jsonl")
        >>> _ = file.write_text('{"tokens": ["in", "Rome"], "tags": ["O", "B-LOC"]}')
        >>> read_tagged_jsonl(file).tags
        {'tags': [['O', 'B-LOC']]}
    """
    wanted = _wanted(tokens, tags, labels)
    table = table_of(path, on_bad_rows == "skip", encoding)
    found = Collector(table.name, tags, labels, schemes, on_bad_rows)
    if isinstance(table, Memory):
        rows = table.rows(wanted, lists=True)
    else:
        rows = json_rows(table, wanted)
    return _collect(found, rows, wanted, _strings, "a list of texts, none empty")


def read_tagged_tsv(
    path: str | Path,
    columns: Sequence[str],
    *,
    tokens: str = "tokens",
    tags: Sequence[str] = ("tags",),
    labels: Sequence[str] = (),
    schemes: Mapping[str, str] | None = None,
    encoding: str | None = None,
    on_bad_rows: str = "error",
) -> TaggedSentences:
    """Reads rows such as `intent<tab>token token<tab>tag tag`, without a header.

    Args:
        path: the file, plain or gzip.
        columns: a name for each column, by position.
        tokens: the column of the tokens, separated by spaces.
        tags: columns of tags, separated by spaces, each a task of that name.
        labels: columns of labels of the sentence, each a task of that name.
        schemes, encoding, on_bad_rows: as in `read_tagged_jsonl`.

    Returns:
        `TaggedSentences` in the order of the file.

    Raises:
        DataError: as in `read_tagged_jsonl`.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "train.tsv")
        >>> _ = file.write_text("travel\\tto Rome\\tO B-LOC\\n")
        >>> names = ["intent", "tokens", "tags"]
        >>> data = read_tagged_tsv(file, names, labels=["intent"])
        >>> data.tokens, data.labels
        ([['to', 'Rome']], {'intent': ['travel']})
    """
    wanted = _wanted(tokens, tags, labels)
    found = Collector(str(path), tags, labels, schemes, on_bad_rows)
    table = Table(path, found.skip, encoding, quotes=False)
    rows = rows_by_position(table, columns, wanted)
    return _collect(found, rows, wanted, _words, "texts separated by spaces")


def _wanted(tokens: str, tags: Sequence[str], labels: Sequence[str]) -> list[str]:
    wanted = [tokens, *tags, *labels]
    if (
        isinstance(tags, str)
        or isinstance(labels, str)
        or len(set(wanted)) < len(wanted)
    ):
        raise DataError(
            "`tokens`, `tags` and `labels` must be different columns. Accepted: a "
            "name, and two lists of names. "
            f"Received: tokens={tokens!r}, tags={tags!r}, labels={labels!r}."
        )
    return wanted


def _collect(found: Collector, rows, wanted, parse, accepted) -> TaggedSentences:
    for row in rows:
        if isinstance(row, BadRow):
            found.bad.append(row)
            continue
        line, cells = row
        cells, lists = dict(zip(wanted, cells)), {}
        before = len(found.bad)
        for name in (wanted[0], *found.tags):
            lists[name] = parse(cells[name])
            if not lists[name]:
                what = f"the list of {name} is missing or broken"
                found.fail(line, name, what, accepted, shorten(cells[name]))
        tokens = lists.pop(wanted[0])
        for name, tags in lists.items():
            if tokens and tags and len(tags) != len(tokens):
                what = f"{len(tags)} tags for {len(tokens)} tokens"
                found.fail(
                    line, name, what, f"{len(tokens)} tags", shorten(" ".join(tags))
                )
        labels = {name: _label(cells[name]) for name in found.labels}
        for name, label in labels.items():
            if label is None:
                what = "the sentence has no label"
                found.fail(line, name, what, "one label", shorten(cells[name]))
        if len(found.bad) == before:
            known = {name: label for name, label in labels.items() if label is not None}
            found.add([line] * len(tokens), tokens, lists, known)
    return found.result()


def _label(cell) -> str | None:
    try:
        return read_label_cell(cell, "categories", missing=())
    except CellError:
        return None


def _words(cell: str) -> list[str]:
    # Not `split()`, which also splits at characters that a token may hold.
    return [word for word in cell.split(" ") if word]


def _strings(cell) -> list[str] | None:
    """Returns the list, or `None` unless it holds texts only."""
    if not isinstance(cell, list):
        return None
    cell = [word.decode() if isinstance(word, bytes) else word for word in cell]
    return cell if all(isinstance(word, str) and word for word in cell) else None
