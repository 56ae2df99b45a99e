"""CoNLL columns: one token per line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from operator import getitem
from pathlib import Path

from zoo.data.contents import read_text
from zoo.data.errors import DataError, problem, shorten
from zoo.data.formats.token_lines import add_sentence, blocks_of
from zoo.data.sentences import Collector, TaggedSentences

_DOCUMENT = "-DOCSTART-"


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
    for block in blocks_of(read_text(path, encoding, keep_bad_bytes=found.skip)):
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
            add_sentence(found, rows, token_column, tags, getitem)
    return found.result()


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
