"""Weights that a new model takes over from a trained one: by word, label and task."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from small_models import CLASSIFIERS, FITTED, NO_DROPOUT, SIZES

import zoo
from zoo.families.taking_over import take_over
from zoo.tasks import Task, as_tasks

SPECIALS = ["[PAD]", "[UNK]", "[BEGIN]", "[END]"]
OLD_WORDS = [*SPECIALS, "so", "good", "bad", "film", "gone"]
NEW_WORDS = [*SPECIALS, "film", "new", "bad", "good", "newer", "so"]
TEXTS = [["so", "good"], ["bad", "film", "so"], ["film"]]
OLD = {
    "mood/1 \u597d": ("bad", "fair", "good"),
    "tags": Task("multilabel", ("a", "b", "c")),
    "price": Task("regression", mean=5.0, scale=2.0),
}
NEW = {
    "price": Task("regression", mean=1.0, scale=4.0),
    "mood/1 \u597d": ("better", "good", "bad"),
    "tags": Task("multilabel", ("c", "d", "a", "b")),
}


def pipeline(words):
    return SimpleNamespace(vocabulary=words)


def ids(texts, words):
    rows = np.zeros((len(texts), max(map(len, texts))), "int32")
    for row, text in enumerate(texts):
        rows[row, : len(text)] = [words.index(word) for word in text]
    return rows


def built(name, words, tasks, seed, **options):
    keras.utils.set_random_seed(seed)
    known = zoo.describe(name).keywords
    sizes = {k: v for k, v in {**SIZES, **NO_DROPOUT, **options}.items() if k in known}
    model = zoo.get(name, len(words), tasks, **sizes)
    generator = np.random.default_rng(seed)
    for layer in model.layers:  # biases are zeros at first
        if layer.trainable_weights:
            layer.set_weights(
                [w + generator.normal(0, 0.1, w.shape) for w in layer.get_weights()]
            )
    return model


def taken_over(name, old_tasks=OLD, new_tasks=NEW, **options):
    """An old model, a new one that took its weights over, and what was said."""
    old_tasks, new_tasks = as_tasks(old_tasks), as_tasks(new_tasks)
    old = built(name, OLD_WORDS, old_tasks, 1, **options)
    new = built(name, NEW_WORDS, new_tasks, 2, **options)
    said = take_over(
        (new, new_tasks, pipeline(NEW_WORDS)), (old, old_tasks, pipeline(OLD_WORDS))
    )
    return old, new, said


def outputs(model, words):
    found = model.predict_on_batch(ids(TEXTS, words))
    return {name: np.asarray(value) for name, value in found.items()}


@pytest.mark.parametrize("name", [n for n in CLASSIFIERS if n not in FITTED])
def test_a_classifier_gives_the_answers_that_it_gave(name):
    old_tasks, new_tasks = dict(OLD), dict(NEW)
    if name == "mt_coupled":  # for two tasks
        del old_tasks["tags"], new_tasks["tags"]
    old, new, said = taken_over(name, old_tasks, new_tasks)
    assert not said.differences and not said.begun
    before, after = outputs(old, OLD_WORDS), outputs(new, NEW_WORDS)
    tasks, old_tasks = as_tasks(new_tasks), as_tasks(old_tasks)
    for task, values in before.items():
        if tasks[task].kind == "regression":
            expected = old_tasks[task].value(values)
            found = tasks[task].value(after[task])
        else:
            shared = [label for label in old_tasks[task].labels if label != "fair"]
            expected = values[
                :,
                [
                    old_tasks[task].labels.index(n)
                    for n in shared
                    if n in tasks[task].labels
                ],
            ]
            found = after[task][
                :,
                [
                    tasks[task].labels.index(n)
                    for n in shared
                    if n in tasks[task].labels
                ],
            ]
        np.testing.assert_allclose(found, expected, atol=2e-5)
