"""TREC: questions by the type of their answers, Li and Roth 2002."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from zoo.data.download import Source
from zoo.data.errors import DataError, problem, shorten
from zoo.data.examples import Examples
from zoo.data.parts import Splits
from zoo.data.readers import read_columns
from zoo.data.sets._labelled import lines_of
from zoo.data.sets.registry import register_set
from zoo.data.splits import hold_out

SOURCE = Source(
    "trec",
    "https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/"
    "d61ded09c99c0199d8c5bca946cd65864de2b296/data/raw/{}",
    {
        "TREC.train": (
            "9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3"
        ),
        "TREC.test": (
            "033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e"
        ),
    },
)


def load_trec(folder: Path | None, tasks: tuple[str, ...]) -> Splits:
    """TREC questions, with the coarse or the fine types or both."""
    if folder is None:
        train, test = map(_public_part, ("TREC.train", "TREC.test"))
    else:
        kinds = dict.fromkeys(("coarse", "fine"), "categories")
        train, test = (
            read_columns(
                folder / file, ("coarse", "fine", "text"), text="text", labels=kinds
            )
            for file in ("train_full.tsv", "test.tsv")
        )
    train, valid = hold_out(train.with_tasks(["coarse", "fine"]), 0.1)
    notes = ["trec: validation = 10 % of the official training questions, seed 0."]
    parts = (part.with_tasks(tasks) for part in (train, valid, test))
    return Splits(*parts, notes=notes)


def _public_part(file: str) -> Examples:
    path = SOURCE.fetch(file)
    rows = list(trec_rows(lines_of(path, "latin-1"), str(path)))
    return Examples(
        [text for _, text, _ in rows],
        {
            "coarse": [fine.split(":")[0] for fine, _, _ in rows],
            "fine": [fine for fine, _, _ in rows],
        },
        [place for _, _, place in rows],
    )


def trec_rows(lines: Iterable[str], path: str) -> Iterator[tuple]:
    """`(fine label, text, (path, line))` of lines such as `NUM:dist How far is it ?`.

    Example:
        >>> next(trec_rows(["NUM:dist How far ?"], "TREC.test"))
        ('NUM:dist', 'How far ?', ('TREC.test', 1))
    """
    for number, line in enumerate(lines, 1):
        label, _, text = line.partition(" ")
        if ":" not in label or not text.strip():
            raise DataError(
                problem(
                    path,
                    number,
                    None,
                    "not a labelled question",
                    "COARSE:fine and the question",
                    shorten(line),
                )
            )
        yield label, " ".join(text.split()), (path, number)


_ALL = ("coarse", "fine")
for _name, _description, _tasks in (
    ("trec", "questions, 6 types", _ALL[:1]),
    ("trec_fine", "questions, two heads: 6 types and 50 finer types", _ALL),
):
    register_set(
        _name,
        _description,
        folder="trec",
        files="train_full.tsv and test.tsv (coarse label, fine label and text, no "
        "header)",
        content="labels of texts",
        public=True,
        rank=3,
    )(partial(load_trec, tasks=_tasks))
