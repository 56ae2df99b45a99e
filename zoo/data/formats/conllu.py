"""CoNLL-U, the format of Universal Dependencies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from zoo.data.contents import read_text
from zoo.data.errors import DataError, shorten
from zoo.data.formats.token_lines import add_sentence, blocks_of
from zoo.data.sentences import Collector, TaggedSentences
from zoo.data.tag_schemes import OUTSIDE

_FIELDS = (
    "ID",
    "FORM",
    "LEMMA",
    "UPOS",
    "XPOS",
    "FEATS",
    "HEAD",
    "DEPREL",
    "DEPS",
    "MISC",
)
_OPEN_FIELDS = ("FEATS", "MISC")  # of the form key=value|key=value
_MULTIWORD = ("split", "join")


class _Span(NamedTuple):
    """A range of words that are written as one: its line, numbers and form."""

    line: int
    first: int
    last: int
    form: str


def read_conllu(
    path: str | Path,
    tags: Mapping[str, str],
    *,
    schemes: Mapping[str, str] | None = None,
    multiword: str = "split",
    encoding: str | None = None,
    on_bad_rows: str = "error",
) -> TaggedSentences:
    """Reads CoNLL-U: words and their tags, without empty nodes.

    Args:
        path: the file, plain or gzip.
        tags: from task to a field, such as `"UPOS"`, or to a key of FEATS or MISC, such
            as `"MISC:NER"`. The tag of a word without the key is O.
        multiword: what becomes of a range such as `1-2 don't`. `"split"` reads its
            syntactic words, `do` and `n't`; `"join"` reads the word as it is written,
            which is what a tagger of raw texts sees, with the tags of its parts joined,
            such as `AUX+PART`, or with the one tag that all of them have.
        schemes: by task the scheme that its tags must follow, see
            `zoo.data.tag_schemes`.
        encoding, on_bad_rows: as in `read_conll`.

    Returns:
        `TaggedSentences` in the order of the file.

    Raises:
        DataError: as in `read_conll`, and for words not numbered from 1, or a range
            that begins or ends at no word of its sentence.
        ValueError: for an unknown `multiword`.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "train.conllu")
        >>> row = "1\\tRome\\tRome\\tPROPN\\t_\\t_\\t0\\troot\\t_\\tNER=B-LOC"
        >>> _ = file.write_text(row + "\\n")
        >>> read_conllu(file, {"pos": "UPOS", "ner": "MISC:NER"}).tags
        {'pos': [['PROPN']], 'ner': [['B-LOC']]}

    Source: universaldependencies.org, CoNLL-U format.
    """
    if multiword not in _MULTIWORD:
        raise ValueError(
            f"`multiword` must be one of {', '.join(_MULTIWORD)}. "
            f"Received: {multiword!r}."
        )
    for task, field in tags.items():
        name, colon, key = field.partition(":")
        if name not in _FIELDS[1:] or (colon and (name not in _OPEN_FIELDS or not key)):
            raise DataError(
                f"`tags[{task!r}]` must be a field of CoNLL-U. Accepted: "
                f"{', '.join(_FIELDS[1:])}, FEATS:key, MISC:key. Received: {field!r}."
            )
    found = Collector(str(path), tags, schemes=schemes, on_bad_rows=on_bad_rows)
    for block in blocks_of(read_text(path, encoding, keep_bad_bytes=found.skip)):
        rows, spans = _rows_of(block, found)
        if multiword == "join":
            rows = _joined(rows, spans, tags, found)
        add_sentence(found, rows, "FORM", tags, _field)
    return found.result()


def _rows_of(block: list, found: Collector) -> tuple[list, list[_Span]]:
    """Returns `(line, cells)` of each word and the ranges; none of a bad sentence."""
    rows: list = []
    spans = []
    for line, text in block:
        if text.startswith("#"):
            continue
        cells = text.split("\t")
        if len(cells) != len(_FIELDS):
            what = f"the line has {len(cells)} column(s)"
            accepted = f"{len(_FIELDS)} columns, separated by tabs"
            found.fail(line, None, what, accepted, shorten(text))
            return [], []
        number = cells[0]
        if span := re.fullmatch(r"(\d+)-(\d+)", number):
            spans.append(_Span(line, int(span[1]), int(span[2]), cells[1]))
        elif re.fullmatch(r"\d+\.\d+", number):
            continue
        elif number != str(len(rows) + 1):
            what = "words must be numbered in order"
            accepted = f"{len(rows) + 1}, or a range or an empty node"
            found.fail(line, "ID", what, accepted, shorten(number))
            return [], []
        elif not cells[1]:
            found.fail(line, "FORM", "the word is empty", "a word", "''")
            return [], []
        else:
            rows.append((line, dict(zip(_FIELDS, cells))))
    return rows, spans


def _joined(
    rows: list, spans: list[_Span], tags: Mapping[str, str], found: Collector
) -> list:
    """Replaces the words of each range by one, with the tags of all."""
    joined, done = [], 0
    for line, first, last, form in spans:
        if not (done < first < last <= len(rows) and form):
            what = "a range must hold words of its sentence, each once"
            accepted = f"two of the numbers 1 to {len(rows)}, in order, and a word"
            found.fail(line, "ID", what, accepted, repr(f"{first}-{last}"))
            return []
        word = {"FORM": form}
        for field in tags.values():
            values = [_field(cells, field) for _, cells in rows[first - 1 : last]]
            word[field] = values[0] if len(set(values)) == 1 else "+".join(values)
        joined += [*rows[done : first - 1], (line, word)]
        done = last
    return [*joined, *rows[done:]]


def _field(cells: Mapping[str, str], field: str) -> str:
    name, _, key = field.partition(":")
    if field in cells:  # of words that were joined, each tag by its whole name
        return cells[field]
    pairs = (pair.partition("=") for pair in cells[name].split("|"))
    return next((value for found, _, value in pairs if found.strip() == key), OUTSIDE)
