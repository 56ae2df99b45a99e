"""The steps of a training run: prepare, train, evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras
import numpy as np

from zoo.data import Examples, Splits, encode_labels, learn_tasks
from zoo.data.parts import PARTS
from zoo.data.soft import encode_soft
from zoo.families.building import build
from zoo.families.classification.coverage import Coverage, coverage_of
from zoo.families.classification.encoded import Encoded
from zoo.families.classification.fitting import (
    fit_linear_part,
    linear_vectors,
    sized_ngrams,
)
from zoo.families.classification.imbalance import training_losses
from zoo.families.classification.model import TextModel
from zoo.families.classification.ngram_weights import adapt_ngrams
from zoo.families.classification.pretraining import pretrain
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.classification.soft import learned_labels, soft_metrics
from zoo.families.classification.stacking import stackers
from zoo.families.classification.streaming import (
    count_words,
    sharded_batches,
    write_shards,
)
from zoo.families.continuing import continue_from, starting, text_pipeline
from zoo.families.pretrained import Start, start_of
from zoo.families.text_model import describe_training
from zoo.models.classifiers import WINDOW
from zoo.models.pairs import of_pairs
from zoo.tasks import Task
from zoo.text import TextPipeline
from zoo.training.batching import EpochBatches, TokenBatches, choose_buckets
from zoo.training.checkpoint import claim, fingerprint
from zoo.training.fit import (
    compile_model,
    fit,
    seed_everything,
    span_momentum,
)
from zoo.training.imbalance import NONE


@dataclass(frozen=True)
class Prepared:
    """A data set ready for training.

    Args:
        splits: the texts and labels.
        tasks: learned from the training part.
        pipeline: its vocabulary comes from the training part and the unlabelled texts;
            it knows whether the texts are pairs.
        parts: the arrays of `train`, `valid` and `test`.
        unlabeled: ids of the unlabelled texts.
        buckets: padded lengths that hold every text.
        start: the word vectors that suit the training texts.
        coverage: how much of each part is read.
        fitted: the layers of linear parts that were fitted to these data; see
            `zoo.families.classification.fitting`.
    """

    splits: Splits
    tasks: dict[str, Task]
    pipeline: TextPipeline
    parts: dict[str, Encoded]
    unlabeled: list[np.ndarray]
    buckets: list[int]
    start: Start = Start()
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
    fitted: dict = field(default_factory=dict, repr=False, compare=False)

    def batches(
        self, part: str, settings: ClassificationSettings, *, shuffle: bool = False
    ) -> TokenBatches:
        """Returns batches of a part; those for training have weights of the classes."""
        encoded = self.parts[part]
        if not shuffle:
            return encoded.batches(settings, self.buckets)
        steps = -(-len(encoded.tokens) // settings.batch_size)
        repeats = -(-settings.least_steps // steps)
        return encoded.training_batches(
            self.tasks, settings, self.buckets, repeats=repeats
        )

    def only(self, task: str) -> Prepared:
        """Returns the rows with a label or a distribution of one task, and only it."""
        chosen, parts = [], {}
        for name, part in self.splits.parts.items():
            both = zip(part.labels.get(task, []), part.soft.get(task, []))
            rows = [row for row, said in enumerate(both) if said != (None, None)]
            there = [task] if task in part.labels else []
            chosen.append(part.with_tasks(there).select(rows))
            parts[name] = self.parts[name].only(task, rows)
        tasks = {task: self.tasks[task]}
        return replace(
            self, splits=Splits(*chosen), tasks=tasks, parts=parts, fitted={}
        )


def prepare(splits: Splits, settings: ClassificationSettings) -> Prepared:
    """Learns the tasks and the vocabulary, and turns texts and labels into arrays.

    Raises:
        DataError: if a task has too few classes, or a label of `valid` or `test`, or of
            a distribution, is unknown to training.
    """
    tasks = learn_tasks(splits.train)
    unknown = sorted(set(settings.class_weights) - set(tasks))
    if unknown:
        raise ValueError(
            f"`class_weights` must name tasks. Accepted: {', '.join(tasks)}. "
            f"Received: {', '.join(unknown)}."
        )
    labels = {name: encode_labels(part, tasks) for name, part in splits.parts.items()}
    unlabeled = splits.unlabeled if settings.pretrain_epochs else []
    reading: dict = {
        "tokenizer": settings.tokenizer,
        "max_length": settings.max_length,
        "lowercase": settings.lowercase,
    }
    if splits.stream is None:
        counts = TextPipeline.count([*splits.train.each_text, *unlabeled], **reading)
    else:
        counts = count_words(splits.stream, reading)
    start = starting(settings, counts, TextModel)
    pipeline = text_pipeline(
        counts,
        start,
        {**reading, "pairs": splits.train.pairs},
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        pieces=settings.subwords,
    )
    parts = {
        part: Encoded(pipeline.encode(getattr(splits, part).texts), *labels[part])
        for part in PARTS
    }
    parts["train"] = _with_soft(parts["train"], splits.train, tasks)
    coverage = {
        part: coverage_of(pipeline, getattr(splits, part).texts, encoded.tokens)
        for part, encoded in parts.items()
    }
    everything = [ids for part in parts.values() for ids in part.tokens]
    return Prepared(
        splits=splits,
        tasks=tasks,
        pipeline=pipeline,
        parts=parts,
        unlabeled=pipeline.encode(unlabeled),
        buckets=choose_buckets(everything, settings.buckets, window=WINDOW),
        start=start,
        coverage=coverage,
    )


def _with_soft(encoded: Encoded, train: Examples, tasks) -> Encoded:
    """The training part with its distributions and the weights of its rows."""
    rows = np.array(train.weights, np.float32)
    weights = {name: weight * rows for name, weight in encoded.weights.items()}
    soft = encode_soft(train, tasks)
    return replace(encoded, weights=weights, soft=soft, rows=rows)


def train(
    name: str,
    prepared: Prepared,
    settings: ClassificationSettings,
    keywords: Mapping | None = None,
    *,
    folder: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> tuple[TextModel, list[dict]]:
    """Builds a registered model and trains it on all its tasks at once.

    Args:
        name: of the model.
        prepared: the data.
        settings: how to train.
        keywords: arguments of the model's builder.
        folder: for checkpoints; a run of the same model, data and settings that was
            killed there continues.
        callbacks: further Keras callbacks.
        verbose: shows progress.

    Returns:
        The model with the weights of its best epoch, and one dict of logs an epoch.
    """
    seed_everything(settings.seed)
    keywords = prepared.start.sized(name, keywords or {})
    start = start_of(prepared.start, settings, name, keywords)
    model = build(
        name,
        prepared.pipeline.vocabulary,
        prepared.tasks,
        {**sized_ngrams(name, prepared, keywords), **keywords},
        vectors=settings.vectors,
        weights=start,
        continued=prepared.start.earlier is not None,
        seed=settings.seed,
        verbose=verbose,
    )
    if prepared.pipeline.pairs:
        model = of_pairs(model, prepared.tasks)
    owned = prepared.tasks, prepared.pipeline
    continue_from(prepared.start, model, *owned, keywords, verbose=verbose)
    linear = linear_vectors(settings.weights, start)
    metadata = describe_training(
        name, keywords, settings, weights=start, earlier=prepared.start.earlier
    )
    if linear != start:
        metadata["linear_weights"] = linear
    data = prepared.parts["train"]
    targets, weights = learned_labels(prepared.tasks, data)
    adapt_ngrams(model, data.tokens, targets, weights, prepared.tasks)
    fit_linear_part(model, prepared, settings, linear)
    folder = Path(folder) if folder else None
    batches, streamed = _training_batches(prepared, settings, folder)
    trained = compile_model(
        model,
        prepared.tasks,
        optimizer=settings.optimizer,
        learning_rate=settings.learning_rate,
        average=span_momentum(settings.average, len(batches)),
        loss_weights=settings.loss_weights,
        losses=training_losses(prepared.tasks, data, settings),
        metrics=soft_metrics(prepared.tasks, data),
        jit_compile=settings.jit_compile,
    )
    if folder is not None:  # nothing was written as long as the input could be wrong
        read: list = [vars(prepared.parts["train"]), vars(prepared.parts["valid"])]
        read += [prepared.unlabeled, prepared.tasks, prepared.pipeline.vocabulary]
        data_read = fingerprint([*read, keywords, *streamed])
        claim(folder, {**metadata, "data": data_read})
    if settings.pretrain_epochs:
        _pretrain(model, prepared, settings, folder, verbose=verbose)
    valid = prepared.batches("valid", settings) if len(prepared.splits.valid) else None
    history = fit(
        trained,
        batches,
        valid,
        prepared.tasks,
        epochs=settings.epochs,
        patience=settings.patience,
        folder=folder,
        before_scores=stackers(model, prepared.tasks, valid),
        callbacks=callbacks,
        loss_weights=settings.loss_weights,
        macro=settings.imbalance != NONE,
        verbose=verbose,
    )
    return TextModel(model, prepared.pipeline, prepared.tasks, metadata), history


def _training_batches(
    prepared: Prepared, settings: ClassificationSettings, folder: Path | None
) -> tuple[EpochBatches, list[str]]:
    """Returns the training batches, and what tells streamed rows from others."""
    stream = prepared.splits.stream
    if stream is None:
        return prepared.batches("train", settings, shuffle=True), []
    if folder is None:
        raise ValueError(
            "`folder` must be given for training rows that stay in their files. "
            "Accepted: a folder for their shards. Received: None."
        )
    shards = write_shards(stream, prepared, settings, folder / "shards")
    batches = sharded_batches(shards, prepared.tasks, settings, prepared.buckets)
    return batches, [shards.fingerprint]


def _pretrain(
    model,
    prepared: Prepared,
    settings: ClassificationSettings,
    folder: Path | None,
    *,
    verbose: bool,
) -> None:
    """Initialises by a language model, and saves each epoch in the run's folder."""
    pretrain(
        model,
        [*prepared.unlabeled, *prepared.parts["train"].tokens],
        epochs=settings.pretrain_epochs,
        seed=settings.seed,
        folder=folder / "pretraining" if folder else None,
        jit_compile=settings.jit_compile,
        verbose=verbose,
    )
