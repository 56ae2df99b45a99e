"""The steps of a language model's run: learns a vocabulary, builds, trains, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from zoo.data import Splits
from zoo.families.building import build
from zoo.families.continuing import continue_from, starting, text_pipeline
from zoo.families.language.fitting import train_streams
from zoo.families.language.model import LanguageModel
from zoo.families.language.settings import LanguageSettings
from zoo.families.language.stream import token_stream
from zoo.families.pretrained import Start, start_of
from zoo.families.text_model import describe_training
from zoo.text import TextPipeline
from zoo.training.checkpoint import fingerprint
from zoo.training.fit import seed_everything

_LONGEST = 1_000_000  # tokens read of a text, more than any has


@dataclass(frozen=True)
class Corpus:
    """The streams of a data set, int ids `[tokens]` by part, and their pipeline."""

    pipeline: TextPipeline
    streams: dict[str, np.ndarray]
    start: Start = Start()


def prepare(splits: Splits, settings: LanguageSettings) -> Corpus:
    """Learns the vocabulary of the training part and encodes all parts."""
    texts = {name: part.texts for name, part in splits.parts.items()}
    texts["train"] = [*texts["train"], *splits.unlabeled]
    reading: dict = {
        "tokenizer": settings.tokenizer,
        "max_length": _LONGEST,
        "lowercase": settings.lowercase,
    }
    counts = TextPipeline.count(texts["train"], **reading)
    start = starting(settings, counts, LanguageModel)
    # Word vectors leave the vocabulary as it is, so that perplexities can be compared.
    known = start if start.earlier is not None else Start()
    pipeline = text_pipeline(
        counts,
        known,
        reading,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
    )
    streams = {part: token_stream(pipeline, read) for part, read in texts.items()}
    return Corpus(pipeline, streams, start)


def train(
    name: str,
    corpus: Corpus,
    settings: LanguageSettings,
    keywords: Mapping,
    *,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> tuple[LanguageModel, list[dict]]:
    """Builds and trains a registered language model; see
    `zoo.families.base.Family.train`."""
    keywords = corpus.start.sized(name, keywords)
    start = start_of(corpus.start, settings, name, keywords)
    metadata = describe_training(
        name, keywords, settings, weights=start, earlier=corpus.start.earlier
    )
    read = [
        corpus.streams["train"],
        corpus.streams["valid"],
        corpus.pipeline.vocabulary,
    ]
    seed_everything(settings.seed)
    words = corpus.pipeline.vocabulary
    model = build(name, words, None, keywords, weights=start, seed=settings.seed)
    continue_from(corpus.start, model, {}, corpus.pipeline, keywords, verbose=verbose)
    history = train_streams(
        model,
        corpus.streams,
        settings,
        identity={**metadata, "data": fingerprint(read)},
        folder=folder,
        callbacks=callbacks,
        verbose=verbose,
    )
    return LanguageModel(model, corpus.pipeline, {}, metadata), history
