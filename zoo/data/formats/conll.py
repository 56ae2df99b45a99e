"""Files with one token per line: CoNLL columns and CoNLL-U."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from operator import getitem
from pathlib import Path

from zoo.data.contents import read_text
from zoo.data.errors import DataError, problem, shorten
from zoo.data.sentences import Collector, TaggedSentences
from zoo.data.tag_schemes import OUTSIDE

_DOCUMENT = "-DOCSTART-"
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


def read_conll(
    path: str | Path,
    tags: Mapping[str, int],
    *,
    token_column: int = 0,
    schemes: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    comment: str | None = None,
    encoding: str | None = None,
    on_bad_rows: str = "error",
) -> TaggedSentences:
    """Reads columns: one token per line, with empty lines between sentences.

    Every line must have as many columns as most lines have. Lines with the token
    `-DOCSTART-` are left out.

    Args:
        path: the file, plain or gzip.
        tags: from task to the column of its tags; -1 is the last one.
        token_column: the column of the tokens.
        schemes: by task the scheme that its tags must follow, see
            `zoo.data.tag_schemes`.
        delimiter: separates columns; any number of spaces and tabs by default.
        comment: prefix of lines to leave out. None by default, as `#` may be a token;
            if most sentences begin with `#`, that is an error unless this is `""`.
        encoding: by default that of the byte-order mark, else UTF-8.
        on_bad_rows: `"error"`, or `"skip"` to leave out invalid sentences and list them
            in `TaggedSentences.skipped`.

    Returns:
        `TaggedSentences` in the order of the file.

    Raises:
        DataError: with file, line, column, what is accepted and what was received.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "train.txt")
        >>> _ = file.write_text("in IN O\\nRome NNP B-LOC\\n\\nYes UH O\\n")
        >>> data = read_conll(file, {"pos": 1, "ner": -1}, schemes={"ner": "BIO"})
        >>> data.tokens, data.tags["ner"]
        ([['in', 'Rome'], ['Yes']], [['O', 'B-LOC'], ['O']])
    """
    found = Collector(str(path), tags, schemes=schemes, on_bad_rows=on_bad_rows)
    split = re.compile(re.escape(delimiter) if delimiter else "[ \t]+").split
    blocks = []
    for block in _blocks(read_text(path, encoding, keep_bad_bytes=found.skip)):
        lines = [
            (line, text, split(text if delimiter else text.strip(" \t")))
            for line, text in block
            if not (comment and text.startswith(comment))
        ]
        blocks.append([row for row in lines if _DOCUMENT not in row[2]])
    if comment is None:
        _refuse_comments(found.path, blocks)
    columns = {"token": token_column, **tags}
    width, usual = _width(found.path, blocks, columns)
    for split_block in blocks:
        rows = []
        for line, text, cells in split_block:
            if len(cells) != width:
                what = f"the line has {len(cells)} column(s)"
                accepted = f"{width} columns, as {usual} lines have"
                if text.startswith("#") and not comment:
                    accepted += "; comment='#' (--comment '#') leaves out such lines"
                found.fail(line, None, what, accepted, shorten(text))
                break
            if not cells[token_column]:
                found.fail(line, "token", "the token is empty", "a token", "''")
                break
            rows.append((line, cells))
        else:
            _add(found, rows, token_column, tags, getitem)
    return found.result()


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
    for block in _blocks(read_text(path, encoding, keep_bad_bytes=found.skip)):
        rows: list = []
        spans: list = []
        for line, text in block:
            if text.startswith("#"):
                continue
            cells = text.split("\t")
            if len(cells) != len(_FIELDS):
                what = f"the line has {len(cells)} column(s)"
                accepted = f"{len(_FIELDS)} columns, separated by tabs"
                found.fail(line, None, what, accepted, shorten(text))
                break
            if re.fullmatch(r"\d+[-.]\d+", cells[0]):
                if "-" in cells[0] and multiword == "join":
                    first, last = map(int, cells[0].split("-"))
                    spans.append((line, first, last, cells[1]))
                continue
            if cells[0] != str(len(rows) + 1):
                what = "words must be numbered in order"
                accepted = f"{len(rows) + 1}, or a range or an empty node"
                found.fail(line, "ID", what, accepted, shorten(cells[0]))
                break
            if not cells[1]:
                found.fail(line, "FORM", "the word is empty", "a word", "''")
                break
            rows.append((line, dict(zip(_FIELDS, cells))))
        else:
            wrong = _wrong_span(spans, len(rows))
            if wrong:
                line, first, last, _ = wrong
                what = "a range must hold words of its sentence, each once"
                accepted = f"two of the numbers 1 to {len(rows)}, in order"
                found.fail(line, "ID", what, accepted, repr(f"{first}-{last}"))
                continue
            _add(found, _joined(rows, spans, tags), "FORM", tags, _field)
    return found.result()


def _wrong_span(spans: list, words: int) -> tuple | None:
    """Returns the first range that is not one of at least two words still free."""
    free = 1
    for span in spans:
        _, first, last, form = span
        if not (free <= first < last <= words and form):
            return span
        free = last + 1
    return None


def _joined(rows: list, spans: list, tags: Mapping[str, str]) -> list:
    """Replaces the words of each range by one, with the tags of all."""
    for line, first, last, form in reversed(spans):
        parts = [cells for _, cells in rows[first - 1 : last]]
        joined = {"FORM": form}
        for field in tags.values():
            values = [_field(cells, field) for cells in parts]
            joined[field] = values[0] if len(set(values)) == 1 else "+".join(values)
        rows[first - 1 : last] = [(line, joined)]
    return rows


def _add(found: Collector, rows: list, token, tags: Mapping, value: Callable) -> None:
    """Adds the `(line, cells)` of a sentence, unless all were left out."""
    if rows:
        found.add(
            [line for line, _ in rows],
            [cells[token] for _, cells in rows],
            {task: [value(c, place) for _, c in rows] for task, place in tags.items()},
        )


def _field(cells: Mapping[str, str], field: str) -> str:
    name, _, key = field.partition(":")
    if field in cells:  # of words that were joined, each tag by its whole name
        return cells[field]
    pairs = (pair.partition("=") for pair in cells[name].split("|"))
    return next((value for found, _, value in pairs if found.strip() == key), OUTSIDE)


def _blocks(text: str) -> Iterator[list[tuple[int, str]]]:
    """Yields groups of numbered lines, separated by empty lines."""
    block = []
    # Not `splitlines`, which also splits at characters that a token may hold.
    for line, content in enumerate(re.split("\r\n|\r|\n", text), 1):
        if content.strip(" \t"):
            block.append((line, content))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _width(path: str, blocks: list, columns: Mapping[str, int]) -> tuple[int, int]:
    """Returns the usual number of columns, and how many lines have it."""
    lines = [row for block in blocks for row in block]
    counts = Counter(len(cells) for *_, cells in lines)
    plain = Counter(len(cells) for _, text, cells in lines if text[0] != "#")
    fitting = [
        width
        for width, _ in (plain or counts).most_common()
        if all(-width <= place < width for place in columns.values())
    ]
    if lines and not fitting:
        line, text, cells = lines[0]
        _check_columns(path, line, text, cells, columns)
    token, *tags = columns.values()
    # In a line with one word, columns 0 and -1 are the same, so there is no tag.
    tagged = (w for w in fitting if token % w not in {tag % w for tag in tags})
    width = next(tagged, fitting[0] if fitting else 0)
    return width, counts[width]


def _check_columns(path, line, text, cells, columns) -> None:
    width = len(cells)
    for name, column in columns.items():
        if not -width <= column < width:
            raise DataError(
                f"{path}, line {line}: {name!r} has no column {column}. "
                f"Accepted: from 0 to {width - 1}, or from the end -1 to {-width}. "
                f"Received: {shorten(text)}."
            )


def _refuse_comments(path: str, blocks: list) -> None:
    """Raises if most sentences begin with a line that looks like a comment."""
    first = [block[0][:2] for block in blocks if block]
    found = [(line, text) for line, text in first if re.match("#[ \t]", text)]
    if not found or 2 * len(found) < len(first):
        return
    raise DataError(
        problem(
            path,
            found[0][0],
            None,
            f"{len(found)} of {len(first)} sentences begin with '#', as comments do",
            "comment='#' (--comment '#') to leave out such lines, or comment='' "
            "(--comment '') if '#' is a token",
            shorten(found[0][1]),
        )
    )
