"""The steps of a translation run: learns vocabularies, builds, trains, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from zoo.data.pairs import Pairs, PairSplits
from zoo.families.building import build
from zoo.families.pretrained import Start, choose_start, start_of
from zoo.families.text_model import describe_training
from zoo.families.translation.fitting import perplexity, scorer, train_translator
from zoo.families.translation.metrics import bleu, copies, translation_memory
from zoo.families.translation.model import TranslationModel
from zoo.families.translation.pipeline import EncodedPairs, TranslationPipeline
from zoo.families.translation.settings import TranslationSettings
from zoo.families.translation.tokenizer import Tokenizer
from zoo.models.starting import set_target
from zoo.training.checkpoint import claim, fingerprint
from zoo.training.fit import seed_everything
from zoo.weights import AUTO, NONE, read_vectors

_LONGEST = 1_000_000  # pieces read of a pair to score, more than any has


@dataclass(frozen=True)
class Corpus:
    """A data set ready for training: its pairs as read, and as ids.

    Args:
        splits: the pairs.
        pipeline: learned from the training part.
        encoded: ids of each part.
        start: the word vectors that suit the sources.
        target_start: those that suit the targets, if the sources have any.
    """

    splits: PairSplits
    pipeline: TranslationPipeline
    encoded: dict[str, EncodedPairs]
    start: Start = Start()
    target_start: Start = Start()

    def part(self, name: str) -> Pairs:
        return getattr(self.splits, name)


def prepare(splits: PairSplits, settings: TranslationSettings) -> Corpus:
    """Learns the vocabularies of the training part and encodes all parts."""
    reading: dict = {"tokenizer": settings.tokenizer, "lowercase": settings.lowercase}

    def start_for(texts: Sequence[str], weights: str) -> Start:
        if weights == NONE:
            return Start()
        counts = Tokenizer.count(texts, **reading)
        return choose_start(weights, counts, tokenizer=settings.tokenizer)

    start = start_for(splits.train.sources, settings.weights)
    suits = NONE if start.name == NONE else AUTO
    target_start = start_for(splits.train.targets, suits)
    pipeline = TranslationPipeline.learn(
        splits.train,
        shared=settings.shared_vocabulary,
        max_source=settings.max_source,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        always=start.always,
        **reading,
    )
    encoded = {
        name: pipeline.encode(
            part, max_length=settings.max_length if name == "train" else _LONGEST
        )
        for name, part in splits.parts.items()
    }
    return Corpus(splits, pipeline, encoded, start, target_start)


def train(
    name: str,
    corpus: Corpus,
    settings: TranslationSettings,
    keywords: Mapping,
    *,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> tuple[TranslationModel, list[dict]]:
    """Builds and trains a registered translation model; see
    `zoo.families.base.Family.train`."""
    seed_everything(settings.seed)
    start = start_of(corpus.start, settings, name, keywords)
    pipeline = corpus.pipeline
    model = build(
        name,
        pipeline.source.vocabulary,
        pipeline.sizes[1],
        keywords,
        weights=start,
        seed=settings.seed,
    )
    if NONE not in (start, corpus.target_start.name):
        words = pipeline.target.vocabulary
        set_target(model, read_vectors(start, words, seed=settings.seed)[0])
    metadata = describe_training(name, keywords, settings, weights=start)
    read = [corpus.encoded[part]._asdict() for part in ("train", "valid")]
    claim(folder, {**metadata, "data": fingerprint(read)})
    valid = corpus.encoded["valid"]
    history = train_translator(
        model,
        corpus.encoded["train"],
        valid if valid.sources else None,
        settings,
        folder=folder,
        callbacks=callbacks,
        verbose=verbose,
    )
    return TranslationModel(model, corpus.pipeline, {}, metadata), history


def evaluate(
    text_model: TranslationModel, pairs: Pairs, *, tokenized: bool = False
) -> dict:
    """Returns the scores of a trained model on pairs.

    Args:
        text_model: the model, whose settings define the search.
        pairs: at least one pair.
        tokenized: see `zoo.families.translation.metrics.bleu`.

    Returns:
        `bleu` and its `signature`, `perplexity` (teacher forcing), `pairs`, and the
        generated `translations`.
    """
    found = text_model.translate(pairs.sources)
    side = text_model.pipeline.target
    tokenized = tokenized or side.tokenizer == "whitespace"
    score = bleu(found, pairs.targets, tokenized=tokenized, lowercase=side.lowercase)
    encoded = text_model.pipeline.encode(pairs, max_length=_LONGEST)
    return {
        "bleu": score.score,
        "signature": score.signature,
        "perplexity": perplexity(scorer(text_model.model), encoded),
        "pairs": len(pairs),
        "translations": found,
    }


def evaluate_baselines(
    splits: PairSplits, settings: TranslationSettings
) -> dict[str, float]:
    """Returns the BLEU of the baselines on the test part."""
    options = {
        "tokenized": splits.tokenized or settings.tokenizer == "whitespace",
        "lowercase": settings.lowercase,
    }
    found = {
        "copy of the source": copies(splits.test.sources),
        "translation memory": translation_memory(splits.train, splits.test.sources),
    }
    return {
        name: bleu(texts, splits.test.targets, **options).score
        for name, texts in found.items()
    }


def results_of(
    text_model: TranslationModel, corpus: Corpus, history: list[dict]
) -> dict:
    """Returns scores of the validation and test parts, and their costs."""
    seconds = sum(logs["seconds"] for logs in history)
    tokens = sum(len(ids) - 1 for ids in corpus.encoded["train"].targets)
    scores = {
        part: evaluate(text_model, corpus.part(part), tokenized=corpus.splits.tokenized)
        for part in ("valid", "test")
        if len(corpus.part(part))
    }
    return {
        **scores,
        "parameters": text_model.model.count_params(),
        "epochs": len(history),
        "seconds": seconds,
        "tokens_per_second": tokens * len(history) / max(seconds, 1e-9),
        "cut": corpus.encoded["train"].cut,
    }
