"""Texts to tokens without a vocabulary, and how often each token occurs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from zoo.text import normalize
from zoo.text.imports import tf
from zoo.text.inputs import each_text
from zoo.text.settings import TextSettings
from zoo.text.vocabulary import BYTE_VOCABULARY, SPECIALS

_CHUNK = 2048  # texts


def split(texts: tf.Tensor, settings: TextSettings) -> tf.RaggedTensor:
    """Returns the words of texts, or the names of their bytes.

    Args:
        texts: string tensor `[batch]`.
        settings: of a `TextPipeline`; its `max_length` is not applied.

    Returns:
        A ragged string tensor `[batch, (tokens)]`.
    """
    texts = cleaned(texts, settings)
    if settings.tokenizer == "bytes":
        return _byte_names(normalize.split_bytes(texts))
    if settings.tokenizer == "whitespace":
        return normalize.split_spaces(texts)
    return normalize.split_words(texts)


def cleaned(texts: tf.Tensor, settings: TextSettings) -> tf.Tensor:
    """Returns what a pipeline reads of texts, in normal form."""
    return normalize.clean(
        texts, max_bytes=settings.max_bytes, lowercase=settings.lowercase
    )


def _byte_names(values: tf.RaggedTensor) -> tf.RaggedTensor:
    names = tf.constant(BYTE_VOCABULARY[len(SPECIALS) :])
    return values.with_values(tf.gather(names, values.values))


def chunks(texts: Iterable[str | bytes]) -> Iterator[list[bytes]]:
    """Yields lists of some texts as UTF-8."""
    stream = each_text(texts)
    while chunk := list(islice(stream, _CHUNK)):
        yield [normalize.as_bytes(text) for text in chunk]


def count_tokens(texts: Iterable[str | bytes], settings: TextSettings) -> Counter:
    """Counts the results of `split`, as UTF-8."""
    counts: Counter = Counter()
    for chunk in chunks(texts):
        counts.update(split(normalize.as_tensor(chunk), settings).values.numpy())
    return counts
