"""Texts as one stream of tokens, and its windows for training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.text.vocabulary import END

if TYPE_CHECKING:
    from zoo.text import TextPipeline


def token_stream(pipeline: TextPipeline, texts: Iterable[str]) -> np.ndarray:
    """Concatenates the tokens of all texts, each followed by the end token.

    One more end token comes first, so that the first token has one before it and is
    predicted as well. A text without tokens is only its end token, like an empty line
    of a corpus.

    Args:
        pipeline: its `max_length` must exceed the lengths of the texts.
        texts: any iterable of texts.

    Returns:
        int32 ids `[tokens]`.

    Example:
        >>> from zoo.text import TextPipeline
        >>> pipeline = TextPipeline(tokenizer="bytes")
        >>> token_stream(pipeline, ["a", "", "b"]).tolist()
        [3, 101, 3, 3, 102, 3]
    """
    texts = list(texts)
    parts = [np.array([END], "int32")]
    for text, ids in zip(texts, pipeline.encode(texts), strict=True):
        if text.strip():
            parts.append(ids)
        parts.append(np.array([END], "int32"))
    return np.concatenate(parts)


def streams(tokens: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Cuts one stream into several that are read in parallel.

    Args:
        tokens: int ids `[tokens]`.
        count: their number; fewer if there are not as many tokens to predict.

    Returns:
        Inputs and the tokens that follow them, int32 `[count, steps]`. A remainder of
        fewer than `count` tokens is dropped.

    Raises:
        ValueError: for fewer than two tokens.
    """
    if len(tokens) < 2:
        raise ValueError(
            "`tokens` must hold at least two tokens, one to read and one to predict. "
            f"Received: {len(tokens)}."
        )
    count = min(count, len(tokens) - 1)
    steps = (len(tokens) - 1) // count
    inputs, following = (
        tokens[shift : shift + count * steps].reshape(count, steps) for shift in (0, 1)
    )
    return inputs, following


class Windows(keras.utils.PyDataset):
    """The windows of parallel streams, in order, for `fit`.

    Args:
        tokens: int ids `[tokens]`.
        batch_size: number of parallel streams.
        window: steps of each window; a shorter stream is one window. A shorter
            remainder is dropped, because it would need a graph of its own.
    """

    def __init__(self, tokens: np.ndarray, *, batch_size: int, window: int) -> None:
        super().__init__()
        self.inputs, self.targets = streams(tokens, batch_size)
        self.rows, steps = self.inputs.shape
        self.window = min(window, steps)

    def __len__(self) -> int:
        return self.inputs.shape[1] // self.window

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray]]:
        now = slice(index * self.window, (index + 1) * self.window)
        return ({"tokens": self.inputs[:, now], "targets": self.targets[:, now]},)
