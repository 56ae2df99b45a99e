"""The parts of a job of scoring: which rows of which file become which file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from zoo.api.labelling import check_answers
from zoo.data.cells import CellError, read_text_cell
from zoo.data.contents import check_file
from zoo.data.download import hashes_of
from zoo.data.errors import DataError, problem
from zoo.data.formats.registry import suffix_of
from zoo.data.slices import Slice, slices_of
from zoo.data.writing import check_written
from zoo.training.kept import intact, read_json, sha256_of, write_json

PART_ROWS = 10_000
MOST_PARTS = 50_000  # of which a manifest can tell
MANIFEST = "manifest.json"
_FORMAT = 1
_OTHER_SUFFIX = {".tab": ".tsv", ".ndjson": ".jsonl", ".pq": ".parquet"}


@dataclass(frozen=True)
class Asked:
    """What a job asks, and about what; a job continues only with the same.

    Args:
        model: folder of the model.
        trust: whether its operations may reach files, network or Python.
        text: column of the texts, or the two columns of pairs.
        answers: columns of the answers, with their types in Parquet.
        files: tables, in order.
        part_rows: rows of a part; `None` for those of the job that is continued, or
            `PART_ROWS`.
    """

    model: Path
    trust: bool
    text: Sequence[str]
    answers: Mapping[str, str]
    files: Sequence[Path]
    part_rows: int | None = None


@dataclass(frozen=True)
class Part:
    """Rows of a file, and the file that they become.

    Args:
        name: of the file with the answers.
        file: number of the table, from 0.
        place: of its rows, as keyword arguments of `zoo.data.slices.Slice`.
    """

    name: str
    file: int
    place: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """All parts of a job.

    Args:
        identity: what tells this job from others: hashes of the model and the tables,
            columns of the texts and rows of a part.
        columns: names of the columns of each table.
        parts: in the order of the rows.
    """

    identity: Mapping[str, Any]
    columns: Sequence[Sequence[str]]
    parts: Sequence[Part]

    @property
    def rows(self) -> int | None:
        """The number of rows, or `None` where it is not known before they are read."""
        counts = [part.place["count"] for part in self.parts]
        return None if None in counts else sum(counts)

    def slice_of(self, part: Part, files: Sequence[Path]) -> Slice:
        """Returns the rows of a part, of tables that may have moved."""
        path = Path(files[part.file]).absolute()
        columns = tuple(self.columns[part.file])
        return Slice(path, True, columns=columns, **part.place)


def plan_of(asked: Asked, out: Path, say: Callable[[str], object]) -> Plan:
    """Returns the plan in a folder if it is for what is asked, or else writes one.

    Raises:
        DataError: for a table that cannot be read or written again.
        ValueError: for a folder with the parts of another job, or of something else.
    """
    path = out / MANIFEST
    found = None
    if path.exists():
        found = _read(path)
        rows = asked.part_rows or found.identity.get("part_rows")
        asked = replace(asked, part_rows=rows)
    elif any(out.iterdir()):
        raise ValueError(
            "`out` (--out) must be a new or empty folder, or that of the same job. "
            f"Accepted: another folder. Received: {out}, which lacks {MANIFEST}."
        )
    for table in asked.files:
        check_file(table)
    size = sum(table.stat().st_size for table in asked.files)
    tables = "1 table" if len(asked.files) == 1 else f"{len(asked.files):,} tables"
    purpose = "rows and hashes" if found is None else "hashes"
    say(f"Reading {tables} ({size / 1e6:,.1f} MB) for {purpose}")
    identity = _identity(asked)
    if found is None:
        found = _planned(asked, identity)
        write_json(path, {"format": _FORMAT, **asdict(found)})
    other = [
        name for name, value in identity.items() if value != found.identity.get(name)
    ]
    if other:
        shown = ", ".join(name.replace("_", " ") for name in other)
        raise ValueError(
            "`out` (--out) must be a new or empty folder, or that of the same job. "
            "Accepted: the model, the tables in their order, the columns and the rows "
            f"of a part with which the job began. Received: {out}, which was begun "
            f"with another value of: {shown}."
        )
    return found


def _identity(asked: Asked) -> dict[str, Any]:
    hashes = json.dumps(hashes_of(asked.model), sort_keys=True)
    return {
        "model": hashlib.sha256(hashes.encode()).hexdigest(),
        "tables": [sha256_of(Path(path)) for path in asked.files],
        "columns": list(asked.text),
        "part_rows": asked.part_rows or PART_ROWS,
    }


def _planned(asked: Asked, identity: Mapping[str, Any]) -> Plan:
    cut = []
    for path in asked.files:
        columns, slices = slices_of(path, asked.text, identity["part_rows"])
        _check_columns(path, columns)
        check_answers(str(path), columns, asked.answers)
        cut.append((columns, slices, _ending(path)))
    places = [(n, part, end) for n, (_, parts, end) in enumerate(cut) for part in parts]
    if len(places) > MOST_PARTS:
        raise DataError(
            "`part_rows` (--part-rows) must be more for so many rows. Accepted: "
            f"at most {MOST_PARTS:,} parts. Received: {len(places):,} of them, with "
            f"part_rows={identity['part_rows']}."
        )
    parts = [
        Part(f"part-{number:05}{ending}", file, rows.place)
        for number, (file, rows, ending) in enumerate(places)
    ]
    return Plan(identity, [columns for columns, _, _ in cut], parts)


def _ending(path: Path) -> str:
    """Returns the ending of the parts of a table.

    Raises:
        DataError: for a table of a format that cannot be written.
    """
    suffix = suffix_of(path)
    suffix = _OTHER_SUFFIX.get(suffix, suffix)
    check_written(path.with_suffix(suffix))
    return suffix


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    try:
        for name in columns:
            read_text_cell(name)
    except CellError as error:
        what = error.what.replace("the text", "the name of a column")
        raise DataError(
            problem(path, 1, None, what, error.accepted, error.received)
        ) from None


def _read(path: Path) -> Plan:
    """Returns the plan that an earlier call wrote.

    Raises:
        ValueError: for a damaged file, or one of another format.
    """
    remedy = "Choose another `out` (--out), or remove the folder."
    found = read_json(path, remedy)
    if found.get("format") != _FORMAT:
        raise ValueError(
            f"{path} must be the plan of a job of `zoo predict --engine`, of format "
            f"{_FORMAT}. Accepted: another `out` (--out). Received: format "
            f"{found.get('format')!r}."
        )
    with intact(path, remedy):
        parts = [Part(**part) for part in found["parts"]]
        return Plan(dict(found["identity"]), found["columns"], parts)
