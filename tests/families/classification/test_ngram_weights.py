"""Weights of n-grams: texts of tasks with the same labels count together."""

import keras
import numpy as np
import pytest

import zoo
from zoo.families.classification.ngram_weights import adapt_ngrams
from zoo.models.ngram_logits import ngram_logits
from zoo.tasks import Task, as_tasks


@pytest.fixture
def texts():
    random = np.random.default_rng(0)
    return [random.integers(4, 100, random.integers(1, 9)) for _ in range(300)]


def rows_of(bag, ids: np.ndarray) -> np.ndarray:
    rows, real = bag.rows(ids[None], np.ones((1, len(ids)), bool))
    rows, real = map(keras.ops.convert_to_numpy, (rows, real))
    return rows[real]


def row_of(bag, token: int) -> int:
    bag_of_one = rows_of(bag, np.array([token]))
    return int(bag_of_one[0])


def small_model(tasks):
    """With a trained table of n-grams, as models of very many labels have."""
    tokens = keras.Input((None,), dtype="int32")
    mask = zoo.layers.PaddingMask()(tokens)
    outputs = ngram_logits(tokens, mask, tasks, n=(1, 2), buckets=1024)
    return keras.Model(tokens, outputs)


def test_the_word_that_makes_the_label_weighs_most(texts):
    tasks = as_tasks({"a": 2, "b": 2})
    label = np.array([int(7 in ids) for ids in texts])
    odd = np.arange(300) % 2
    model = small_model(tasks)
    weights = {"a": odd * 1.0, "b": 1.0 - odd}
    adapt_ngrams(model, texts, {"a": label, "b": label}, weights, tasks)
    bag = model.get_layer("ngrams")
    ngram_weights = keras.ops.convert_to_numpy(bag.ngram_weights)
    assert ngram_weights.argmax() == row_of(bag, 7)
    # log-count ratio of the row over the texts of both tasks, from the equation
    rows = [rows_of(bag, ids) for ids in texts]
    counts = np.ones((2, 1024))
    for ids, kind in zip(rows, label):
        counts[kind, ids] += 1
    share = counts / counts.sum(axis=1, keepdims=True)
    expected = np.abs(np.log(share[1]) - np.log(share[0]))
    np.testing.assert_allclose(ngram_weights, expected, rtol=1e-4, atol=1e-6)


def test_rows_without_a_label_do_not_count(texts):
    tasks = as_tasks({"a": 2})
    label = np.array([int(7 in ids) for ids in texts])
    half = (np.arange(300) < 150) * 1.0
    found = []
    for other in (label, 1 - label):  # the dummy labels of the second half
        target = np.where(half > 0, label, other)
        model = small_model(tasks)
        adapt_ngrams(model, texts, {"a": target}, {"a": half}, tasks)
        found.append(
            keras.ops.convert_to_numpy(model.get_layer("ngrams").ngram_weights)
        )
    np.testing.assert_array_equal(*found)


def test_a_regression_counts_as_above_its_mean(texts):
    tasks = {"a": Task("regression", (), 10.0, 2.0)}
    value = np.array([12.0 if 7 in ids else 9.0 for ids in texts])
    model = small_model(tasks)
    target = tasks["a"].standardised(value)
    adapt_ngrams(model, texts, {"a": target}, {"a": np.ones(300)}, tasks)
    bag = model.get_layer("ngrams")
    assert keras.ops.convert_to_numpy(bag.ngram_weights).argmax() == row_of(bag, 7)
