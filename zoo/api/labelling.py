"""Adds a model's answers to the rows of a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.data.errors import BadRow, DataError, bad_rows_error, problem
from zoo.data.files import Table
from zoo.data.formats.jsonl import json_keys
from zoo.data.values import plain
from zoo.data.writing import check_written, write_table
from zoo.text.pairs import joined

ANSWER = "answer"
_CHUNK = 256  # texts that are asked together


def label_file(
    ask: Callable[[list[str]], list[dict]],
    data: str | Path,
    out: str | Path,
    *,
    text: str | Sequence[str],
    tell: Callable[[int], None] | None = None,
) -> int:
    """Writes the rows of a table with all their columns and the answers of a model.

    For each task there are the columns `predicted_TASK`, which is empty where the model
    abstains, and `score_TASK`, the probability of that label; of a multilabel task the
    labels are joined by `|` and the score is left out, of a regression there is the
    value alone. Answers of other shapes are one column, `answer`, in JSON.

    Args:
        ask: from texts to answers, such as `zoo.TextModel.predict`.
        data: table of a known format.
        out: file to write, in a known format.
        text: column of the texts, or the two columns of pairs.
        tell: is called with the number of rows so far.

    Returns:
        The number of rows.

    Raises:
        DataError: for a table that cannot be read, has bad rows, or has columns of
            these names already, and for another ending of `out`.
        OSError: if the file cannot be written.
    """
    check_written(out)
    table = Table(data)
    wanted = [text] if isinstance(text, str) else list(text)
    columns = table.names(wanted) or json_keys(table)
    places = [_place(table, columns, name) for name in wanted]
    rows = _good_rows(table, columns)
    first = list(islice(rows, _CHUNK))
    answers = ask([_text(row, places) for row in first]) if first else []
    names = names_of(answers[0]) if answers else []
    if taken := [name for name in names if name in columns]:
        what = "the table has columns of the names of the answers"
        accepted = f"a table without {', '.join(names)}"
        raise DataError(
            problem(table.name, None, None, what, accepted, ", ".join(taken))
        )

    def labelled() -> Iterator[list]:
        chunk, found, done = first, answers, 0
        while chunk:
            for row, answer in zip(chunk, found, strict=True):
                yield [*row, *values_of(answer)]
            done += len(chunk)
            if tell:
                tell(done)
            chunk = list(islice(rows, _CHUNK))
            found = ask([_text(row, places) for row in chunk]) if chunk else []

    return write_table(out, [*columns, *names], labelled())


def names_of(answer: Mapping[str, Any]) -> list[str]:
    """Returns the columns of an answer.

    Example:
        >>> names_of({"mood": {"label": "good", "scores": {"good": 0.9, "bad": 0.1}}})
        ['predicted_mood', 'score_mood']
    """
    if not all(map(_is_of_task, answer.values())):
        return [ANSWER]
    names = []
    for task, found in answer.items():
        names.append(f"predicted_{task}")
        if "label" in found:
            names.append(f"score_{task}")
    return names


def values_of(answer: Mapping[str, Any]) -> list:
    """Returns the values of these columns."""
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


def _text(row: Sequence[Any], places: Sequence[int]) -> str:
    cells = ["" if row[p] is None else plain(row[p]) for p in places]
    return cells[0] if len(cells) == 1 else str(joined(*cells))
