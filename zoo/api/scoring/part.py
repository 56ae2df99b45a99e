"""What a worker does: it scores one part, and keeps what became of it.

Of an export a worker loads the SavedModel alone, of a run the model with its code.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.api.labelling import Ask, label_good_rows
from zoo.api.opening import open_model
from zoo.data.errors import BadRow
from zoo.data.slices import Slice
from zoo.text.objects import DAMAGES, parse_json
from zoo.training.kept import write_json

PARTS, RECORDS = "parts", "records"  # folders


@dataclass(frozen=True)
class Work:
    """A part, and what it takes to score it in any process that sees the folders.

    Args:
        out: folder of the job.
        name: of the file with the answers.
        rows: rows of a table.
        model: folder of the model.
        trust: see `zoo.api.scoring.plan.Asked`.
        text: see there.
        answers: see there.
    """

    out: Path
    name: str
    rows: Slice
    model: Path
    trust: bool
    text: Sequence[str]
    answers: Mapping[str, str]

    @property
    def path(self) -> Path:
        """The file with the answers."""
        return self.out / PARTS / self.name

    @property
    def _record(self) -> Path:
        return self.out / RECORDS / f"{self.name}.json"

    def finished(self) -> Record | None:
        """Returns what became of the part, or `None` where it must be scored."""
        try:
            found = Record(**parse_json(self._record.read_bytes()))
            return found if found.size == self.path.stat().st_size else None
        except DAMAGES:
            return None

    def finish(self, rows: int, bad: Sequence[BadRow], seconds: float) -> Record:
        """Keeps what became of the part, whose file is whole."""
        size = self.path.stat().st_size
        found = Record(self.name, rows, size, seconds, list(map(_told, bad)))
        write_json(self._record, vars(found))
        return found


@dataclass(frozen=True)
class Record:
    """What became of a part.

    Args:
        name: of its file.
        rows: number of rows with answers.
        size: bytes of their file.
        seconds: from reading the rows to writing them.
        bad: the rows that were set aside, as lines of `bad.jsonl` describe them.
    """

    name: str
    rows: int
    size: int
    seconds: float
    bad: list[dict]


def score_part(work: Work) -> Record:
    """Writes the rows of a part with their answers, whole, and then its record.

    Raises:
        DataError: for a table that cannot be read.
        RuntimeError: for one that has changed since the parts were planned.
        OSError: if the part cannot be written.
    """
    ask = _asked_here(work.model, work.trust)
    begun = time.monotonic()
    rows, bad = label_good_rows(
        ask, work.rows, work.path, text=work.text, added=work.answers
    )
    if work.rows.count not in (None, rows + len(bad)):
        raise RuntimeError(
            f"{work.rows.name} must stay as it is until all its rows are scored. "
            f"Accepted: {work.rows.count:,} rows for {work.name}. Received: "
            f"{rows + len(bad):,}; the table has changed."
        )
    return work.finish(rows, bad, time.monotonic() - begun)


@functools.cache
def _asked_here(model: Path, trust: bool) -> Ask:
    """Opens the model once in each process."""
    return open_model(model, trust=trust).model.predict


def _told(bad: BadRow) -> dict:
    return {
        "file": bad.file,
        "row": bad.line,
        "column": bad.column,
        "reason": bad.problem,
        "accepted": bad.accepted,
        "received": bad.received,
    }
