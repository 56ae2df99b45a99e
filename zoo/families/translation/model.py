"""A trained translation model in one folder: translates strings."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import ClassVar

import numpy as np

from zoo.families.inside import Given, attention_of, named
from zoo.families.text_model import BaseTextModel
from zoo.families.translation.pipeline import TranslationPipeline
from zoo.families.translation.search import (
    NOTHING,
    Translator,
    check_sizes,
    search_options,
)
from zoo.reporting.inside import Attention
from zoo.text import as_bytes
from zoo.text.imports import tf
from zoo.text.inputs import as_texts, real, whole
from zoo.text.vocabulary import BEGIN, END, SPECIALS


@dataclass
class TranslationModel(BaseTextModel):
    """A trained translation model, as `zoo.load` returns it.

    Args:
        model: a translation model of the zoo.
        pipeline: texts to ids and back.
        tasks: empty.
        metadata: further JSON values; `settings` hold `beam` and `length_penalty` of
            the search.

    Raises:
        ValueError: if the vocabularies do not have the model's sizes.
    """

    pipeline: TranslationPipeline

    family: ClassVar[str] = "translation"
    pipeline_class: ClassVar[type] = TranslationPipeline

    def __post_init__(self) -> None:
        check_sizes(self.model, self.pipeline)

    @property
    def search(self) -> dict:
        """The default `beam` and `length_penalty`."""
        return search_options(self.metadata)

    @cached_property
    def translator(self) -> Translator:
        """The functions of the search, whose tables live as long as the model."""
        return Translator(self.model, self.pipeline, **self.search)

    def translate(
        self, texts: Iterable[str | bytes], *, batch_size: int = 64, **options
    ) -> list[str]:
        """Returns the best translation of each text.

        Args:
            texts: any iterable of strings, of any length.
            batch_size: texts run at once, grouped by length.
            options: those of `n_best`, except `count`.
        """
        found = self.n_best(texts, 1, batch_size=batch_size, **options)
        return [answers[0]["translation"] for answers in found]

    def n_best(
        self,
        texts: Iterable[str | bytes],
        count: int,
        *,
        beam: int | None = None,
        length_penalty: float | None = None,
        coverage_penalty: float = 0.0,
        max_tokens: int = 0,
        batch_size: int = 64,
    ) -> list[list[dict]]:
        """Returns the best translations of each text.

        Args:
            texts: any iterable of strings.
            count: maximum number of translations of each text, at most `beam`.
            beam: hypotheses kept at each step; by default that of the settings.
            length_penalty: see `zoo.decoding.beam_search`.
            coverage_penalty: see `zoo.decoding.beam_search`.
            max_tokens: maximum number of pieces of a translation; 0 for twice those of
                its source plus ten.
            batch_size: texts run at once.

        Returns:
            For each text, the best first, dicts of `translation`, `score` (with the
            penalties) and `log_probability` in nats.

        Raises:
            ValueError: for one text instead of several, or a number out of its range.

        Warns:
            UserWarning: if a text is longer than the pipeline reads.
        """
        texts, batch_size = as_texts(texts), whole("batch_size", batch_size, 1)
        beam = self.search["beam"] if beam is None else beam
        if length_penalty is None:
            length_penalty = self.search["length_penalty"]
        count = whole("count", count, 1)
        numbers = (
            tf.constant(whole("beam", beam, count)),
            tf.constant(count),
            tf.constant(real("length_penalty", length_penalty, 0)),
            tf.constant(real("coverage_penalty", coverage_penalty, 0)),
            tf.constant(whole("max_tokens", max_tokens, 0)),
        )
        with self._lock:  # shared by all threads
            translate = self.translator.endpoints["translate"]
        answers: list[list[dict]] = [[] for _ in texts]
        for rows, chunk in _chunks(texts, batch_size):
            found = translate(chunk, *numbers)
            arrays = {name: value.numpy() for name, value in found.items()}
            if arrays["cut"].any():
                _warn(rows[arrays["cut"]], self.pipeline.max_source)
            for place, row in enumerate(rows):
                answers[row] = [
                    {
                        "translation": text.decode("utf-8"),
                        "score": float(arrays["score"][place, best]),
                        "log_probability": float(
                            arrays["log_probability"][place, best]
                        ),
                    }
                    for best, text in enumerate(arrays["translation"][place])
                    if arrays["score"][place, best] > NOTHING
                ]
        return answers

    def predict(self, texts: Iterable[str | bytes], batch_size: int = 64) -> list[dict]:
        """Returns for each text its `translation` and the `score`."""
        return [
            {"translation": best["translation"], "score": best["score"]}
            for best, *_ in self.n_best(texts, 1, batch_size=batch_size)
        ]

    def attention(self, texts: Iterable[str | bytes]) -> list[Attention]:
        """Returns how much each word of a translation looks at each source word.

        The weights are those of the model when it reads the translation that `predict`
        gives, piece by piece: the sum over the pieces of a source word, and the mean
        over those of a word of the translation. Words beyond those that the pipeline
        reads are left out.

        Args:
            texts: any iterable of strings.

        Returns:
            For each text a `zoo.reporting.inside.Attention`; `target` are the words of
            its translation. Both sides end with `[END]`, a translation only if the
            search ended it. A text without words has neither rows nor columns.

        Raises:
            ValueError: for one text instead of several.
        """
        return [self._by_word(one) for one in self._attention_of_pieces(texts)]

    def _attention_of_pieces(self, texts: Iterable[str | bytes]) -> list[Attention]:
        with self._lock:
            return attention_of(self._inside, self._read(texts), self._given)

    def _by_word(self, pieces: Attention) -> Attention:
        source, columns = self.pipeline.source.words(pieces.source)
        target, rows = self.pipeline.target.words(pieces.target)
        if not source or not target:
            return pieces
        weights = np.add.reduceat(pieces.weights, _firsts(columns), axis=1)
        weights = np.add.reduceat(weights, _firsts(rows), axis=0)
        mean = weights / np.array(rows, "float32")[:, None]
        return Attention(tuple(source), tuple(target), mean)

    @cached_property
    def _best(self) -> Callable:
        """From source ids, ragged `[batch, (time)]`, to the search's best targets."""
        translator = self.translator
        return tf.function(
            lambda ids: translator.search(ids, n_best=1, **translator.defaults),
            input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)],
            autograph=False,
        )

    def _given(self, texts: list) -> Given:
        pieces = self.pipeline.source.tokenize(texts)
        count = pieces.row_lengths().numpy()
        pieces = pieces[:, : self.pipeline.max_source]
        ids = self.pipeline.ragged_ids(pieces)
        found = self._best(ids)
        written, lengths = found.ids.numpy()[:, 0], found.lengths.numpy()[:, 0]
        entries = self.pipeline.target.vocabulary
        # The text before each token that is written begins with the begin token.
        read = np.roll(written, 1, axis=1)
        read[:, 0] = BEGIN
        read *= np.arange(read.shape[1]) < lengths[:, None]

        def shown(rows) -> list[list[str]]:
            sizes = np.where(count > 0, lengths, 0)  # no text, no translation
            return [[entries[i] for i in row[:n]] for row, n in zip(rows, sizes)]

        sources = [[*row, SPECIALS[END]] if row else [] for row in named(pieces)]
        return Given(
            {"source": self.pipeline.pad(ids).numpy(), "target": read},
            {"source": sources, "target": shown(read)},
            shown(written),
        )

    def logits(self, texts, batch_size=64):
        raise TypeError(
            "A translation model has no tasks; use `translate`, `n_best` or `model`."
        )


def _firsts(sizes: list[int]) -> list[int]:
    """Returns the place of the first piece of each word."""
    return [0, *accumulate(sizes[:-1])]


def _chunks(texts: list, size: int) -> Iterator[tuple[np.ndarray, tf.Tensor]]:
    """Yields rows of texts of similar lengths, and the texts as a tensor."""
    raw = [as_bytes(text) for text in texts]
    order = np.argsort([len(text) for text in raw], kind="stable")
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield rows, tf.constant([raw[row] for row in rows], tf.string)


def _warn(rows, most: int) -> None:
    shown = ", ".join(map(str, sorted(rows)[:5]))
    warnings.warn(
        f"{len(rows)} text(s) have more than max_source={most} pieces; their ends were "
        f"not translated. First text numbers: {shown}.",
        stacklevel=3,
    )
