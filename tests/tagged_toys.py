"""A toy language with entities and intents, and taggers in a tiny size for it."""

from __future__ import annotations

import keras
import numpy as np

import zoo
from zoo.data.sentences import TaggedSentences
from zoo.data.tagged_splits import TaggedSplits
from zoo.families.tagging.fitting import learn_tag_tasks
from zoo.families.tagging.pipeline import TaggingPipeline
from zoo.families.tagging.settings import TaggingSettings

SLOTS = "slots/1 \u597d"  # a column's name may hold anything
SIZES = {
    "units": 6,
    "embedding_dim": 8,
    "character_dim": 5,
    "character_units": 6,
    "embedding_dropout": 0.1,
    "dropout": 0.1,
}


def sentences(count: int, seed: int = 0, slots: str = SLOTS) -> TaggedSentences:
    """`go to New2 York and ...` and `eat Apple1`: a rule that a tagger can learn."""
    generator = np.random.default_rng(seed)
    tokens, tags, intents = [], [], []
    for _ in range(count):
        travel = bool(generator.integers(2))
        words, found = (["go", "to"], ["O", "O"]) if travel else (["eat"], ["O"])
        for place in range(generator.integers(1, 4)):
            if place:
                words, found = [*words, "and"], [*found, "O"]
            number = generator.integers(4)
            words += [f"New{number}", "York"] if travel else [f"Apple{number}"]
            found += ["B-place", "I-place"] if travel else ["B-food"]
        tokens.append(words)
        tags.append(found)
        intents.append("travel" if travel else "dine")
    return TaggedSentences(tokens, {slots: tags}, {"intent": intents})


def splits() -> TaggedSplits:
    parts = (sentences(count, seed) for seed, count in enumerate((64, 24, 24)))
    return TaggedSplits(*parts, schemes={SLOTS: "BIO"})


def tasks():
    return learn_tag_tasks(sentences(64), {SLOTS: "BIO"})


def pipeline() -> TaggingPipeline:
    return TaggingPipeline.learn(sentences(64).tokens)


def build(name: str, characters: str = "cnn", seed: int = 0, **options) -> keras.Model:
    keras.utils.set_random_seed(seed)
    known = pipeline()
    return zoo.get(
        name,
        known.vocab_size,
        tasks(),
        characters=characters,
        character_count=known.character_count,
        **{**SIZES, **options},
    )


def settings(name: str, **options) -> TaggingSettings:
    sizes = {"batch_size": 8, "learning_rate": 0.03, "epochs": 6, "buckets": 1}
    return TaggingSettings.of(name, **{**sizes, **options})
