"""Tables that the page hands over: read, labelled by a model meanwhile, and fetched."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from zoo.api.demo.refused import Refused
from zoo.api.labelling import label_file
from zoo.data.errors import BadRow, bad_rows_error
from zoo.data.files import Table, format_of
from zoo.data.formats.jsonl import json_keys
from zoo.data.formats.registry import suffix_of
from zoo.data.values import plain

KEPT = 8  # tables; an older one is removed for a new one
_SHOWN = 80  # characters of a cell of the first row

Ask = Callable[[list[str]], list[dict]]


class _Stopped(Exception):
    """The table is no longer wanted."""


@dataclass
class Upload:
    """A table of the page, with what became of it.

    Args:
        name: of the file on the user's side.
        path: of the content here, in a folder of its own.
        columns: name of each column, and its value in the first row.
        rows: their number.

    Attributes:
        done: rows that have their labels.
        state: `"read"`, `"running"`, `"ready"`, `"failed"` or `"stopped"`.
        error: why it failed.
    """

    name: str
    path: Path
    columns: dict[str, str]
    rows: int
    done: int = 0
    state: str = "read"
    error: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def labelled(self) -> Path:
        """The file of the rows with their labels."""
        return self.path.with_name(f"labelled{_ending(self.name)}")

    @property
    def labelled_name(self) -> str:
        """The name under which the user saves it."""
        ending = _ending(self.name)
        return f"{self.name[: len(self.name) - len(ending)]}-labelled{ending}"

    def to_json(self) -> dict:
        """Returns what the page shows."""
        listed = [{"name": n, "example": text} for n, text in self.columns.items()]
        states = {"state": self.state, "done": self.done, "error": self.error}
        names = {"name": self.name, "labelled": self.labelled_name}
        return {**names, "rows": self.rows, "columns": listed, **states}

    def label(self, ask: Ask, text: str | Sequence[str]) -> None:
        """Labels all rows."""

        def tell(count: int) -> None:
            self.done = count
            if self.state == "stopped":
                raise _Stopped

        try:
            label_file(ask, self.path, self.labelled, text=text, tell=tell)
            self.state = "ready"
        except _Stopped:
            pass
        except Exception as error:  # of any kind: it is told to the user
            self.error, self.state = self.told(error), "failed"

    def told(self, error: Exception) -> str:
        """Returns a message with the user's name of the file."""
        return str(error).replace(str(self.path), self.name)


class Tables:
    """The tables of the page by their ids, which cannot be guessed.

    Args:
        folder: for their files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def __getitem__(self, key: str) -> Upload:
        with self._lock:
            found = self._uploads.get(key)
        if found is None:
            what = "There is no such table; it may have been removed for newer ones"
            raise Refused(404, what, "the id of one of the newest tables", repr(key))
        return found

    def add(self, name: str, content: bytes) -> str:
        """Reads a table, and returns its id.

        Raises:
            DataError: for a table that cannot be read, or has bad rows.
        """
        name = PurePath(name.replace("\\", "/")).name
        format_of(name)  # refuses other endings
        key = secrets.token_urlsafe(9)
        upload = Upload(name, self._folder / key / f"table{_ending(name)}", {}, 0)
        upload.path.parent.mkdir()
        try:
            upload.path.write_bytes(content)
            upload.columns, upload.rows = _read(upload.path)
        except Exception as error:
            shutil.rmtree(upload.path.parent)
            error.args = (upload.told(error),)
            raise
        with self._lock:
            self._uploads[key] = upload
            old = list(self._uploads)[:-KEPT]
        for one in old:
            self.remove(one)
        return key

    def label(self, key: str, ask: Ask, columns: Sequence[str], wanted: int) -> None:
        """Begins to label a table.

        Args:
            key: of the table.
            ask: `predict` of a model.
            columns: of the texts.
            wanted: number of columns that the model reads.

        Raises:
            Refused: for other columns, and a table that is being labelled.
        """
        upload = self[key]
        if len(columns) != wanted or not set(columns) <= set(upload.columns):
            accepted = f"{wanted} of {', '.join(map(repr, upload.columns))}"
            what = "`columns` must name where the model's texts are"
            raise Refused(400, what, accepted, ", ".join(map(repr, columns)) or "none")
        with upload.lock:
            if upload.state == "running":
                accepted = "to wait for it, or to stop it"
                what = "The table is being labelled"
                raise Refused(409, what, accepted, "another request to label it")
            upload.state, upload.done, upload.error = "running", 0, ""
        text = columns[0] if wanted == 1 else columns
        threading.Thread(target=upload.label, args=(ask, text), daemon=True).start()

    def remove(self, key: str) -> None:
        """Removes a table; one that is being labelled is no longer."""
        upload = self[key]
        with self._lock:
            self._uploads.pop(key, None)
        upload.state = "stopped"
        shutil.rmtree(upload.path.parent, ignore_errors=True)


def _ending(name: str) -> str:
    return suffix_of(name) + (".gz" if name.lower().endswith(".gz") else "")


def _read(path: Path) -> tuple[dict[str, str], int]:
    """Returns the columns with their first values, and the number of rows."""
    table = Table(path)
    columns = table.names([]) or json_keys(table)
    first: list = []
    bad: list[BadRow] = []
    rows = 0
    for row in table.rows(columns):
        if isinstance(row, BadRow):
            bad.append(row)
            continue
        first = first or row[1]
        rows += 1
    if bad:
        raise bad_rows_error(bad, can_skip=False)
    shown = ["" if value is None else plain(value)[:_SHOWN] for value in first]
    return dict(zip(columns, shown or [""] * len(columns), strict=True)), rows
