"""Reads the content of a file as decoded text, or explains why it cannot."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import warnings
import zlib
from pathlib import Path

from zoo.data.encodings import (
    advice,
    agrees,
    encoding_of_mark,
    likely_encoding,
    undecoded,
    unmarked_utf16,
)
from zoo.data.errors import DataError, nearest, problem, shorten
from zoo.data.formats.registry import accepted_endings

# Bytes of content for each byte of a gzip file, beyond those that any may have.
MOST_EXPANSION, FREE = 200, 2**28
ZIPPED = b"\x1f\x8b"  # how a gzip file begins


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
    data = first_bytes(path)
    try:
        if data.startswith(ZIPPED):
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
    check_is_text(path, data)
    return data


def first_bytes(path: str | Path, count: int = -1) -> bytes:
    """Returns so many bytes of a file, by default all, as they are."""
    check_file(path)
    try:
        with Path(path).open("rb") as file:
            return file.read(count)
    except OSError as error:
        raise DataError(
            problem(str(path), None, None, "cannot be read", "a file", str(error))
        ) from None


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
