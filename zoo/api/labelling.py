"""Adds a model's answers to the rows of a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.data.cells import CellError, read_text_cell
from zoo.data.errors import BadRow, DataError, bad_rows_error, problem, shorten
from zoo.data.files import Table, format_of
from zoo.data.formats.jsonl import json_keys
from zoo.data.formats.parquet import types_of
from zoo.data.lines import LONGEST
from zoo.data.values import plain
from zoo.data.writing import check_written, write_table
from zoo.text.pairs import joined

Ask = Callable[[list[str]], list[dict]]
ANSWER = "answer"
_CHUNK = 256  # texts that are asked together


def label_file(
    ask: Ask,
    data: str | Path,
    out: str | Path,
    *,
    text: str | Sequence[str],
    encoding: str | None = None,
    quotes: bool = True,
    tell: Callable[[int], None] | None = None,
) -> int:
    """Writes the rows of a table with all their columns and the answers of a model.

    For each task there are the columns `predicted_TASK`, which is empty where the model
    abstains, and `score_TASK`, the probability of that label; of a multilabel task the
    labels are joined by `|` and the score is left out, of a regression there is the
    value alone. Answers of other shapes are one column, `answer`, in JSON. From Parquet
    to Parquet the columns keep their types.

    Args:
        ask: from texts to answers, such as `zoo.TextModel.predict`.
        data: table of a known format.
        out: file to write, in a known format.
        text: column of the texts, or the two columns of pairs.
        encoding, quotes: of the table; see `zoo.data.files.Table`.
        tell: is called with the number of rows so far.

    Returns:
        The number of rows.

    Raises:
        DataError: for a table that cannot be read, has bad rows, or has columns of
            these names already, and for another ending of `out`.
        OSError: if the file cannot be written.
    """
    check_written(out)
    table = Table(data, encoding=encoding, quotes=quotes)
    wanted = [text] if isinstance(text, str) else list(text)
    columns = table.names(wanted) or json_keys(table)
    places = [_place(table, columns, name) for name in wanted]
    rows = ((row, _text(row, places)) for row in _good_rows(table, columns))
    return _write(ask, table, columns, rows, out, tell)


def label_good_rows(
    ask: Ask, table: Table, out: Path, *, text: Sequence[str], added: Mapping[str, str]
) -> tuple[int, list[BadRow]]:
    """Writes the rows with answers as `label_file` does, and leaves out bad ones.

    Args:
        ask: from texts to answers.
        table: rows, read with `skip=True`.
        out: file to write.
        text: column of the texts, or the two columns of pairs.
        added: the columns of the answers, as `columns_of` returns them.

    Returns:
        The number of rows written, and those that were left out: that cannot be read or
        written again, and those whose text is missing, no text, or too long.
    """
    aside: list[BadRow] = []
    rows = _set_apart(table, text, aside)
    return _write(ask, table, table.names(text), rows, out, None, added), aside


def good_texts(table: Table, text: Sequence[str]) -> Iterator[str]:
    """Yields the texts of the rows that `label_good_rows` writes."""
    return (said for _, said in _set_apart(table, text, []))


def _set_apart(
    table: Table, text: Sequence[str], aside: list[BadRow]
) -> Iterator[tuple[list, str]]:
    """Yields the good rows with their texts; the bad ones go to `aside`."""
    columns = table.names(text)
    places = [columns.index(name) for name in text]
    for row in table.rows(columns):
        if isinstance(row, BadRow):
            aside.append(row)
        elif found := _fault(table, row, columns, text):
            aside.append(found)
        else:
            yield row[1], _text(row[1], places)


def check_answers(file: str, columns: Collection[str], names: Collection[str]) -> None:
    """Raises a `DataError` for a table that has columns of the names of the answers."""
    if taken := [name for name in names if name in columns]:
        what = "the table has columns of the names of the answers"
        accepted = f"a table without {', '.join(names)}"
        raise DataError(problem(file, None, None, what, accepted, ", ".join(taken)))


def _write(
    ask: Ask,
    table: Table,
    columns: Sequence[str],
    rows: Iterator[tuple[list, str]],
    out: str | Path,
    tell: Callable[[int], None] | None,
    added: Mapping[str, str] | None = None,
) -> int:
    """Writes rows, given with their texts; `added` are columns of answers, if known."""

    def asked() -> tuple[list, list[dict]]:
        chunk = list(islice(rows, _CHUNK))
        return chunk, ask([text for _, text in chunk]) if chunk else []

    chunk, answers = asked()
    added = added or (columns_of(answers[0]) if answers else {})
    check_answers(table.name, columns, added)

    def labelled() -> Iterator[list]:
        there, found, done = chunk, answers, 0
        while there:
            for (row, _), answer in zip(there, found, strict=True):
                yield [*row, *values_of(answer)]
            done += len(there)
            if tell:
                tell(done)
            there, found = asked()

    types = types_of(table) if format_of(table.path).name == "Parquet" else {}
    return write_table(out, [*columns, *added], labelled(), {**types, **added})


def columns_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """Returns the columns of an answer, with their types in Parquet.

    Example:
        >>> columns_of({"mood": {"label": "good", "scores": {"good": 0.9, "bad": 0.1}}})
        {'predicted_mood': 'string', 'score_mood': 'double'}
    """
    types = ("string" if isinstance(v, str) else "double" for v in values_of(answer))
    return dict(zip(_names_of(answer), types, strict=True))


def _names_of(answer: Mapping[str, Any]) -> list[str]:
    if not all(map(_is_of_task, answer.values())):
        return [ANSWER]
    names = []
    for task, found in answer.items():
        names.append(f"predicted_{task}")
        if "label" in found:
            names.append(f"score_{task}")
    return names


def values_of(answer: Mapping[str, Any]) -> list:
    """Returns the values of the columns of an answer."""
    if not all(map(_is_of_task, answer.values())):
        return [json.dumps(answer, ensure_ascii=False)]
    values: list = []
    for found in answer.values():
        if "label" in found:
            values += [found["label"], max(found["scores"].values())]
        elif "labels" in found:
            values.append("|".join(found["labels"]))
        else:
            values.append(found["value"])
    return values


def _is_of_task(found: Any) -> bool:
    if not isinstance(found, Mapping):
        return False
    named = "label" in found or "labels" in found
    return "value" in found or ("scores" in found and named)


def _place(table: Table, columns: Sequence[str], name: str) -> int:
    if name not in columns:
        accepted = f"one of {', '.join(columns)}"
        raise DataError(
            problem(table.name, 1, name, "no such column", accepted, repr(name))
        )
    return columns.index(name)


def _good_rows(table: Table, columns: Sequence[str]) -> Iterator[list]:
    for row in table.rows(columns):
        if isinstance(row, BadRow):
            raise bad_rows_error([row], can_skip=False)
        yield row[1]


def _fault(
    table: Table, row: tuple[int, list], columns: Sequence[str], text: Sequence[str]
) -> BadRow | None:
    """Returns what keeps a row from being asked about and written, if anything."""
    line, cells = row
    column = ""  # the name is for the message below
    try:
        for column in text:
            said = read_text_cell(cells[columns.index(column)])
            if len(said) > LONGEST:
                accepted = f"at most {LONGEST:,} characters"
                raise CellError("the text is too long", accepted, shorten(said))
        for number, cell in enumerate(cells):
            column = columns[number]
            _check_written(cell)
    except CellError as error:
        return BadRow(
            table.name, line, column, error.what, error.accepted, error.received
        )
    return None


def _check_written(cell: Any) -> None:
    """Raises a `CellError` for a cell whose characters are no Unicode."""
    if isinstance(cell, str):
        text = cell
    elif isinstance(cell, (list, dict)):
        text = json.dumps(cell, ensure_ascii=False, default=str)
    else:
        return
    if not text.isascii():
        read_text_cell(text.replace("\0", " "))


def _text(row: Sequence[Any], places: Sequence[int]) -> str:
    cells = ["" if row[p] is None else plain(row[p]) for p in places]
    return cells[0] if len(cells) == 1 else str(joined(*cells))
