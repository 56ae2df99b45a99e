"""A job of scoring: plans, skips finished parts, scores the others, and sums up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from zoo.api.labelling import Ask, columns_of, good_texts
from zoo.api.opening import Opened, is_export
from zoo.api.scoring.part import PARTS, RECORDS, Record, Work, score_part
from zoo.api.scoring.plan import Asked, Plan, plan_of
from zoo.api.start import check_writable
from zoo.families.saved import saved_metadata
from zoo.text.locks import locked
from zoo.text.pairs import joined
from zoo.text.writing import write_text

BAD = "bad.jsonl"
_SAMPLE = 2_000  # texts of the comparison with one process
# Maps a function over works in processes, and yields the results as they come.
Engine = Callable[[Callable[[Work], Record], Sequence[Work]], Iterator[Record]]


@dataclass(frozen=True)
class Scored:
    """What a job has done.

    Args:
        rows: rows with answers, of all parts.
        bad: rows that were set aside.
        parts: number of parts.
        now: rows of the parts that this call has scored, the bad ones too.
        seconds: from the start of the engine to its end.
        busy: seconds in which workers scored, of all of them together.
        alone: texts a second of one process, or `None` where it was not measured.
    """

    rows: int
    bad: int
    parts: int
    now: int
    seconds: float
    busy: float
    alone: float | None


class Unfinished(RuntimeError):
    """A job that was stopped by an error, and can continue."""


def score_files(
    opened: Opened,
    asked: Asked,
    out: Path,
    engine: Engine,
    *,
    compare: bool = False,
    tell: Callable[[int, int | None], None] = lambda done, total: None,
    say: Callable[[str], object] = lambda line: None,
) -> Scored:
    """Writes the rows of tables with a model's answers, in parts.

    Each part is written whole. A second call continues: it checks that the model and
    the tables are the same, and scores the parts that are not finished.

    Args:
        opened: the model.
        asked: what is asked; see `asked_of`.
        out: folder for `parts/`, `records/`, `manifest.json` and `bad.jsonl`.
        engine: runs the work.
        compare: whether to measure one process as well, on some texts.
        tell: is called with the number of rows done, and that of all rows if known.
        say: is called with lines about what comes before the first row.

    Returns:
        What was done.

    Raises:
        DataError: for tables that cannot be read or written again.
        ValueError: for a folder with another job.
        Unfinished: for an error at a part; the others are kept.
    """
    check_writable(out, "`out` (--out)")
    with locked(out, "`out` (--out)"):
        _remove_partial(out)
        plan = plan_of(asked, out, say)
        works = [_work(part, plan, asked, out) for part in plan.parts]
        before = [record for work in works if (record := work.finished())]
        found = {record.name: record for record in before}
        left = [work for work in works if work.name not in found]
        alone = _speed_alone(opened.model.predict, left) if compare and left else None
        done, total = sum(map(_count, before)), plan.rows
        now, busy = 0, 0.0
        begun = time.monotonic()
        tell(done, total)
        try:
            for record in engine(score_part, left) if left else ():
                found[record.name] = record
                now += _count(record)
                busy += record.seconds
                tell(done + now, total)
        except Exception as error:
            raise Unfinished(
                f"{error} {len(found):,} of {len(works):,} parts are finished in "
                f"{out}; the same command continues."
            ) from error
        seconds = time.monotonic() - begun
        _remove_partial(out)
        records = [found[work.name] for work in works]
        bad = _set_aside([row for record in records for row in record.bad], out / BAD)
    rows = sum(record.rows for record in records)
    return Scored(rows, bad, len(works), now, seconds, busy, alone)


def asked_of(
    opened: Opened,
    place: str | Path,
    files: Sequence[Path],
    text: Sequence[str],
    *,
    trust: bool = False,
    part_rows: int | None = None,
) -> Asked:
    """Returns what a job asks of a model.

    Args:
        opened: the model.
        place: its folder or name, as of `zoo.api.opening.open_model`.
        files: tables.
        text: column of the texts, or the two columns of pairs.
        trust: see `Asked`.
        part_rows: see `Asked`.
    """
    example = str(joined("a", "b")) if opened.pairs else "a"
    answers = columns_of(opened.model.predict([example])[0])
    folder = _model_folder(place)
    return Asked(folder, trust, list(text), answers, files, part_rows)


def _model_folder(place: str | Path) -> Path:
    """Returns the folder of one version, which stays when newer ones are published."""
    folder = Path(place)
    if is_export(folder):
        from zoo.serving.served import version_folder

        folder = version_folder(folder, None)
    else:
        folder, _ = saved_metadata(place)
    return folder.absolute()


def _work(part, plan: Plan, asked: Asked, out: Path) -> Work:
    rows = plan.slice_of(part, asked.files)
    model, trust, text = asked.model, asked.trust, asked.text
    return Work(out.absolute(), part.name, rows, model, trust, text, asked.answers)


def _count(record: Record) -> int:
    return record.rows + len(record.bad)


def _speed_alone(ask: Ask, left: Sequence[Work]) -> float | None:
    """Returns the texts a second of this process, on the first texts that are left."""
    each = chain.from_iterable(good_texts(work.rows, work.text) for work in left)
    if not (texts := list(islice(each, _SAMPLE))):
        return None
    ask(texts)  # builds what later calls find
    begun = time.monotonic()
    ask(texts)
    return len(texts) / (time.monotonic() - begun)


def _remove_partial(out: Path) -> None:
    """Removes files of processes that died while they wrote them."""
    for folder in (out, out / PARTS, out / RECORDS):
        for path in folder.glob(".partial-*"):
            path.unlink()


def _set_aside(bad: Sequence[dict], path: Path) -> int:
    """Writes a file with the bad rows, if there are any, and returns their number."""
    if bad:
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in bad)
        write_text(path, "".join(lines))
    else:
        path.unlink(missing_ok=True)
    return len(bad)
