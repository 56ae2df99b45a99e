"""From a file on disk to decoded text, or a clear reason why not."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path

from zoo.data.errors import DataError, nearest, problem, shorten

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_ACCEPTED = ".csv, .tsv, .jsonl (each also .gz) or .parquet"
# UTF-32 first: its little-endian mark begins with the one of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def format_of(path: str | Path) -> str:
    """`"csv"`, `"tsv"`, `"jsonl"` or `"parquet"`, by the file's name.

    Example:
        >>> format_of("reviews.csv.gz")
        'csv'
    """
    name = Path(path).name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    found = FORMATS.get(suffix)
    if found is None or (found == "parquet" and name.endswith(".gz")):
        raise DataError(
            problem(
                str(path),
                None,
                None,
                "unknown kind of file",
                f"a name that ends in {_ACCEPTED}",
                repr(Path(path).name),
            )
        )
    return found


def check_file(path: str | Path) -> None:
    """Raises `DataError` unless `path` is a file with something in it."""
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
    """The file's content, unpacked where it is gzip (told by its first bytes)."""
    check_file(path)
    try:
        data = Path(path).read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            problem(
                str(path),
                None,
                None,
                "the gzip file is damaged or cut short",
                "a complete gzip file",
                str(error),
            )
        ) from None
    except OSError as error:
        raise DataError(
            problem(str(path), None, None, "cannot be read", "a file", str(error))
        ) from None
    if data[:4] in (b"PK\x03\x04", b"PAR1"):
        kind = "a Parquet file" if data[:3] == b"PAR" else "a zip or Excel file"
        raise DataError(
            problem(
                str(path),
                None,
                None,
                "the content is not text",
                _ACCEPTED,
                f"{kind} by its first bytes",
            )
        )
    return data


def read_text(
    path: str | Path, encoding: str | None = None, *, keep_bad_bytes: bool = False
) -> str:
    """Decodes a text file: by `encoding`, else by its byte-order mark, else UTF-8.

    Args:
        path: the file, plain or gzip.
        encoding: name of a codec, e.g. `"latin-1"`.
        keep_bad_bytes: keep undecodable bytes of UTF-8 as lone surrogates, so that the
            row that holds them can be reported and left out.

    Raises:
        DataError: for an unknown codec, or naming the byte and line that do not decode.
    """
    data = read_bytes(path)
    codec = encoding or next(
        (name for mark, name in _MARKS if data.startswith(mark)), "utf-8"
    )
    if codec.lower().replace("_", "-") in ("utf-8", "utf8"):
        codec = "utf-8-sig"  # drops the mark where there is one
    try:
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


def _undecodable(path, data: bytes, codec: str, error: UnicodeDecodeError) -> DataError:
    start = error.start
    if codec == "utf-8-sig" and data.startswith(codecs.BOM_UTF8):
        start += len(codecs.BOM_UTF8)  # the codec counts from behind the mark
    line = data.count(b"\n", 0, start) + 1
    around = data[max(0, start - 20) : start + 10]
    name = "UTF-8" if codec == "utf-8-sig" else codec
    return DataError(
        problem(
            str(path),
            line,
            None,
            f"the text is not valid {name}: byte 0x{data[start]:02x} at byte offset "
            f"{start} (counted from 0)",
            "UTF-8, UTF-16 with a byte-order mark, or the file's true encoding, "
            "named by encoding='latin-1' (--encoding latin-1)",
            f"{shorten(around.decode('latin-1'))} when read as latin-1",
        )
    )
