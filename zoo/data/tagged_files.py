"""Tagged files as the command line names them: tasks and their columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zoo.data.errors import DataError
from zoo.data.formats.conll import read_conll
from zoo.data.formats.conllu import read_conllu
from zoo.data.formats.registry import suffix_of
from zoo.data.formats.tagged_rows import read_tagged_jsonl
from zoo.data.memory import Memory
from zoo.data.sentences import TaggedSentences
from zoo.data.tag_schemes import SCHEMES

NO_SCHEME, LABEL = "none", "categories"
KINDS = (*SCHEMES, NO_SCHEME, LABEL)
# The columns that are read by default.
_DEFAULTS = {
    ".conll": "tags=-1:BIO",
    ".txt": "tags=-1:BIO",
    ".conllu": "UPOS:none",
    ".jsonl": "tags:BIO",
}
_COLUMNS = (".conll", ".txt")


class Column(NamedTuple):
    """A task, its column, and its kind, one of `KINDS`."""

    task: str
    column: str
    kind: str


def parse_column(text: str) -> Column:
    """Reads `[TASK=]COLUMN[:KIND]`.

    A kind is the scheme of the tags, `none` for tags without one, or `categories` for
    a label of the whole sentence; the default is BIO.

    Example:
        >>> parse_column("ner=3:IOB1")
        Column(task='ner', column='3', kind='IOB1')
        >>> parse_column("MISC:NER")
        Column(task='MISC:NER', column='MISC:NER', kind='BIO')
    """
    task, equals, rest = text.partition("=")
    rest = rest if equals else text
    column, colon, kind = rest.rpartition(":")
    if not colon or kind not in KINDS:
        column, kind = rest, "BIO"
    if not column or (equals and not task):
        raise ValueError(
            "`--label` of a tagger must name a column. Accepted: [TASK=]COLUMN[:KIND] "
            f"with a KIND of {', '.join(KINDS)}. Received: {text!r}."
        )
    return Column(task if equals else column, column, kind)


def kind_of(path: str | Path | Memory) -> str:
    """The ending of a file's name; rows in memory have keys, as those of JSON Lines."""
    return ".jsonl" if isinstance(path, Memory) else suffix_of(path)


def read_tagged(
    path: str | Path | Memory,
    *,
    labels: Sequence[str] | None = None,
    tokens: str | None = None,
    comment: str | None = None,
    encoding: str | None = None,
    on_bad_rows: str = "error",
) -> tuple[TaggedSentences, dict[str, str]]:
    """Reads a tagged file, in the format of its suffix.

    Args:
        path: `.conll` or `.txt` (columns by number, -1 for the last), `.conllu`
            (`UPOS`, `MISC:NER`) or `.jsonl` (keys), also `.gz`; or rows in memory.
        labels: what `parse_column` reads, one per task; by default the last column,
            `UPOS`, or the key `tags`.
        tokens: the column of the words: by default 0, or the key `tokens`.
        comment: prefix of lines to leave out of columns, see `read_conll`; CoNLL-U has
            its own.
        encoding: encoding of the file.
        on_bad_rows: `"error"`, or `"skip"` to leave out invalid sentences.

    Returns:
        The sentences, and the scheme of each tagging task, `""` for none.

    Raises:
        DataError: for a file of another kind, and as the readers raise.
    """
    suffix = kind_of(path)
    if suffix not in _DEFAULTS:
        raise DataError(
            f"{path}: a tagger cannot read such files. Accepted: "
            f"{', '.join(_DEFAULTS)}, also .gz. Received: {suffix or 'no suffix'!r}."
        )
    if comment and suffix not in _COLUMNS:
        raise DataError(
            f"`comment` (--comment) applies to files of columns. Accepted: "
            f"{' and '.join(_COLUMNS)} files. Received: {comment!r} for {path}."
        )
    columns = [parse_column(text) for text in labels or [_DEFAULTS[suffix]]]
    tags = {c.task: c for c in columns if c.kind != LABEL}
    schemes = {name: c.kind for name, c in tags.items() if c.kind != NO_SCHEME}
    options: dict[str, Any] = {
        "schemes": schemes,
        "encoding": encoding,
        "on_bad_rows": on_bad_rows,
    }
    found = {name: schemes.get(name, "") for name in tags}
    if suffix == ".jsonl" or isinstance(path, Memory):
        renamed = [c for c in columns if c.task != c.column]
        sentence = [c.column for c in columns if c.kind == LABEL]
        if renamed:
            raise DataError(
                "`--label` of JSON Lines names tasks by their keys. Accepted: KEY or "
                f"KEY:KIND. Received: {renamed[0].task}={renamed[0].column}."
            )
        data = read_tagged_jsonl(
            path, tokens=tokens or "tokens", tags=list(tags), labels=sentence, **options
        )
        return data, found
    if len(tags) < len(columns):
        raise DataError(
            f"{path}: a file of one word per line has no labels of sentences. "
            f"Accepted: kinds {', '.join(KINDS[:-1])}. Received: {LABEL}."
        )
    if suffix == ".conllu":
        fields = {name: c.column for name, c in tags.items()}
        return read_conllu(path, fields, **options), found
    places = {name: _number(c.column) for name, c in tags.items()}
    place = _number(tokens or "0")
    data = read_conll(path, places, token_column=place, comment=comment, **options)
    return data, found


def _number(column: str) -> int:
    try:
        return int(column)
    except ValueError:
        raise DataError(
            "Columns of a CoNLL file are named by number. Accepted: from 0, or -1 for "
            f"the last one. Received: {column!r}."
        ) from None
