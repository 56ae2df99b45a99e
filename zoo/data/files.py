"""Reads a file from disk as decoded text, or explains why it cannot."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.data.encodings import (
    advice,
    agrees,
    encoding_of_mark,
    likely_encoding,
    undecoded,
    unmarked_utf16,
)
from zoo.data.errors import BadRow, DataError, nearest, problem, shorten
from zoo.data.formats.registry import TableFormat, accepted_endings, find_format
from zoo.data.memory import Memory

# Bytes of content for each byte of a gzip file, beyond those that any may have.
MOST_EXPANSION, FREE = 200, 2**28


@dataclass(frozen=True)
class Table:
    """A file of rows, and how to read it.

    Args:
        path: the file; its name determines the format.
        skip: whether to leave out bad rows, including undecodable ones.
        encoding: encoding of a text file; by default that of its byte-order mark, else
            UTF-8.
        quotes: CSV and TSV: whether `"` quotes cells or is an ordinary character.
    """

    path: str | Path
    skip: bool = False
    encoding: str | None = None
    quotes: bool = True

    @property
    def name(self) -> str:
        """Returns the path, for messages."""
        return str(self.path)

    @property
    def known(self) -> Sequence[str]:
        """Returns columns of the file, which the rows that are read may lack."""
        return ()

    @property
    def ahead(self) -> int:
        """Returns the number of lines of the file before those that `lines` returns."""
        return 0

    @property
    def numbers(self) -> tuple[int, int | None]:
        """Returns the first row to read and the one after the last, counted from 0.

        They are for formats that can take rows by their numbers.
        """
        return 0, None

    def text(self) -> str:
        """Returns the content of a text file."""
        return read_text(self.path, self.encoding, keep_bad_bytes=self.skip)

    def lines(self, newline: str) -> tuple[str, Iterator[str]]:
        """Returns the beginning of a text file, with its first row, and its lines.

        Args:
            newline: `""` for lines that end as they may, `"\\n"` for those of Unix; as
                of `open`, line ends are kept.
        """
        text = self.text()
        return text, io.StringIO(text, newline=newline)

    def rows(self, columns: Sequence[str]) -> Iterator[tuple[int, list] | BadRow]:
        """Returns `(line, cells)` of the columns, in that order, or a `BadRow`.

        Raises:
            DataError: for a file that cannot be read, or lacks a column.
        """
        return format_of(self.path).rows(self, columns)

    def names(self, columns: Sequence[str]) -> list[str]:
        """Returns the names of all columns, given some that the file has.

        The rows of JSON Lines name theirs, and there are none here.
        """
        names = format_of(self.path).names
        return [] if names is None else names(self, columns)


def table_of(
    data: str | Path | Memory,
    skip: bool = False,
    encoding: str | None = None,
    quotes: bool = True,
) -> Table | Memory:
    """What readers ask for rows: a file, with the arguments of `Table`, or memory.

    Raises:
        DataError: for an argument that only files have.
    """
    if not isinstance(data, Memory):
        return Table(data, skip, encoding, quotes)
    for name, given in (("encoding", encoding), ("quotes", None if quotes else quotes)):
        if given is not None:
            raise DataError(
                f"`{name}` must be left out for data in memory. Accepted: `{name}` "
                f"beside a file. Received: {name}={given!r} beside {data}."
            )
    return data


def format_of(path: str | Path) -> TableFormat:
    """Returns the format of a table, from the file's name.

    Raises:
        DataError: if the name has no known ending.

    Example:
        >>> format_of("reviews.csv.gz").name
        'CSV'
    """
    found = find_format(path)
    if found is None:
        raise DataError(
            problem(
                str(path),
                None,
                None,
                "unknown kind of file",
                f"a name that ends in {accepted_endings()}",
                repr(Path(path).name),
            )
        )
    return found


def check_file(path: str | Path) -> None:
    """Raises `DataError` unless `path` is a file that is not empty."""
    path = Path(path)
    if not path.exists():
        siblings = (
            [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        )
        what, received = "no such file", repr(str(path))
        hint = nearest(path.name, siblings)
    elif not path.is_file():
        what, received, hint = "not a file", f"{str(path)!r}, a folder", ""
    elif path.stat().st_size == 0:
        what, received, hint = "the file is empty", "0 bytes", ""
    else:
        return
    raise DataError(
        problem(str(path), None, None, what, "a file with rows", received) + hint
    )


def read_bytes(path: str | Path) -> bytes:
    """Returns the file's content; decompresses gzip, recognised by its first bytes."""
    check_file(path)
    try:
        data = Path(path).read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = _unzipped(path, data)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            problem(
                str(path),
                None,
                None,
                "the gzip file is damaged or truncated",
                "a complete gzip file",
                str(error),
            )
        ) from None
    except OSError as error:
        raise DataError(
            problem(str(path), None, None, "cannot be read", "a file", str(error))
        ) from None
    check_is_text(path, data)
    return data


