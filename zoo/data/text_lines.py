"""Lines of a text file, of which no more is held than the one that is read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from zoo.data.contents import ZIPPED, check_is_text, codec_of, first_bytes, read_text
from zoo.data.encodings import encoding_of_mark

_HEAD = 2**20  # characters in which the first row ends
_MARKS = {"utf-8-sig": 3, "utf-16": 2, "utf-32": 4}  # bytes of the byte-order mark
# Codecs that encode without the mark, in as many bytes.
_UNMARKED = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


def is_zipped(path: str | Path) -> bool:
    """Returns whether a file begins as gzip files do."""
    return first_bytes(path, len(ZIPPED)) == ZIPPED


class TextLines:
    """The lines of a text file in UTF-8, or in the encoding of its byte-order mark.

    Args:
        path: the file, not zipped.
        newline: as of `open`; line ends are kept.
        keep_bad_bytes: whether to keep undecodable bytes of UTF-8 as lone surrogates.

    Attributes:
        head: the beginning, with the first row.
        encoding: of the lines, which has no byte-order mark where there is none.
        size: bytes that were read, with the mark.
        count: lines that were read.

    Raises:
        DataError: for a file that is no text, or, as its lines are read, with the place
            of what does not decode.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "a.txt")
        >>> _ = file.write_text("one\\ntwo\\n")
        >>> lines = TextLines(file, "")
        >>> next(iter(lines)), lines.size, lines.count
        ('one\\n', 4, 1)
    """

    def __init__(
        self, path: str | Path, newline: str, *, keep_bad_bytes: bool = False
    ) -> None:
        self._path, self._newline, self._keep = Path(path), newline, keep_bad_bytes
        data = first_bytes(path, 4 * _HEAD)
        check_is_text(path, data)
        self._codec = codec_of(path, data, None)
        short = self._codec == "utf-8-sig"
        self.encoding = "utf-8" if short else self._codec
        self._errors = "surrogateescape" if short and keep_bad_bytes else "strict"
        self.size = _MARKS.get(encoding_of_mark(data) or "", 0)
        self.count = 0
        self.head = self._beginning(data)
        if not self.head.strip():
            read_text(path, keep_bad_bytes=keep_bad_bytes)  # says so of an empty file

    def __iter__(self) -> Iterator[str]:
        encoding, errors = _UNMARKED[self._codec], self._errors
        short = encoding == "utf-8"
        try:
            with self._path.open("r", -1, self._codec, errors, self._newline) as file:
                for line in file:
                    plain = short and line.isascii()
                    encoded = line if plain else line.encode(encoding, errors)
                    self.size += len(encoded)
                    self.count += 1
                    yield line
        except UnicodeDecodeError:
            read_text(self._path, keep_bad_bytes=self._keep)  # says where
            raise

    def _beginning(self, data: bytes) -> str:
        """Returns the first characters of bytes that may end within one."""
        file = io.TextIOWrapper(
            io.BytesIO(data), self._codec, self._errors, self._newline
        )
        found = ""
        try:
            while len(found) < _HEAD and (part := file.read(2**16)):
                found += part
        except UnicodeDecodeError:
            pass  # who reads the lines sees it
        return found
