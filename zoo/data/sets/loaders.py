"""How each named data set is read: from its folder, or from pinned downloads."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo.data.examples import Examples, Splits, join
from zoo.data.readers import read_columns
from zoo.data.sets import sources
from zoo.data.splits import drop_leaked, hold_out, split, text_key

BINARY = {"0": "negative", "1": "positive"}
_FIVE = {
    "0": "very negative",
    "1": "negative",
    "2": "neutral",
    "3": "positive",
    "4": "very positive",
}
_SUBJ = {"0": "objective", "1": "subjective"}
_LABEL_TEXT = ("label", "text")
MTL16 = (
    "apparel",
    "baby",
    "books",
    "camera_photo",
    "dvd",
    "electronics",
    "health_personal_care",
    "imdb",
    "kitchen_housewares",
    "magazines",
    "MR",
    "music",
    "software",
    "sports_outdoors",
    "toys_games",
    "video",
)


def _read(path: Path, task: str, names: dict | None = None, columns=_LABEL_TEXT):
    data = read_columns(path, columns, text="text", labels={"label": "categories"})
    return _rename(data, task, names)


def _rename(data: Examples, task: str, names: dict | None = None) -> Examples:
    """The one task of `data` under the name `task`, its labels under `names`."""
    values = data.labels["label"]
    if names:
        values = [names.get(value, value) for value in values]
    kinds, columns = {task: "categories"}, {task: "label"}
    return Examples(data.texts, {task: values}, data.where, kinds, columns)


def load_sst(
    folder: Path | None, binary: bool, phrases: bool = False, task="sentiment"
):
    """Stanford Sentiment Treebank, with or without its phrases."""
    names = BINARY if binary else _FIVE
    if folder is None:
        parts = sources.read_sst(binary=binary, phrases=phrases)
        train, valid, test = (_rename(part, task, names) for part in parts)
        splits = Splits(train, valid, test)
    else:
        first = "train_phrases.tsv" if phrases else "train.tsv"
        files = (first, "valid.tsv", "test.tsv")
        splits = Splits(*(_read(folder / file, task, names) for file in files))
    if phrases:
        held = {text_key(t) for part in (splits.valid, splits.test) for t in part.texts}
        shared = sum(text_key(text) in held for text in splits.train.texts)
        splits.notes.append(
            f"{shared} training phrases are equal to a validation or test sentence; "
            "they are kept, as published results keep them."
        )
    return splits


def load_trec(folder: Path | None, tasks: tuple[str, ...]) -> Splits:
    """TREC questions, with the coarse or the fine types or both."""
    if folder is None:
        train, test = sources.read_trec()
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
    train, valid, test = (part.with_tasks(tasks) for part in (train, valid, test))
    return Splits(train, valid, test, notes=notes)


def load_three_files(
    folder: Path, task: str, names=None, columns=_LABEL_TEXT
) -> Splits:
    """A folder of three files with a label and a text a row."""
    files = ("train.tsv", "valid.tsv", "test.tsv")
    return Splits(*(_read(folder / file, task, names, columns) for file in files))


def load_subj(folder: Path | None, task: str = "subjectivity") -> Splits:
    """Subjective and objective sentences, split as in the folder or by seed 0."""
    if folder is not None:
        splits, how = load_three_files(folder, task, _SUBJ), "the one of the folder"
    else:
        splits, how = split(_rename(sources.read_subj(), task, _SUBJ)), "seed 0"
    splits.notes.append(
        f"subj: no official split; one 80/10/10 split ({how}), not ten folds."
    )
    return splits


def load_imdb(folder: Path, task: str = "sentiment") -> Splits:
    """Long movie reviews."""
    train, valid = hold_out(_read(folder / "train.tsv.gz", task, BINARY), 0.1)
    notes = ["imdb: validation = 10 % of the official training part, seed 0."]
    return Splits(train, valid, _read(folder / "test.tsv.gz", task, BINARY), [], notes)


def load_mtl16(folder: Path) -> Splits:
    """Sixteen domains of reviews, each a task, and the unlabelled reviews."""
    parts = [
        join([_read(folder / f"{task}.{part}.tsv", task, BINARY) for task in MTL16])
        for part in ("train", "valid", "test")
    ]
    unlabeled = []
    for task in MTL16:
        path = folder / f"{task}.unlabeled.txt.gz"
        if path.is_file():
            text = gzip.decompress(path.read_bytes()).decode("utf-8")
            unlabeled += [line for line in text.split("\n") if line.strip()]
    seen = {text_key(text) for text in parts[0].texts}
    repeats = sum(text_key(text) in seen for text in parts[2].texts)
    notes = [
        f"mtl16: {repeats} of {len(parts[2])} test texts stand in a training part too; "
        "the published split is kept as it is."
    ]
    return Splits(parts[0], parts[1], parts[2], unlabeled, notes)


def load_uci(folder: Path) -> Splits:
    """Sentences of three sites, each a task."""
    files = ("train.tsv", "valid.tsv", "test.tsv")
    train, valid, test = (_uci_part(folder / file) for file in files)
    return Splits(train, valid, test)


def _uci_part(path: Path) -> Examples:
    data = read_columns(
        path,
        ("label", "domain", "text"),
        text="text",
        labels={"label": "categories"},
        task_column="domain",
    )
    for task, values in data.labels.items():
        data.labels[task] = [BINARY.get(value, value) for value in values]
    return data


def load_snips(folder: Path | None) -> Splits:
    """Commands to a voice assistant with their intents."""
    if folder is not None:
        return load_three_files(folder, "intent", None, ("label", "text", "slots"))
    train, valid, test = (_rename(part, "intent") for part in sources.read_snips())
    return Splits(train, valid, test)


def elsewhere(module: str, name: str) -> Callable[[Path | None], Any]:
    """A loader of a package that imports this one."""

    def load(folder: Path | None):
        return getattr(importlib.import_module(module), name)(folder)

    return load


def load_corpus(folder: Path, pattern: str) -> Splits:
    """A corpus for language models: one text a line, blank lines included."""
    parts = []
    for name in ("train", "valid", "test"):
        path = folder / pattern.format(name)
        lines = path.read_text("utf-8").removesuffix("\n").split("\n")
        where = [(str(path), number) for number in range(1, len(lines) + 1)]
        parts.append(Examples(lines, {}, where))
    settings: dict = {"tokenizer": "whitespace", "lowercase": False, "min_count": 1}
    settings["vocab_size"] = 100_000
    return Splits(parts[0], parts[1], parts[2], settings=settings)


def load_liu4(folder: Path) -> Splits:
    """The four sets of Liu, Qiu and Huang 2016 as four tasks."""

    def at(name: str) -> Path | None:
        return folder / name if (folder / name).is_dir() else None

    sets = [
        load_sst(at("sst1"), binary=False, task="sst1"),
        load_sst(at("sst2"), binary=True, task="sst2"),
        load_subj(at("subj"), "subj"),
        load_imdb(folder / "imdb", "imdb"),
    ]
    train, valid, test = (
        join([getattr(one, part) for one in sets])
        for part in ("train", "valid", "test")
    )
    # SST-1 and SST-2 hold the same sentences: a text that any task is judged on must
    # not be in the training part of another.
    train, dropped = drop_leaked(train, valid, test)
    notes = [note for one in sets for note in one.notes]
    notes.append(
        f"liu4: {dropped} training rows dropped, whose text is in a validation or test "
        "part of one of the four sets."
    )
    return Splits(train, valid, test, [], notes)
