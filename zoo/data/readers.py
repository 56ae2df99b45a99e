"""Tables of texts and labels: CSV, TSV, JSON Lines, Parquet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from zoo.data.cells import MISSING
from zoo.data.collect import Columns, collect, collect_parts
from zoo.data.errors import DataError, check_on_bad_rows
from zoo.data.examples import Examples
from zoo.data.files import Table, table_of
from zoo.data.formats.delimited import rows_by_position
from zoo.data.memory import Memory
from zoo.data.soft import soft_columns
from zoo.tasks import KINDS


def read_table(
    path: str | Path | Memory,
    *,
    text: str | Sequence[str],
    labels: Mapping[str, str],
    task_column: str | None = None,
    on_bad_rows: str = "error",
    encoding: str | None = None,
    quotes: bool = True,
    separator: str | None = None,
    missing: Collection[str] = MISSING,
    weight: str | None = None,
) -> Examples:
    """Reads a table with a header (CSV, TSV), or named fields (JSON Lines, Parquet).

    A label is read in the same way from every format; see `zoo.data.values.render`.
    An empty cell or a spelling in `missing` is a missing label. A text may be empty,
    and a number in the text column is formatted. A row with neither text nor label is
    left out. A multilabel cell is `a|b|c`, or a list.

    In place of a category, or beside it, a row may have a distribution over categories:
    an object in the cell of a JSON value, `{"good": 0.9, "bad": 0.1}`, or numbers in
    the columns `label:good` and `label:bad` of a table, which may then lack the column
    `label`.

    Args:
        path: the file; its name determines the format, and `.gz` may follow it. Or rows
            in memory.
        text: column of the texts, or the two columns of pairs of texts.
        labels: from label column to its kind (see `zoo.tasks.KINDS`); each becomes a
            task of that name. May be empty, for texts to predict.
        task_column: column whose values split the one label column into tasks.
        on_bad_rows: `"error"`, or `"skip"` to leave bad rows out and list them in
            `Examples.skipped`.
        encoding: encoding of the text file; by default that of its byte-order mark,
            else UTF-8.
        quotes: CSV and TSV: whether `"` quotes cells or is an ordinary character.
        separator: separates the labels of a multilabel cell. By default `|`; then cells
            that seem to use another one are an error.
        missing: spellings of a missing label, besides the empty cell.
        weight: column of the weights of the rows, each a number of at least 0.

    Returns:
        `Examples` in the order of the file; their `notes` state what was missing, left
        out or rewritten, or looks like a mistake.

    Raises:
        DataError: with file, line, column, what is accepted and what was received.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "reviews.csv")
        >>> _ = file.write_text("text,stars\\ngood,5\\nso so,\\n")
        >>> read_table(file, text="text", labels={"stars": "regression"}).labels
        {'stars': [5.0, None]}
    """
    reading = {"on_bad_rows": on_bad_rows, "encoding": encoding, "quotes": quotes}
    chosen = {"separator": separator, "missing": missing, "weight": weight}
    opened = _opened(path, text, labels, task_column, **reading, **chosen)
    return collect(*opened, skip=on_bad_rows == "skip")


def read_in_parts(
    path: str | Path,
    size: int,
    *,
    text: str | Sequence[str],
    labels: Mapping[str, str],
    task_column: str | None = None,
    on_bad_rows: str = "error",
    **reading,
) -> Iterator[Examples]:
    """Yields the rows of a file in parts, for files that do not fit into memory.

    Args:
        path: a file that is neither compressed nor, with an `encoding`, decoded whole.
        size: number of rows of a part.
        text, labels, task_column, on_bad_rows, reading: as in `read_table`.

    Raises:
        DataError: as `read_table`; see `zoo.data.collect.collect_parts`.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "reviews.csv")
        >>> _ = file.write_text("text,mood\\ngood,up\\nbad,down\\nfine,up\\n")
        >>> parts = read_in_parts(file, 2, text="text", labels={"mood": "categories"})
        >>> [part.texts for part in parts]
        [['good', 'bad'], ['fine']]
    """
    opened = _opened(
        path, text, labels, task_column, on_bad_rows=on_bad_rows, **reading
    )
    return collect_parts(*opened, skip=on_bad_rows == "skip", size=size)


def _opened(
    path,
    text,
    labels,
    task_column,
    *,
    on_bad_rows,
    encoding=None,
    quotes=True,
    separator=None,
    missing=MISSING,
    weight=None,
) -> tuple[str, Iterator, Columns]:
    """Returns the name of a table, its rows, which are read later, and its columns."""
    texts = (text,) if isinstance(text, str) else tuple(text)
    _check_arguments(texts, labels, task_column, on_bad_rows, separator, weight)
    table = table_of(path, on_bad_rows == "skip", encoding, quotes)
    names = table.names(texts) if labels else []
    soft = soft_columns(names, labels)
    absent = [label for label in soft if label not in names]
    columns = Columns(
        texts, labels, task_column, missing, separator, soft, absent, weight
    )
    return table.name, table.rows(columns.wanted), columns


def read_columns(
    path: str | Path,
    columns: Sequence[str],
    *,
    text: str,
    labels: Mapping[str, str],
    task_column: str | None = None,
    on_bad_rows: str = "error",
    encoding: str | None = None,
    separator: str | None = None,
) -> Examples:
    """Reads tab-separated rows without a header and without quoting.

    Args:
        path: the file, plain or gzip.
        columns: a name for each column, by position.
        text: as in `read_table`, like the other arguments.

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
    _check_arguments((text,), labels, task_column, on_bad_rows, separator)
    chosen = Columns((text,), labels, task_column, MISSING, separator)
    skip = on_bad_rows == "skip"
    table = Table(path, skip, encoding, quotes=False)
    rows = rows_by_position(table, columns, chosen.wanted)
    return collect(str(path), rows, chosen, skip=skip)


def _check_arguments(
    texts, labels, task_column, on_bad_rows, separator=None, weight=None
) -> None:
    check_on_bad_rows(on_bad_rows)
    if len(texts) not in (1, 2):
        raise DataError(
            "`text` (--text) must name the column of the texts, or the two columns of "
            "pairs of texts. Accepted: one column or two. "
            f"Received: {len(texts)} ({', '.join(map(repr, texts)) or 'none'})."
        )
    if separator == "":
        raise DataError(
            "`separator` separates the labels of a cell. Accepted: at least one "
            "character, such as '|' or ','. Received: ''."
        )
    for column, kind in labels.items():
        if kind not in KINDS:
            raise DataError(
                f"`labels[{column!r}]` must be a kind of task. Accepted: "
                f"{', '.join(KINDS)}. Received: {kind!r}."
            )
    if separator and "multilabel" not in labels.values():
        shown = ", ".join(f"{name}:{kind}" for name, kind in labels.items())
        raise DataError(
            "`separator` (--separator) splits the labels of a multilabel column. "
            "Accepted: a column of that kind, such as --label tags:multilabel. "
            f"Received: {separator!r} for {shown or 'no column'}."
        )
    if task_column is not None and len(labels) != 1:
        raise DataError(
            "`task_column` splits one label column into tasks. Accepted: one label "
            f"column. Received: {len(labels)} ({', '.join(labels) or 'none'})."
        )
    used = [*texts, *labels, *filter(None, (task_column, weight))]
    if len(set(used)) != len(used):
        raise DataError(
            "`text`, `labels`, `task_column` and `weight` must be different columns. "
            f"Accepted: each column once. Received: {', '.join(map(repr, used))}."
        )
