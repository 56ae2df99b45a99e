"""Plain text files: one text on each line, without labels."""

from __future__ import annotations

from pathlib import Path

from zoo.data.collect import blank_note
from zoo.data.contents import read_text
from zoo.data.errors import (
    BadRow,
    DataError,
    bad_rows_error,
    check_on_bad_rows,
    problem,
    shorten,
)
from zoo.data.examples import Examples

LONGEST = 1_000_000  # characters of a line
LEAST = 3  # lines, one for each part


def read_lines(
    path: str | Path, *, on_bad_rows: str = "error", encoding: str | None = None
) -> Examples:
    """Reads the lines of a text file, which may be gzipped, as texts without labels.

    Blank lines are left out, and a note says how many.

    Args:
        path: one text per line, at least three.
        on_bad_rows: `"error"`, or `"skip"` to leave out lines that are too long, do not
            decode or hold NUL.
        encoding: encoding of the file; by default that of a byte-order mark, else
            UTF-8.

    Raises:
        DataError: with file and line, for a line of more than 1,000,000 characters, and
            for bytes that are not text; for a file of fewer than three texts.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "texts.txt")
        >>> _ = file.write_text("one\\n\\ntwo\\nthree\\n")
        >>> read_lines(file).texts
        ['one', 'two', 'three']
    """
    check_on_bad_rows(on_bad_rows)
    skip = on_bad_rows == "skip"
    content = read_text(path, encoding, keep_bad_bytes=skip)
    texts, where, bad, blank = [], [], [], 0
    for number, line in enumerate(content.split("\n"), 1):
        text = line.strip("\r \t")
        if not text:
            blank += 1
        elif found := _fault(text):
            what, accepted = found
            row = BadRow(str(path), number, None, what, accepted, shorten(text))
            bad.append(row)
        else:
            texts.append(text)
            where.append((str(path), number))
    if bad and not (skip and texts):
        raise bad_rows_error(bad)
    blank -= content.endswith("\n")  # what follows the last line is none
    if len(texts) < LEAST:
        accepted = f"at least {LEAST} lines, one text on each"
        received = f"{len(texts)} of {len(texts) + blank} lines with a text"
        raise DataError(problem(path, None, None, "too few texts", accepted, received))
    return Examples(texts, {}, where, skipped=bad, notes=blank_note(path, blank))


def _fault(text: str) -> tuple[str, str] | None:
    if len(text) > LONGEST:
        return "the line is too long", f"at most {LONGEST:,} characters in a line"
    if "\x00" in text:
        return "the line holds NUL, as binary data does", "text"
    if any("\udc80" <= letter <= "\udcff" for letter in text):
        return "the line is not valid UTF-8", "text in the encoding of the file"
    return None
