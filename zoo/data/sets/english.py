"""English text of five kinds, for language models and for pre-training."""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Iterator
from itertools import accumulate, takewhile
from pathlib import Path
from typing import NamedTuple

from zoo.data.errors import DataError
from zoo.data.examples import Examples
from zoo.data.parts import PARTS, Splits
from zoo.data.sets.registry import register_set

KINDS = ("dialogue", "fiction", "medical", "technical", "wikipedia")
FILES = tuple(f"{kind}.txt.xz" for kind in KINDS)
# The first byte of a document's hash decides its part: some 0.8 and 1.2 % of all.
_VALID, _TEST = range(2), range(2, 5)
_HASHED_BYTES = 200  # of a document
_MOST_BYTES = 400_000_000  # of an unpacked file


class Document(NamedTuple):
    """A document of the files.

    Args:
        digest: MD5 of its first 200 bytes, which decides its part and its place.
        file: where it is.
        line: number of its first line.
        lines: its paragraphs, or turns of a dialogue.
    """

    digest: bytes
    file: str
    line: int
    lines: list[str]

    @property
    def part(self) -> str:
        first = self.digest[0]
        return "valid" if first in _VALID else "test" if first in _TEST else "train"


@register_set(
    "english",
    "48 million words of five kinds, for language models (ZOO_DATA only)",
    files=f"{', '.join(FILES)}: paragraphs by line, an empty line after a document",
    content="texts",
    rank=14,
)
def load_english(folder: Path) -> Splits:
    """Encyclopedia, fiction, technical documentation, dialogue and medical answers.

    Documents stay whole and come in the order of their hashes, so that the kinds are
    mixed and the first part of the training texts is a fair sample of all. An empty
    text follows each document. `Examples.where` has the file of each text.

    Raises:
        DataError: for a file that is missing or damaged.
    """
    texts: dict[str, list[str]] = {part: [] for part in PARTS}
    where: dict[str, list[tuple[str, int]]] = {part: [] for part in PARTS}
    found = (read_documents(folder / file) for file in FILES)
    for document in sorted(found for file in found for found in file):
        lines = [*document.lines, ""]
        texts[document.part] += lines
        numbers = range(document.line, document.line + len(lines))
        where[document.part] += [(document.file, number) for number in numbers]
    parts = (Examples(texts[part], {}, where[part]) for part in PARTS)
    return Splits(*parts, settings={"lowercase": False, "vocab_size": 40_000})


def first_words(part: Examples, most: int) -> Examples:
    """Returns the first texts, which have at most so many words between spaces.

    Example:
        >>> first_words(Examples(["a b", "", "c d", "e"], {}), 4).texts
        ['a b', '', 'c d']
    """
    counts = accumulate(len(text.split()) for text in part.texts)
    return part.select(range(sum(1 for _ in takewhile(most.__ge__, counts))))


def by_kind(part: Examples) -> dict[str, list[str]]:
    """Returns the texts of each kind, which is the name of their file.

    Example:
        >>> by_kind(Examples(["a", "b"], {}, [("x/fiction.txt.xz", 1)] * 2))
        {'fiction': ['a', 'b']}
    """
    kinds: dict[str, list[str]] = {}
    for text, (file, _) in zip(part.texts, part.where, strict=True):
        kinds.setdefault(Path(file).name.partition(".")[0], []).append(text)
    return kinds


def read_documents(path: Path) -> Iterator[Document]:
    """Yields the documents of a file, which an empty line ends.

    Raises:
        DataError: for a file that is missing or damaged.
    """
    try:
        with lzma.open(path) as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:  # a small archive can hold any number of them
            raise ValueError(f"more than {_MOST_BYTES:,} bytes")
        text = content.decode("utf-8")
    except (OSError, EOFError, lzma.LZMAError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read. Accepted: UTF-8 text, compressed by xz. "
            f"Received: {type(error).__name__}: {error}."
        ) from None
    line = 1
    for block in text.split("\n\n"):
        whole = block.strip("\n")
        if whole:
            digest = hashlib.md5(whole.encode("utf-8")[:_HASHED_BYTES]).digest()
            yield Document(digest, str(path), line, whole.split("\n"))
        line += block.count("\n") + 2