def check_is_text(path: str | Path, data: bytes) -> None:
    """Raises `DataError` for the first bytes of some files that are no text."""
    if data[:4] in (b"PK\x03\x04", b"PAR1"):
        kind = "a Parquet file" if data[:3] == b"PAR" else "a zip or Excel file"
        raise DataError(
            problem(
                str(path),
                None,
                None,
                "the content is not text",
                accepted_endings(),
                f"{kind}, judging by its first bytes",
            )
        )


def _unzipped(path: str | Path, data: bytes) -> bytes:
    """Decompresses, up to a size that texts do not reach."""
    most = max(FREE, MOST_EXPANSION * len(data))
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        found = file.read(most + 1)
    if len(found) > most:
        what = f"the gzip file of {len(data):,} bytes has a longer content than texts"
        accepted = f"at most {most:,} bytes, {MOST_EXPANSION} for each of the file"
        raise DataError(problem(str(path), None, None, what, accepted, "more"))
    return found


def read_text(
    path: str | Path, encoding: str | None = None, *, keep_bad_bytes: bool = False
) -> str:
    """Decodes a text file by `encoding`, else its byte-order mark, else UTF-8.

    Args:
        path: the file, plain or gzip.
        encoding: name of a codec, e.g. `"latin-1"`.
        keep_bad_bytes: whether to keep undecodable bytes of UTF-8 as lone surrogates,
            so that their row can be reported and left out.

    Raises:
        DataError: for an unknown codec, or with the byte and line that do not decode.
    """
    data = read_bytes(path)
    try:
        codec = codec_of(path, data, encoding)
        if keep_bad_bytes and codec == "utf-8-sig":
            text = data.decode(codec, "surrogateescape")
        else:
            text = data.decode(codec)
    except LookupError:
        raise DataError(
            problem(
                str(path),
                None,
                None,
                "unknown `encoding`",
                "a codec such as utf-8, latin-1, cp1252, utf-16",
                repr(encoding),
            )
        ) from None
    except UnicodeDecodeError as error:
        raise _undecodable(path, data, codec, error) from None
    if codecs.lookup(codec).name == "iso8859-1" and re.search("[\x80-\x9f]", text):
        warnings.warn(
            f"{path} holds bytes from 0x80 to 0x9f, which are control characters in "
            "latin-1, and quotation marks and the euro sign in cp1252; use encoding="
            "'cp1252' (--encoding cp1252) to read them as such.",
            stacklevel=2,
        )
    text = text.removeprefix("\ufeff")  # utf-16-le and -be keep the mark
    if not text.strip():
        raise DataError(
            problem(
                str(path),
                None,
                None,
                "the file is empty",
                "a file with rows",
                f"{len(data)} bytes of white space",
            )
        )
    return text


def decodes(path: str | Path) -> bool:
    """Returns whether a text file can be decoded without naming its encoding."""
    try:
        read_text(path)
    except DataError:
        return False
    return True


def codec_of(path: str | Path, data: bytes, encoding: str | None) -> str:
    """Returns the codec of a file that begins with these bytes; see `read_text`."""
    mark = encoding_of_mark(data)
    if encoding is None:
        utf16 = None if mark else unmarked_utf16(data)
        if utf16:
            raise DataError(
                problem(
                    str(path),
                    1,
                    None,
                    "every second byte is NUL, as in UTF-16 without a byte-order mark",
                    f"encoding={utf16!r} (--encoding {utf16})",
                    shorten(data[:20]),
                )
            )
        return mark or "utf-8-sig"
    if mark and not agrees(mark, encoding):
        name = mark.removesuffix("-sig")
        raise DataError(
            problem(
                str(path),
                None,
                None,
                f"the file begins with the byte-order mark of {name.upper()}",
                f"no `encoding`, or {name!r}",
                f"{encoding!r}",
            )
        )
    # The codec with "-sig" drops a byte-order mark.
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def _undecodable(path, data: bytes, codec: str, error: UnicodeDecodeError) -> DataError:
    start = error.start
    if codec == "utf-8-sig" and data.startswith(codecs.BOM_UTF8):
        start += len(codecs.BOM_UTF8)  # the codec counts from after the mark
    line = data.count(b"\n", 0, start) + 1
    around = data[max(0, start - 20) : start + 10]
    name = "UTF-8" if codec == "utf-8-sig" else codec
    unknown = undecoded(data.decode("utf-8", "surrogateescape"))
    shown = likely_encoding(unknown) or "latin-1"
    return DataError(
        problem(
            str(path),
            line,
            None,
            f"the text is not valid {name}: byte 0x{data[start]:02x} at byte offset "
            f"{start} (counted from 0)",
            f"UTF-8, UTF-16 with a byte-order mark, or {advice(unknown)}",
            f"{shorten(around.decode(shown, 'replace'))} when read as {shown}",
        )
    )
