"""Weights that a new model takes over from a trained one: by word, label and task."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from marks import first_of_each_file, slow_but
from small_models import CLASSIFIERS, FITTED, NO_DROPOUT, SIZES

import zoo
from zoo.families.taking_over import take_over
from zoo.models.pairs import of_pairs
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


TRAINED = [name for name in CLASSIFIERS if name not in FITTED]


@pytest.mark.parametrize(
    "name", slow_but(["text_cnn"], TRAINED, first_of_each_file(TRAINED))
)
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
            then, now = old_tasks[task].labels, tasks[task].labels
            both = [label for label in then if label in now]
            assert 1 < len(both) < len(now)
            expected = values[:, [then.index(label) for label in both]]
            found = after[task][:, [now.index(label) for label in both]]
        np.testing.assert_allclose(found, expected, atol=2e-5)


def test_what_was_taken_over_in_words():
    tasks = {**NEW, "tags": "regression", "topic": ("x", "y")}
    old, new, said = taken_over("bilstm_mt", OLD, tasks)
    assert said.words == (8, 10)
    mood, layers = "mood/1 \u597d", "embedding, shared_forward, shared_backward, "
    assert str(said) == (
        f"Taken over: {layers}private_task_1, private_price, head_task_1, head_price; "
        "8 of the vocabulary's 10 entries.\n"
        "From the start: private_tags, private_topic, head_tags, head_topic.\n"
        f"New: labels of {mood}: better.\n"
        "New: the task tags.\nNew: the task topic.\n"
        f"Gone: labels of {mood}: fair."
    )
    kept = new.get_layer("head_topic").get_weights()[0]
    fresh = built("bilstm_mt", NEW_WORDS, as_tasks(tasks), 2)
    np.testing.assert_array_equal(kept, fresh.get_layer("head_topic").get_weights()[0])


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"units": 5}, "layer shared_forward: [8, 20] instead of [8, 24]"),
        ({"cell": "gru"}, "the old model has no layer bidirectional"),
        ({"embedding_dim": 9}, "layer embedding: [10, 9] instead of [9, 8]"),
    ],
)
def test_other_sizes_are_named(options, difference):
    old = built("bilstm", OLD_WORDS, as_tasks(2), 1)
    new = built("bilstm", NEW_WORDS, as_tasks(2), 2, **options)
    said = take_over(
        (new, as_tasks(2), pipeline(NEW_WORDS)), (old, as_tasks(2), pipeline(OLD_WORDS))
    )
    assert difference in said.differences


def test_a_classifier_of_pairs_of_texts():
    tasks, then = as_tasks({"a": ["x", "y"]}), as_tasks({"a": ["y", "z", "x"]})
    old = of_pairs(built("lstm", OLD_WORDS, then, 1), then)
    new = of_pairs(built("lstm", NEW_WORDS, tasks, 2), tasks)
    said = take_over(
        (new, tasks, pipeline(NEW_WORDS)), (old, then, pipeline(OLD_WORDS))
    )
    assert said.layers == ["embedding", "forward", "head_a"]
    pairs = [["so", "[END]", "good", "film"], ["bad", "film", "[END]", "so"]]
    before, after = (
        np.asarray(model.predict_on_batch(ids(pairs, words))["a"])
        for model, words in ((old, OLD_WORDS), (new, NEW_WORDS))
    )
    np.testing.assert_allclose(after, before[:, [2, 0]], atol=2e-5)


@pytest.mark.tensorflow
def test_one_text_does_not_continue_a_pair():
    from zoo.families.continuing import Continued

    tasks = as_tasks(2)
    model = built("lstm", OLD_WORDS, tasks, 1)
    paired = SimpleNamespace(vocabulary=OLD_WORDS, pairs=True)
    before = SimpleNamespace(model=model, tasks=tasks, pipeline=paired)
    continued = Continued(SimpleNamespace(name="runs/old"), before)
    with pytest.raises(ValueError, match=r"Accepted: 2\. Received: 1, with runs/old"):
        continued.given_to(model, tasks, pipeline(OLD_WORDS), {})
