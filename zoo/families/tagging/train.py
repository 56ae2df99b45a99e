"""The steps of a tagging run: learns tags and vocabularies, builds, trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.data.parts import PARTS
from zoo.data.sentences import TaggedSentences, check_known
from zoo.data.tag_schemes import scheme_name, tags_of_types, types_of
from zoo.data.tagged_splits import TaggedSplits
from zoo.data.unknown import never_said
from zoo.families.building import build
from zoo.families.continuing import continue_from, starting
from zoo.families.pretrained import Start, start_of
from zoo.families.tagging.coverage import Coverage, coverage_of
from zoo.families.tagging.decoder import Decoder
from zoo.families.tagging.fitting import (
    evaluate_tagger,
    learn_tag_tasks,
    tag_sentences,
    train_tagger,
)
from zoo.families.tagging.imbalance import check_imbalance
from zoo.families.tagging.model import TaggingModel
from zoo.families.tagging.pipeline import Sentence, TaggingPipeline
from zoo.families.tagging.settings import TaggingSettings
from zoo.families.tagging.unknown import in_scheme_of_model, with_unknown
from zoo.families.text_model import describe_training
from zoo.tasks import TAGS, Task
from zoo.text.vocabulary import SPECIALS
from zoo.training.checkpoint import claim, fingerprint
from zoo.training.fit import seed_everything


@dataclass(frozen=True)
class Tagged:
    """A data set ready for training: its parts as read, and as ids.

    Args:
        tasks: learned from the training part.
        pipeline: likewise.
        data: the sentences of each part.
        sentences: their ids.
        start: the word vectors that suit the training words.
        coverage: which share of the words of each part is unknown.
    """

    tasks: dict[str, Task]
    pipeline: TaggingPipeline
    data: dict[str, TaggedSentences]
    sentences: dict[str, list[Sentence]]
    start: Start = Start()
    coverage: Mapping[str, Coverage] = field(default_factory=dict)

    def part(self, name: str) -> tuple[list[Sentence], TaggedSentences]:
        return self.sentences[name], self.data[name]


def evaluate(
    text_model: TaggingModel,
    data: TaggedSentences,
    schemes: Mapping[str, str],
    *,
    unknown: str = "error",
) -> dict[str, dict]:
    """Returns the scores of a trained tagger on sentences.

    Args:
        text_model: the tagger.
        data: sentences with tags and labels of all its tasks.
        schemes: by tagging task the scheme of the tags in `data`.
        unknown: how to treat tags and labels unknown to the model: `"error"`, or
            `"wrong"`, because it never predicts one.

    Returns:
        The result of `zoo.families.tagging.fitting.evaluate_tagger`.

    Raises:
        DataError: if a task is missing, or for a tag unknown to the model.
    """
    tasks = text_model.tasks
    data = in_scheme_of_model(data, tasks, schemes)
    sentences = text_model.pipeline.encode(data.tokens)
    if unknown == "error":
        check_known(data, {name: task.labels for name, task in tasks.items()})
    found: dict[str, Any] = tag_sentences(Decoder(text_model.model, tasks), sentences)
    if unknown == "wrong":
        tasks = with_unknown(tasks, data)
        logits = {n: np.array(found[n]) for n in tasks if tasks[n].kind != TAGS}
        found = {**found, **never_said(logits, tasks)}
    return evaluate_tagger(tasks, data, found)


def prepare(splits: TaggedSplits, settings: TaggingSettings) -> Tagged:
    """Learns the tags and vocabularies of the training part, and encodes all parts.

    Raises:
        DataError: with file and line, for a tag or label not in training.
    """
    data = splits.parts
    tasks = learn_tag_tasks(data["train"], splits.schemes)
    known = {name: task.labels for name, task in tasks.items()}
    for part in PARTS[1:]:
        check_known(data[part], known)
    for name, task in tasks.items():
        if task.scheme and settings.scheme:
            tasks[name] = _converted(task, settings.scheme)
            for part in PARTS:
                data[part] = data[part].convert(name, task.scheme, settings.scheme)
    words = data["train"].tokens
    counts = TaggingPipeline.count(words, lowercase=settings.lowercase)
    start = starting(settings, counts, TaggingModel)
    letters = start.earlier.model.pipeline.alphabet if start.earlier else ()
    pipeline = TaggingPipeline.learn(
        words,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        always=start.always,
        letters=letters[len(SPECIALS) :],
        tokenizer=settings.tokenizer,
        lowercase=settings.lowercase,
        max_letters=settings.max_letters,
    )
    sentences = {part: pipeline.encode(data[part].tokens) for part in PARTS}
    coverage = {part: coverage_of(found) for part, found in sentences.items()}
    return Tagged(tasks, pipeline, data, sentences, start, coverage)


def learned_tasks(splits: TaggedSplits, settings: TaggingSettings) -> dict[str, Task]:
    """Returns the tasks that a tagger of some settings has after training on a set."""
    tasks = learn_tag_tasks(splits.train, splits.schemes)
    scheme = settings.scheme
    return {
        name: _converted(task, scheme) if task.scheme and scheme else task
        for name, task in tasks.items()
    }


def _converted(task: Task, scheme: str) -> Task:
    """Returns the task in another scheme, also with tags that are not in training."""
    scheme = scheme_name(scheme)
    tags = tags_of_types(types_of(task.labels), scheme)
    return Task(TAGS, tuple(tags), scheme=scheme)


def train(
    name: str,
    tagged: Tagged,
    settings: TaggingSettings,
    keywords: Mapping,
    *,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> tuple[TaggingModel, list[dict]]:
    """Builds and trains a registered tagger; see `Family.train`."""
    seed_everything(settings.seed)
    pipeline = tagged.pipeline
    keywords = tagged.start.sized(name, keywords)
    start = start_of(tagged.start, settings, name, keywords)
    model = build(
        name,
        pipeline.vocabulary,
        tagged.tasks,
        {"character_count": pipeline.character_count, **keywords},
        vectors=settings.vectors,
        weights=start,
        seed=settings.seed,
    )
    check_imbalance(model, tagged.tasks, settings)
    owned = tagged.tasks, pipeline
    continue_from(tagged.start, model, *owned, keywords, verbose=verbose)
    metadata = describe_training(
        name, keywords, settings, weights=start, earlier=tagged.start.earlier
    )
    read = [vars(tagged.data[part]) for part in ("train", "valid")]
    claim(folder, {**metadata, "data": fingerprint([*read, tagged.tasks])})
    valid = tagged.part("valid") if tagged.sentences["valid"] else None
    history = train_tagger(
        model,
        tagged.tasks,
        tagged.part("train"),
        valid,
        settings,
        folder=folder,
        callbacks=callbacks,
        verbose=verbose,
    )
    return TaggingModel(model, pipeline, tagged.tasks, metadata), history


def results_of(text_model: TaggingModel, tagged: Tagged, history: list[dict]) -> dict:
    """Returns scores of the validation and test parts by task, and their costs."""
    decoder = Decoder(text_model.model, tagged.tasks)
    scores = {
        part: evaluate_tagger(
            tagged.tasks,
            tagged.data[part],
            tag_sentences(decoder, tagged.sentences[part]),
        )
        for part in ("valid", "test")
    }
    return {
        **scores,
        "parameters": text_model.model.count_params(),
        "epochs": len(history),
        "seconds": sum(logs["seconds"] for logs in history),
    }
