"""The teacher's vector of every token of the texts, along few directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.families.encoding.alignment import means_of_pieces, placed
from zoo.families.encoding.cache import CHUNK, Say, kept, place_of, tell
from zoo.families.encoding.teacher import Teacher
from zoo.text import TextPipeline

SIZE = 64  # directions that are kept
_SAMPLE = 1000  # texts from which they are taken


@dataclass(frozen=True)
class TokenVectors:
    """A vector for each token of some texts, one text after the other.

    Args:
        values: float16 `[tokens of all texts, size]`; zeros where the teacher has none.
        ends: int `[texts + 1]`; text `i` has the rows from `ends[i]` to `ends[i + 1]`.
    """

    values: np.ndarray
    ends: np.ndarray

    def padded(self, rows: Sequence[int], length: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the vectors of some texts, and which tokens have one.

        Args:
            rows: numbers of the texts.
            length: tokens of the longest one, or more.

        Returns:
            float32 `[rows, length, size]` and float32 `[rows, length]`, 1 or 0.
        """
        found = np.zeros((len(rows), length, self.values.shape[1]), "float32")
        for place, row in enumerate(rows):
            start, end = self.ends[row], self.ends[row + 1]
            found[place, : end - start] = self.values[start:end]
        return found, found.any(axis=-1).astype("float32")


def token_vectors(
    teacher: Teacher,
    pipeline: TextPipeline,
    texts: Sequence[str],
    *,
    size: int = SIZE,
    folder: str | Path | None = None,
    say: Say | None = None,
    chunk: int = CHUNK,
) -> TokenVectors:
    """Returns the teacher's vectors of the tokens of some texts, cached as texts are.

    The teacher reads the tokens as words between spaces. A token's vector is the mean
    of those of the teacher's pieces that share a character with it, less the mean over
    tokens, along the principal directions of the first 1,000 texts; the root mean
    square length is 1.

    Args:
        teacher: the teacher.
        pipeline: the text pipeline that makes the tokens.
        texts: at least one.
        size: maximum number of directions.
        folder: of the cache; by default `teachers` in `ZOO_CACHE`.
        say: receives a line after each chunk, when there are several.
        chunk: texts of a chunk.

    Raises:
        ValueError: for tokens that are bytes, or a teacher without vectors of tokens.
        OSError: if the folder cannot be written.
    """
    if pipeline.tokenizer == "bytes":
        raise ValueError(
            "`token_weight` needs a tokenizer that makes words. Accepted: unicode, "
            "whitespace or wordpiece, or token_weight=0. Received: tokenizer='bytes'."
        )
    spelled = list(_spelled(pipeline, texts, chunk))
    lengths = [row.count(" ") + 1 for row in spelled]
    ends = np.concatenate([[0], np.cumsum(lengths)])
    size = min(size, teacher.width)
    identity = [*teacher.digests, teacher.max_length, chunk, size, spelled]
    place, starts = place_of(identity, folder), range(0, len(texts), chunk)

    def directions(_: int) -> np.ndarray:
        means, known = _means(teacher, spelled[:_SAMPLE], lambda means: means)
        return _principal(means[known], size).astype(np.float16)

    chosen = kept(place / "directions", [size + 1], teacher.width, directions)
    centre, axes = np.asarray(chosen[0], np.float32), np.asarray(chosen[1:], np.float32)

    def read(number: int) -> np.ndarray:
        start = starts[number]
        found, known = _means(
            teacher, spelled[start : start + chunk], lambda m: (m - centre) @ axes.T
        )
        return (found * known[:, None]).astype(np.float16)

    values = kept(
        place,
        [sum(lengths[start : start + chunk]) for start in starts],
        size,
        read,
        lambda n: tell(say, "texts by word", starts[n] + chunk, len(texts), chunk),
    )
    return TokenVectors(values, ends)


def _spelled(pipeline, texts: Sequence[str], chunk: int) -> Iterator[str]:
    """Yields the tokens of each text, separated by spaces."""
    for start in range(0, len(texts), chunk):
        for row in pipeline.tokenize(texts[start : start + chunk]).to_list():
            yield b" ".join(row).decode("utf-8", "replace")


def _means(
    teacher: Teacher, spelled: Sequence[str], reduce: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The reduced vectors of the tokens of some texts, and which tokens have one."""
    texts, places = zip(*map(placed, spelled), strict=True)
    means: list = [None] * len(texts)
    for row, pieces, states in teacher.states(texts):
        found, known = means_of_pieces(places[row], pieces, states)
        means[row] = reduce(found), known
    values, all_known = zip(*means, strict=True)
    return np.concatenate(values), np.concatenate(all_known)


def _principal(vectors: np.ndarray, size: int) -> np.ndarray:
    """The mean, and the first directions over the size of a vector along them."""
    centre = vectors.mean(axis=0)
    _, found = np.linalg.eigh(np.cov(vectors - centre, rowvar=False, bias=True))
    axes = found[:, ::-1][:, :size].T
    along = np.square((vectors - centre) @ axes.T).sum(axis=1).mean()
    return np.stack([centre, *(axes / max(np.sqrt(along), 1e-6))])
