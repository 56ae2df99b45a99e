"""Tables of texts and labels: CSV, TSV, JSON Lines, Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from zoo.data.cells import CellError, read_label_cell, read_text_cell
from zoo.data.errors import (
    BadRow,
    DataError,
    bad_rows_error,
    check_on_bad_rows,
    problem,
    shorten,
)
from zoo.data.examples import Examples
from zoo.data.files import check_file, format_of, read_text
from zoo.data.formats.delimited import rows_of
from zoo.data.formats.jsonl import json_rows, parquet_rows
from zoo.tasks import KINDS


def read_table(
    path: str | Path,
    *,
    text: str,
    labels: Mapping[str, str],
    task_column: str | None = None,
    on_bad_rows: str = "error",
    encoding: str | None = None,
    quotes: bool = True,
) -> Examples:
    """Reads a table with a header (CSV, TSV), or named fields (JSON Lines, Parquet).

    An empty label cell, `nan` or `null` is a missing label. A text may be empty, and a
    number in the text column becomes its text. A multilabel cell is `a|b|c`, or a list.

    Args:
        path: the file; its name tells the format, and `.gz` may follow it.
        text: column of the texts.
        labels: from label column to its kind (see `zoo.tasks.KINDS`); each becomes a
            task of that name. May be empty, for texts to predict.
        task_column: splits the one label column into one task a value of this column.
        on_bad_rows: `"error"`, or `"skip"` to leave bad rows out and list them in
            `Examples.skipped`.
        encoding: of the text file; by default told by its byte-order mark, else UTF-8.
        quotes: CSV and TSV: whether `"` encloses cells, or is a character like others.

    Returns:
        `Examples` in the order of the file.

    Raises:
        DataError: naming file, line, column, what is accepted and what stood there.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "reviews.csv")
        >>> _ = file.write_text("text,stars\\ngood,5\\nso so,\\n")
        >>> read_table(file, text="text", labels={"stars": "regression"}).labels
        {'stars': [5.0, None]}
    """
    _check_arguments(text, labels, task_column, on_bad_rows)
    wanted = [text, *labels, *([task_column] if task_column else [])]
    skip = on_bad_rows == "skip"
    rows = table_rows(path, wanted, skip=skip, encoding=encoding, quotes=quotes)
    return _collect(str(path), rows, text, labels, task_column, skip)


def table_rows(
    path: str | Path,
    columns: Sequence[str],
    *,
    skip: bool,
    encoding: str | None = None,
    quotes: bool = True,
) -> Iterator:
    """Rows of a table with a header, as `(line, cells)` or a `BadRow`.

    Args:
        path: the file; its name tells the format.
        columns: names of the cells to return, in this order.
        skip: whether bad rows will be left out, undecodable ones included.
        encoding: of the text file.
        quotes: CSV and TSV: whether `"` encloses cells.
    """
    name, kind = str(path), format_of(path)
    if kind == "parquet":
        check_file(path)
        return parquet_rows(name, columns)
    content = read_text(path, encoding, keep_bad_bytes=skip)
    if kind == "jsonl":
        return json_rows(name, content, columns)
    delimiter = {"csv": ",", "tsv": "\t"}[kind]
    return rows_of(name, content, columns, delimiter=delimiter, quotes=quotes)


def read_columns(
    path: str | Path,
    columns: Sequence[str],
    *,
    text: str,
    labels: Mapping[str, str],
    task_column: str | None = None,
    on_bad_rows: str = "error",
    encoding: str | None = None,
) -> Examples:
    """Reads tab-separated rows without a header and without quoting.

    Args:
        path: the file, plain or gzip.
        columns: a name for each column, by position.
        text: as in `read_table`, and so are the other arguments.

    Returns:
        `Examples` in the order of the file.

    Raises:
        DataError: as in `read_table`.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "train.tsv")
        >>> _ = file.write_text('1\\tsay "hello"\\n')
        >>> read_columns(
        ...     file, ["mood", "text"], text="text", labels={"mood": "categories"}
        ... ).texts
        ['say "hello"']
    """
    _check_arguments(text, labels, task_column, on_bad_rows)
    wanted = [text, *labels, *([task_column] if task_column else [])]
    unknown = [name for name in wanted if name not in columns]
    if unknown:
        raise DataError(
            f"`columns` must name every column used. Accepted: a list with {unknown}. "
            f"Received: {list(columns)}."
        )
    skip = on_bad_rows == "skip"
    content = read_text(path, encoding, keep_bad_bytes=skip)
    rows = rows_of(
        str(path), content, wanted, delimiter="\t", quotes=False, columns=columns
    )
    return _collect(str(path), rows, text, labels, task_column, skip)


def _collect(
    path: str,
    rows: Iterable,
    text: str,
    labels: Mapping[str, str],
    task_column: str | None,
    skip: bool,
) -> Examples:
    texts: list[str] = []
    where: list[tuple[str, int]] = []
    values: list[list] = []
    tasks: list[str] = []
    bad: list[BadRow] = []
    kinds = list(labels.items())
    for row in rows:
        if isinstance(row, BadRow):
            bad.append(row)
            continue
        line, cells = row
        column = text
        try:
            content = read_text_cell(cells[0])
            parsed = []
            for (name, kind), cell in zip(kinds, cells[1:], strict=False):
                column = name  # for the message below
                parsed.append(read_label_cell(cell, kind))
            if task_column:
                column = task_column
                tasks.append(_task_name(cells[-1]))
        except CellError as error:
            bad.append(
                BadRow(path, line, column, error.what, error.accepted, error.received)
            )
            continue
        texts.append(content)
        values.append(parsed)
        where.append((path, line))
    if bad and not (skip and texts):
        raise bad_rows_error(bad)
    if not texts:
        raise DataError(
            problem(
                path,
                None,
                None,
                "the file has no rows",
                "at least one row",
                "a header only",
            )
        )
    columns = {name: [row[i] for row in values] for i, name in enumerate(labels)}
    origin = {name: name for name in labels}
    found = dict(labels)
    if task_column:
        (label, kind), names = kinds[0], sorted(set(tasks))
        columns = {
            name: [
                row[0] if task == name else None
                for row, task in zip(values, tasks, strict=True)
            ]
            for name in names
        }
        origin = dict.fromkeys(names, label)
        found = dict.fromkeys(names, kind)
    if labels and all(v is None for row in values for v in row):
        raise DataError(
            problem(
                path,
                None,
                next(iter(labels)),
                "all labels are missing",
                "a label in some rows",
                f"{len(texts)} rows, none with a label",
            )
        )
    return Examples(texts, columns, where, found, origin, bad)


def _task_name(cell) -> str:
    accepted = "the name of the row's task"
    name = read_label_cell(cell, "categories")
    if name is None:
        raise CellError("the row's task is missing", accepted, shorten(cell))
    return name


def _check_arguments(text, labels, task_column, on_bad_rows) -> None:
    check_on_bad_rows(on_bad_rows)
    for column, kind in labels.items():
        if kind not in KINDS:
            raise DataError(
                f"`labels[{column!r}]` must be a kind of task. Accepted: "
                f"{', '.join(KINDS)}. Received: {kind!r}."
            )
    if task_column is not None and len(labels) != 1:
        raise DataError(
            "`task_column` splits one label column into tasks. Accepted: one label "
            f"column. Received: {len(labels)} ({', '.join(labels) or 'none'})."
        )
    used = [text, *labels, *([task_column] if task_column else [])]
    if len(set(used)) != len(used):
        raise DataError(
            "`text`, `labels` and `task_column` must be different columns. Accepted: "
            f"each column once. Received: {', '.join(map(repr, used))}."
        )
