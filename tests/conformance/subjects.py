"""How the conformance matrix asks a model of each family, in a tiny size.

A model is asked with rows of ids of any length, and answers with the arrays of each row
at its own length. A family of which this file says nothing fails the matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import keras
import numpy as np
from gradients import BACKEND
from keras import ops

import zoo
from zoo.tasks import Task, as_tasks

VOCAB_SIZE = 40
SIZES = {
    "embedding_dim": 8,
    "units": 6,
    "rank": 2,
    "groups": 2,
    "projection": 4,
    "num_experts": 6,
    "k": 2,
    "hidden": 4,
    "output_dim": 5,
    "private_units": 5,
    "maps": 4,
    "ngram_buckets": 32,
    "character_dim": 5,
    "character_units": 6,
}


@dataclass(frozen=True)
class Subject:
    """How models of a family are built and asked.

    Args:
        arguments: by position, behind the size of the vocabulary.
        sizes: of a tiny model; those that a builder does not know are left.
        along_time: outputs with an axis of time, beyond which nothing is compared.
    """

    arguments: tuple = ()
    sizes: dict = field(default_factory=dict)
    along_time: tuple[str, ...] = ()

    def build(self, name: str, **options) -> keras.Model:
        known = zoo.describe(name).keywords
        given = {**SIZES, **self.sizes, **options}
        keras.utils.set_random_seed(0)
        sizes = {key: value for key, value in given.items() if key in known}
        return zoo.get(name, VOCAB_SIZE, *self.arguments, **sizes)

    def inputs(self, model, rows, more: int = 0):
        """What the model is called with; `more` columns of padding at the end."""
        return padded(rows, more)

    def outputs(self, model, rows, more: int = 0) -> list[dict[str, np.ndarray]]:
        """Of each row its arrays by name, as long as the row."""
        given = self.inputs(model, rows, more)
        # JAX compiles every eager operation by itself.
        call = model.predict_on_batch if BACKEND == "jax" else model
        found = self.named(call(given))
        arrays = {name: ops.convert_to_numpy(array) for name, array in found.items()}
        return [
            {
                name: array[place, : len(row)] if self.lasts(name) else array[place]
                for name, array in arrays.items()
            }
            for place, row in enumerate(rows)
        ]

    def named(self, found) -> dict:
        return found

    def lasts(self, name: str) -> bool:
        return name in self.along_time


class LanguageModel(Subject):
    """Tokens and the state before them to logits and the state behind them."""

    def inputs(self, model, rows, more=0):
        [state] = [given for given in model.inputs if given.name == "state"]
        width = np.random.default_rng(3).normal(0, 0.5, (1, state.shape[-1]))
        states = np.repeat(width.astype("float32"), len(rows), axis=0)
        return {"tokens": padded(rows, more), "state": states}


class Tagger(Subject):
    """Words, and the characters of each, to tags of words and labels of sentences."""

    def inputs(self, model, rows, more=0):
        tokens = padded(rows, more)
        places = np.arange(1, 6)
        letters = (tokens[..., None] * places) % 9 + 1
        letters = letters * (places <= tokens[..., None] % 5 + 1)
        given = {"tokens": tokens, "characters": letters * (tokens > 0)[..., None]}
        return {name: given[name].astype("int32") for name in model.input}


class Translator(Subject):
    """A source and what was written of its translation to logits of the next word."""

    def inputs(self, model, rows, more=0):
        turned = [[*row[::-1]] for row in rows]
        return {"source": padded(rows, more), "target": padded(turned, more)}

    def named(self, found):
        return {"logits": found}


def padded(rows, more: int = 0) -> np.ndarray:
    time = max(1, *map(len, rows)) if len(rows) > 1 else max(1, len(rows[0]))
    ids = np.zeros((len(rows), time + more), "int32")
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    return ids


TASKS = {
    "mood": ("bad", "fair", "good"),
    "tags": Task("multilabel", ("a", "b")),
    "price": Task("regression"),
}
TAGS = {"slots": Task("tags", ("O", "B-x", "I-x")), "intent": ("go", "eat")}
SUBJECTS = {
    "classification": Subject((as_tasks(TASKS),)),
    "language": LanguageModel(sizes={"init_scale": 0.5}, along_time=("logits",)),
    "tagging": Tagger((as_tasks(TAGS),), {"character_count": 12}, ("slots",)),
    "translation": Translator(along_time=("logits",)),
}


def subject_of(name: str) -> Subject:
    subject = SUBJECTS[zoo.describe(name).family]
    if name == "mt_coupled":  # takes two tasks and no more
        two = dict(list(subject.arguments[0].items())[:2])
        return Subject((two,))
    return subject
