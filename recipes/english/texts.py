"""Collects the texts that the word vectors `english` are learned from.

    python recipes/english/texts.py wikipedia.txt.xz dialogue.txt.xz
        --labelled pros_cons goemotions --held-out sst2/test.tsv --to texts.csv

The table has a column `text` and one for each task, such as `goemotions emotions`, for
`zoo train static_encoder --data texts.csv --label 'goemotions emotions'`. Sentences of
files have no label; the training texts of named data sets have. Whatever shares 13
words in a row with a held-out text is left out; the validation and test texts of the
named sets are held out as well, and a fiftieth of the documents.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import lzma
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from zoo.data import Examples, load_named
from zoo.data.overlap import HeldOut
from zoo.tasks import TAGS
from zoo.text.sentences import MOST_LETTERS, sentences

HELD_OUT = ("00", "01", "02", "03", "04")  # a 50th of the documents
_OPEN = {".xz": lzma.open, ".gz": gzip.open}

Row = tuple[str, str, str]  # text, label, task; "" for none


def documents(lines: Iterable[str]) -> Iterator[str]:
    """Yields the lines of documents, which empty lines end, without those held out.

    Held out are documents whose first 200 bytes have an MD5 that begins with 00 to 04.
    """
    document: list[str] = []
    for line in (*lines, ""):
        if line.strip():
            document.append(line.strip())
            continue
        start = "\n".join(document).encode("utf-8")[:200]
        if hashlib.md5(start).hexdigest()[:2] not in HELD_OUT:
            yield from document
        document = []


def labelled(name: str, train: Examples, leave_out: Sequence[str] = ()) -> list[Row]:
    """Returns the training texts of a named set with their labels.

    Of several labels of a text the first counts.

    Args:
        name: of the set.
        train: its training part.
        leave_out: tasks that are left out, such as `"hutto movies"`.
    """
    rows = []
    for task, labels in train.labels.items():
        full = f"{name} {task}"
        if full in leave_out or train.kinds.get(task) == TAGS:
            continue
        for text, label in zip(train.texts, labels, strict=True):
            if isinstance(label, (list, tuple)):
                label = label[0] if label else None
            if label is not None:
                rows.append((" ".join(text.split())[:MOST_LETTERS], str(label), full))
    return rows


def collect(
    files: Sequence[Path],
    names: Sequence[str],
    *,
    most: int,
    held_out: Sequence[Path] = (),
    leave_out: Sequence[str] = (),
    seed: int = 0,
) -> list[Row]:
    """Returns the rows of the table in random order, and prints what was left out.

    Args:
        files: of plain text, also `.xz` and `.gz`.
        names: named data sets of labelled texts.
        most: maximum number of sentences of a file.
        held_out: files with texts that must stay unseen.
        leave_out: see `labelled`.
        seed: seed of the choice and the order.
    """
    sources: list[tuple[str, list[Row]]] = []
    unseen = [line for path in held_out for line in _lines(path)]
    for name in names:
        splits = load_named(name)
        unseen += [*splits.valid.texts, *splits.test.texts]
        sources.append((name, labelled(name, splits.train, leave_out)))
    held = HeldOut(unseen)
    generator = random.Random(seed)
    rows: list[Row] = []
    for path in files:
        found = list(sentences(documents(_lines(path))))
        generator.shuffle(found)
        sources.append((path.name, [(text, "", "") for text in found[:most]]))
    for source, found in sources:
        clean = [row for row in found if not held.overlaps(row[0])]
        print(f"{source}: {len(clean):,} texts; left out {len(found) - len(clean):,}")
        rows += clean
    generator.shuffle(rows)
    return rows


def _lines(path: Path) -> Iterator[str]:
    with _OPEN.get(path.suffix, open)(path, "rt", encoding="utf-8") as file:
        yield from file


def write_table(rows: Sequence[Row], path: Path) -> None:
    """Writes the texts with a column for each task."""
    tasks = sorted({task for _, label, task in rows if label})
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["text", *tasks])
        for text, label, task in rows:
            table.writerow([text, *(label if task == name else "" for name in tasks)])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, help="plain text, also .xz")
    parser.add_argument("--most", type=int, default=140_000, help="sentences of a file")
    parser.add_argument("--labelled", nargs="*", default=[], metavar="SET")
    parser.add_argument("--leave-out", nargs="*", default=[], metavar="TASK")
    parser.add_argument("--held-out", nargs="*", type=Path, default=[], metavar="FILE")
    parser.add_argument("--to", type=Path, required=True, help="the table, CSV")
    options = parser.parse_args(arguments)
    rows = collect(
        options.files,
        options.labelled,
        most=options.most,
        held_out=options.held_out,
        leave_out=options.leave_out,
    )
    write_table(rows, options.to)
    print(f"{options.to}: {len(rows):,} texts")


if __name__ == "__main__":
    main()
