"""How the conformance matrix asks a model of each family, in a tiny size.

A model is asked with rows of ids of any length, and answers with the arrays of each row
at its own length. A family of which this file says nothing fails the matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import keras
import numpy as np
import small_models
from gradients import BACKEND
from keras import ops
from small_models import VOCAB_SIZE

import zoo
from zoo.tasks import Task, as_tasks

SIZES = {
    **small_models.SIZES,
    "num_experts": 6,  # in groups, too
    "k": 2,
    "projection": 4,
    "character_dim": 5,
    "character_units": 6,
}


@dataclass(frozen=True)
class Subject:
    """How models of a family are built and asked.

    Args:
        tasks: of the model of a name, where builders of the family take tasks.
        sizes: of a tiny model; those that a builder does not know are left.
        along_time: outputs with an axis of time, beyond which nothing is compared.
    """

    tasks: Callable[[str], Mapping[str, Task]] | None = None
    sizes: dict = field(default_factory=dict)
    along_time: tuple[str, ...] = ()

    def build(self, name: str, **options) -> keras.Model:
        known = zoo.describe(name).keywords
        given = {**SIZES, **self.sizes, **options}
        keras.utils.set_random_seed(0)
        sizes = {key: value for key, value in given.items() if key in known}
        tasks = [self.tasks(name)] if self.tasks else []
        return small_models.fitted(zoo.get(name, VOCAB_SIZE, *tasks, **sizes))

    def inputs(self, model, rows, more: int = 0):
        """What the model is called with; `more` columns of padding at the end."""
        return padded(rows, more)

    def outputs(self, model, rows, more: int = 0) -> list[dict[str, np.ndarray]]:
        """Of each row its arrays by name, as long as the row."""
        # JAX compiles every eager operation by itself.
        call = model.predict_on_batch if BACKEND == "jax" else model
        return self.by_row(call(self.inputs(model, rows, more)), rows)

    def by_row(self, found, rows) -> list[dict[str, np.ndarray]]:
        """What a call of the model gave, apart."""
        found = self.named(found)
        arrays = {name: ops.convert_to_numpy(array) for name, array in found.items()}
        return [
            {
                name: array[place, : len(row) if name in self.along_time else None]
                for name, array in arrays.items()
            }
            for place, row in enumerate(rows)
        ]

    def named(self, found) -> dict:
        return found


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


def padded(rows, more: int) -> np.ndarray:
    ids = np.zeros((len(rows), max(map(len, rows)) + more), "int32")
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    return ids


TAGS = as_tasks({"slots": Task("tags", ("O", "B-x", "I-x")), "intent": ("go", "eat")})
SUBJECTS = {
    "classification": Subject(small_models.tasks_of),
    "language": LanguageModel(sizes={"init_scale": 0.5}, along_time=("logits",)),
    "tagging": Tagger(lambda name: TAGS, {"character_count": 12}, ("slots",)),
    "encoding": Subject(sizes={"width": 5}),
    "translation": Translator(along_time=("logits",)),
}


def subject_of(name: str) -> Subject:
    return SUBJECTS[zoo.describe(name).family]
