"""The steps of an encoder's run: asks the teacher, learns a vocabulary, trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from zoo.data import Splits
from zoo.families.encoding.cache import Say, teacher_vectors
from zoo.families.encoding.fitting import batches_of, fit_encoder
from zoo.families.encoding.heads import Head
from zoo.families.encoding.labels import Labels, label_heads, labels_of
from zoo.families.encoding.model import EncodingModel
from zoo.families.encoding.settings import EncodingSettings
from zoo.families.encoding.starting import start_from_words, words_of
from zoo.families.encoding.teacher import Teacher
from zoo.families.encoding.token_vectors import TokenVectors, token_vectors
from zoo.families.encoding.word_heads import (
    NEIGHBOURS,
    VECTORS,
    neighbour_head,
    vector_head,
)
from zoo.families.text_model import describe_training
from zoo.models import _registry
from zoo.text import TextPipeline
from zoo.training.checkpoint import claim, fingerprint
from zoo.training.fit import seed_everything


@dataclass(frozen=True)
class Lessons:
    """The texts of a data set as ids, with the teacher's vectors.

    Args:
        splits: the data as they were read.
        pipeline: of the training texts.
        tokens: int ids `[tokens]` of each text, by part.
        vectors: the teacher's, float16 `[texts, width]`, by part.
        teacher: the teacher.
        words: the teacher's vectors of the vocabulary, or `None` for a random start.
        labels: of the training texts.
        token_vectors: the teacher's of the training texts, or `None`.
    """

    splits: Splits
    pipeline: TextPipeline
    tokens: dict[str, list[np.ndarray]]
    vectors: dict[str, np.ndarray]
    teacher: Teacher
    words: np.ndarray | None
    labels: Labels
    token_vectors: TokenVectors | None = None


def prepare(
    splits: Splits, settings: EncodingSettings, say: Say | None = None
) -> Lessons:
    """Asks the teacher about all parts, and learns the training part's vocabulary.

    Args:
        splits: the data.
        settings: the settings.
        say: is told how far the teacher has come.

    Raises:
        DataError: if a task of the labels has too few classes.
        ValueError: for a teacher without vectors of tokens, if they are asked for.
    """
    labels = labels_of(splits) if settings.label_weight else Labels()
    teacher = teacher_of(settings)
    texts = _texts(splits)
    reading: dict = {
        "tokenizer": settings.tokenizer,
        "max_length": settings.max_length,
        "lowercase": settings.lowercase,
    }
    pipeline = TextPipeline.of_counts(
        TextPipeline.count(texts["train"], **reading),
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        pieces=settings.subwords,
        **reading,
    )
    vectors = {name: ask(teacher, read, say) for name, read in texts.items()}
    words = None
    if settings.start and settings.tokenizer != "bytes":
        words = teacher_vectors(teacher, words_of(pipeline.vocabulary))
    tokens = {name: pipeline.encode(read) for name, read in texts.items()}
    of_tokens = None
    if settings.token_weight:
        of_tokens = token_vectors(teacher, pipeline, texts["train"], say=say)
    return Lessons(splits, pipeline, tokens, vectors, teacher, words, labels, of_tokens)


def _texts(splits: Splits) -> dict[str, list[str]]:
    texts = {name: list(part.texts) for name, part in splits.parts.items()}
    texts["train"] += splits.unlabeled
    return texts


def teacher_of(settings: EncodingSettings) -> Teacher:
    """Opens the teacher that the settings name."""
    return Teacher(
        settings.teacher,
        settings.teacher_tokenizer,
        max_length=settings.teacher_length,
    )


def ask(teacher: Teacher, texts: Sequence[str], say: Say | None = None) -> np.ndarray:
    """Returns the teacher's vectors of any number of texts, `[texts, width]`."""
    if not texts:
        return np.zeros((0, teacher.width), np.float16)
    return teacher_vectors(teacher, texts, say=say)


def train(
    name: str,
    lessons: Lessons,
    settings: EncodingSettings,
    keywords: Mapping,
    *,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> tuple[EncodingModel, list[dict]]:
    """Builds and trains a registered encoder; see `zoo.families.base.Family.train`.

    Raises:
        ValueError: for a `width` other than the teacher's.
    """
    width = lessons.teacher.width
    if keywords.get("width", width) != width:
        raise ValueError(
            "`width` must be that of the teacher's vectors. Accepted: "
            f"width={width}, or none. Received: width={keywords['width']}."
        )
    keywords = {**keywords, "width": width}
    seed_everything(settings.seed)
    model = _registry.get(name, lessons.pipeline.vocab_size, **keywords)
    if lessons.words is not None:
        start_from_words(model, lessons.words, _frequencies(lessons))
    metadata = {
        **describe_training(name, keywords, settings),
        "teacher": dict(zip(("model", "tokenizer"), lessons.teacher.digests)),
    }
    tokens, vectors = lessons.tokens, lessons.vectors
    batches = batches_of(
        tokens["train"],
        vectors["train"],
        lessons.labels,
        settings,
        lessons.token_vectors,
    )
    data = [tokens, vectors, lessons.pipeline.vocabulary, vars(lessons.labels)]
    # Another number of epochs gives another schedule, and so another run.
    steps = settings.epochs * len(batches)
    claim(folder, {**metadata, "data": fingerprint(data), "steps": steps})
    history = fit_encoder(
        model,
        batches,
        (tokens["valid"], vectors["valid"]),
        _heads(model, lessons, settings),
        settings,
        folder=folder,
        callbacks=callbacks,
        verbose=verbose,
    )
    return EncodingModel(model, lessons.pipeline, {}, metadata), history


def _heads(
    model: keras.Model, lessons: Lessons, settings: EncodingSettings
) -> dict[str, Head]:
    """What the settings ask for beside the sentence vector."""
    heads = label_heads(model, lessons.labels, settings.label_weight)
    if lessons.token_vectors is not None:
        size = lessons.token_vectors.values.shape[1]
        heads[VECTORS] = vector_head(model, size, settings.token_weight)
    if settings.neighbour_weight:
        size = lessons.pipeline.vocab_size
        heads[NEIGHBOURS] = neighbour_head(model, size, settings.neighbour_weight)
    return heads


def _frequencies(lessons: Lessons) -> np.ndarray:
    counts = np.bincount(
        np.concatenate(lessons.tokens["train"]), minlength=lessons.pipeline.vocab_size
    )
    return counts / counts.sum()
