"""The Stanford Sentiment Treebank, Socher et al. 2013: sentences and their phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from zoo.data.download import Source
from zoo.data.errors import DataError, problem, shorten
from zoo.data.examples import Examples
from zoo.data.parts import Splits
from zoo.data.sets._labelled import (
    BINARY,
    LABEL_AND_TEXT,
    examples_of,
    lines_of,
    read_labelled,
    rename,
)
from zoo.data.sets.registry import register_set
from zoo.text.characters import text_key

SOURCE = Source(
    "sst",
    "https://raw.githubusercontent.com/munikarmanish/RNTN/"
    "12bb731ba9fbdcdf2368b8515a241773f2b97547/trees/{}.txt",
    {
        "train": "3287e6df56acb2ccba2bc3ebb7a696c0daee8d2fa00988348bbf37796bc3739d",
        "dev": "0e9336aed6e4730e19f58d00a77b3f0297efdb755f7b5e598c98a05e3f97ea40",
        "test": "6e54806dee95cf80cd918e7dfb3f6770f6df24bf826f289a4d1f709e1c8f6761",
    },
)
_FIVE = {
    "0": "very negative",
    "1": "negative",
    "2": "neutral",
    "3": "positive",
    "4": "very positive",
}
_TOKEN = re.compile(r"[()]|[^()\s]+")
_BRACKETS = {"-LRB-": "(", "-RRB-": ")"}


def load_sst(
    folder: Path | None, *, binary: bool, phrases: bool = False, task="sentiment"
) -> Splits:
    """Sentences of five or two classes, with or without phrases for training."""
    names = BINARY if binary else _FIVE
    if folder is None:
        parts = _read_public(binary=binary, phrases=phrases)
        splits = Splits(*(rename(part, task, names) for part in parts))
    else:
        first = "train_phrases.tsv" if phrases else "train.tsv"
        files = (first, "valid.tsv", "test.tsv")
        splits = Splits(*(read_labelled(folder / file, task, names) for file in files))
    if phrases:
        held = {text_key(t) for part in (splits.valid, splits.test) for t in part.texts}
        shared = sum(text_key(text) in held for text in splits.train.texts)
        splits.notes.append(
            f"{shared} training phrases equal a validation or test sentence; they "
            "are kept, as in published results.",
        )
    return splits


def _read_public(*, binary: bool, phrases: bool) -> list[Examples]:
    """Returns train, valid and test, with labels `"0"` to `"4"`.

    Args:
        binary: whether labels 0 and 1 become `"0"`, 3 and 4 `"1"`, and 2 is left out.
        phrases: whether to train on each labelled phrase of the training trees, once.
    """
    paths = {part: SOURCE.fetch(part) for part in ("train", "dev", "test")}
    lines = {part: lines_of(path, "utf-8") for part, path in paths.items()}
    # The training file of this source ends with a copy of the validation file.
    if lines["train"][-len(lines["dev"]) :] == lines["dev"]:
        del lines["train"][-len(lines["dev"]) :]
    parts = []
    for part, whole in (("train", not phrases), ("dev", True), ("test", True)):
        rows: Iterable[tuple] = tree_rows(lines[part], str(paths[part]), whole)
        if binary:
            rows = (
                (str(int(int(label) > 2)), text, place)
                for label, text, place in rows
                if label != "2"
            )
        if not whole:
            first: dict = {}
            for row in rows:
                first.setdefault(row[:2], row)
            rows = first.values()
        parts.append(examples_of(rows))
    return parts


def tree_rows(lines: Iterable[str], path: str, whole: bool) -> Iterator[tuple]:
    """Yields `(label, text, (path, line))` of trees such as `(3 (2 a) (4 gem))`.

    Args:
        lines: one tree per line.
        path: their file, for messages.
        whole: whether to yield only the whole sentence of each tree, not every phrase
            in it, inner phrases first.

    Example:
        >>> [row[:2] for row in tree_rows(["(3 (2 a) (4 gem))"], "trees.txt", False)]
        [('2', 'a'), ('4', 'gem'), ('3', 'a gem')]
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        closed: list[list] = []  # label, first word, word after the last
        open_spans: list[list] = []
        words: list[str] = []
        tokens = _TOKEN.findall(line)
        position = 0
        try:
            while position < len(tokens):
                token = tokens[position]
                if token == "(":
                    label = str(int(tokens[position + 1]))
                    open_spans.append([label, len(words), None])
                    position += 1
                elif token == ")":
                    closed.append(open_spans.pop())
                    closed[-1][2] = len(words)
                else:
                    words.append(_BRACKETS.get(token, token).replace("\\", ""))
                position += 1
            if open_spans or not closed:
                raise ValueError
        except (ValueError, IndexError):
            raise DataError(
                problem(
                    path,
                    number,
                    None,
                    "not a labelled tree",
                    "(3 (2 a) (4 gem))",
                    shorten(line),
                )
            ) from None
        for label, start, stop in closed[-1:] if whole else closed:
            yield label, " ".join(words[start:stop]), (path, number)


for _name, _description, _binary, _phrases in (
    ("sst1", "Stanford Sentiment Treebank, 5 classes", False, False),
    ("sst1_phrases", "sst1 with labelled phrases", False, True),
    ("sst2", "Stanford Sentiment Treebank, 2 classes", True, False),
    ("sst2_phrases", "sst2 with labelled phrases", True, True),
):
    _also = " and train_phrases.tsv of the same form" if _phrases else ""
    register_set(
        _name,
        _description,
        folder=_name.removesuffix("_phrases"),
        files=LABEL_AND_TEXT + _also,
        content="labels of texts",
        public=True,
        rank=2,
    )(partial(load_sst, binary=_binary, phrases=_phrases))
