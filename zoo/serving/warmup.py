"""The requests that a server replays before it accepts those of clients."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from zoo.serving import check
from zoo.serving.method_names import as_example
from zoo.serving.served import read_metadata, version_folder
from zoo.serving.warmup_records import (
    WARMUP_FILE,
    Request,
    read_warmup,
    write_warmup,
)
from zoo.text import as_bytes
from zoo.text.pairs import INPUTS, by_input, joined
from zoo.text.writing import replaced, write_text

LENGTHS = (8, 32, 128)
BATCH_SIZES = (1, 8, 64)
MOST_RECORDS = 1000  # a server rejects a file with more


def warmup_requests(
    signatures: Mapping[str, Mapping], batches: Sequence[list[bytes]]
) -> list[Request]:
    """Returns every batch for `serving_default`, the last one for other signatures.

    A server initialises each signature on its first request.

    Args:
        signatures: as `metadata.json` lists them.
        batches: texts of each request; of pairs, both texts as one.
    """
    requests: list[Request] = []
    pairs = takes_pairs(signatures)
    for signature, described in signatures.items():
        names = set(described["inputs"])
        if names not in ({"inputs"}, {INPUTS[0]}, {*INPUTS}):  # not of texts only
            continue
        for texts in batches if signature == "serving_default" else batches[-1:]:
            asked = by_input(texts, pairs)
            if names == {"inputs"}:
                rows = zip(*asked.values())
                asked = {"inputs": [as_example(*row) for row in rows]}
            requests.append((signature, asked))
    return requests


def takes_pairs(signatures: Mapping[str, Mapping]) -> bool:
    """Returns whether a model answers pairs of texts, as `metadata.json` lists it."""
    return INPUTS[1] in signatures["serving_default"]["inputs"]


def texts_of_lengths(texts: Iterable[bytes], lengths: Iterable[int]) -> list[bytes]:
    """Returns texts with these numbers of words, repeating the words of `texts`.

    Example:
        >>> texts_of_lengths([b"so good"], [1, 3])
        [b'so', b'so good so']
    """
    words = b" ".join(texts).split() or [b"text"]
    return [
        b" ".join(itertools.islice(itertools.cycle(words), length))
        for length in lengths
    ]


def warmup_texts(folder: Path) -> list[bytes]:
    """Returns the texts of the warmup requests of a version."""
    return [
        text
        for _, inputs in read_warmup(str(folder / "assets.extra" / WARMUP_FILE))
        for name in INPUTS
        for text in inputs.get(name, ())
    ]


def rewrite_warmup(
    folder: str | Path,
    *,
    texts: Iterable[str | bytes] | None = None,
    lengths: Sequence[int] = LENGTHS,
    batch_sizes: Sequence[int] = BATCH_SIZES,
) -> int:
    """Replaces the warmup requests of a published version.

    Args:
        folder: folder of a model, for its newest version, or of a version.
        texts: texts of the kind that the model will see; else those of the present
            requests. For a model of pairs, each text of a request is made of them.
        lengths: numbers of words per text.
        batch_sizes: numbers of texts per request.

    Returns:
        The number of requests.

    Raises:
        ValueError: if there is no complete export, a length or size is below 1, or
            there would be more requests than a server accepts.
    """
    for name, values in (("lengths", lengths), ("batch_sizes", batch_sizes)):
        if not values or min(values) < 1:
            raise ValueError(
                f"`{name}` must be whole numbers from 1. Received: {list(values)}."
            )
    folder = version_folder(Path(folder), None)
    metadata = read_metadata(folder)
    path = folder / "assets.extra" / WARMUP_FILE
    if texts is None:
        texts = warmup_texts(folder)
    chosen = texts_of_lengths([as_bytes(text) for text in texts], lengths)
    if takes_pairs(metadata["signatures"]):
        chosen = [as_bytes(joined(text, text)) for text in chosen]
    batches = [[text] * size for size in batch_sizes for text in chosen]
    requests = warmup_requests(metadata["signatures"], batches)
    if len(requests) > MOST_RECORDS:
        raise ValueError(
            f"`lengths` and `batch_sizes` must make at most {MOST_RECORDS} requests. "
            f"Received: {len(requests)}."
        )
    with replaced(path) as partial:
        count = write_warmup(str(partial), requests, model=folder.parent.name)
    metadata["sha256"] = check.file_hashes(folder)
    text = json.dumps(metadata, ensure_ascii=False, indent=1) + "\n"
    write_text(folder / "metadata.json", text)
    return count
