"""NGramBag against Python integers and NumPy sums."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from gradients import value_and_gradients
from keras import ops
from marks import HALF_PRECISION

from zoo.layers import NGramBag
from zoo.layers.ngrams import _FACTORS, multiply_modulo

TOKENS = np.array([[5, 7, 5, 7, 5], [9, 3, 0, 0, 0], [8, 0, 0, 0, 0]], "int32")
MASK = TOKENS != 0


def row_of(gram, buckets):
    """The documented hash, in Python's unlimited integers."""
    total = len(gram) * _FACTORS[0]
    total += sum(int(i) * f for i, f in zip(gram, _FACTORS[1:], strict=False))
    return total % buckets


def rows_of(text, n, buckets):
    return [
        row_of(text[start : start + size], buckets)
        for size in n
        for start in range(len(text) - size + 1)
    ]


def reference(layer, text):
    table = ops.convert_to_numpy(layer.embeddings)
    rows = rows_of(text, layer.n, layer.buckets)
    rows = sorted(set(rows)) if layer.binary else rows
    ngram_weights = np.ones(layer.buckets)
    if layer.weighted:
        ngram_weights = ops.convert_to_numpy(layer.ngram_weights)
    total = sum(
        (ngram_weights[row] * table[row] for row in rows), np.zeros(layer.outputs)
    )
    length = np.sqrt(sum(ngram_weights[row] ** 2 for row in rows))
    divisors = {"sum": 1, "mean": len(rows), "sqrtn": length}
    return total / (divisors[layer.combiner] or 1)


@pytest.mark.parametrize("modulus", [1, 2, 1000, 2**17, 2**20 + 7, 2**22])
@pytest.mark.parametrize("factor", [1, *_FACTORS])
def test_products_never_overflow(modulus, factor):
    ids = np.random.default_rng(0).integers(0, 2**31 - 1, 200)
    ids = np.concatenate([ids, [0, 1, 2**31 - 1]]).astype("int32")
    result = multiply_modulo(ops.convert_to_tensor(ids), factor, modulus)
    expected = [int(i) * factor % modulus for i in ids]
    assert ops.convert_to_numpy(result).tolist() == expected


@pytest.mark.parametrize("buckets", [11, 2**17, 2**22])
@pytest.mark.parametrize("n", [(1,), (1, 2), (2, 4), (3,)])
def test_rows_are_the_documented_hash(buckets, n):
    layer = NGramBag(1, buckets=buckets, n=n)
    tokens = np.random.default_rng(0).integers(1, 50000, (2, 6)).astype("int32")
    rows, real = layer.rows(tokens, np.ones((2, 6), bool))
    rows, real = ops.convert_to_numpy(rows), ops.convert_to_numpy(real)
    for text, row, counts in zip(tokens, rows, real, strict=True):
        assert row[counts].tolist() == rows_of(text.tolist(), n, buckets)


def test_a_power_of_two_of_buckets_keeps_single_words_apart():
    tokens = np.arange(1, 2**12 + 1, dtype="int32")[None]
    layer = NGramBag(1, buckets=2**12, n=(1,))
    rows, _ = layer.rows(tokens, np.ones_like(tokens, bool))
    assert len(np.unique(ops.convert_to_numpy(rows))) == 2**12


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("combiner", ["sqrtn", "mean", "sum"])
@pytest.mark.parametrize("n", [(1, 2), (3,)])
def test_equals_the_sum_over_the_n_grams_of_each_text(n, combiner, binary, weighted):
    layer = NGramBag(
        3, buckets=64, n=n, combiner=combiner, binary=binary, weighted=weighted
    )
    layer(TOKENS, mask=MASK)
    if weighted:
        layer.ngram_weights.assign(np.random.default_rng(0).uniform(0.1, 3, 64))
    result = ops.convert_to_numpy(layer(TOKENS, mask=MASK))
    rows = zip(TOKENS, MASK, strict=True)
    expected = [reference(layer, row[real]) for row, real in rows]
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
    if n == (3,):
        assert not result[1:].any()  # no trigram in texts of two and one words


@pytest.mark.parametrize("binary", [False, True])
def test_padding_changes_nothing(binary):
    layer = NGramBag(3, buckets=64, binary=binary)
    short = ops.convert_to_numpy(layer(TOKENS, mask=MASK))
    wide = [[0, 0], [0, 30]]
    long = layer(np.pad(TOKENS, wide), mask=np.pad(MASK, wide))
    np.testing.assert_allclose(short, ops.convert_to_numpy(long), rtol=1e-6)


@pytest.mark.parametrize("binary", [False, True])
def test_only_the_rows_of_the_texts_get_gradients(binary):
    layer = NGramBag(2, buckets=64, binary=binary)
    layer(TOKENS, mask=MASK)

    def total(table):
        with keras.StatelessScope(state_mapping=[(layer.embeddings, table)]):
            return ops.sum(layer(TOKENS, mask=MASK))

    table = ops.convert_to_numpy(layer.embeddings)
    _, gradient = value_and_gradients(total, table)
    used = {
        row
        for text, real in zip(TOKENS, MASK, strict=True)
        for row in rows_of(text[real].tolist(), (1, 2), 64)
    }
    assert set(np.flatnonzero(gradient.any(axis=1))) == used


@pytest.mark.parametrize("binary", [False, True])
def test_adapt_sets_the_log_ratio_of_each_row(binary):
    generator = np.random.default_rng(0)
    corpus = [generator.integers(1, 9, size) for size in (5, 1, 7, 3, 6, 2)]
    classes = np.array([[1, 0], [0, 1], [0, 0], [1, 1], [0, 1], [np.nan, 0]])
    layer = NGramBag(1, buckets=16, n=(1, 2), binary=binary, weighted=True)
    layer.build((None, None))
    layer.adapt(corpus, classes)
    ratios = []
    for column in classes.T:
        counts = {1: np.ones(16), 0: np.ones(16)}
        for text, label in zip(corpus, column, strict=True):
            rows = rows_of(text.tolist(), (1, 2), 16)
            for row in set(rows) if binary else rows:
                if not np.isnan(label):
                    counts[int(label)][row] += 1
        p, q = (counts[c] / counts[c].sum() for c in (1, 0))
        ratios.append(np.abs(np.log(p / q)))
    expected = np.max(ratios, axis=0)
    found = ops.convert_to_numpy(layer.ngram_weights)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert [v.name for v in layer.trainable_variables] == ["embeddings"]


def test_adapt_counts_many_classes_in_groups(monkeypatch):
    generator = np.random.default_rng(0)
    corpus = [generator.integers(1, 30, 5) for _ in range(40)]
    classes = np.eye(20)[generator.integers(0, 20, 40)]
    found = []
    for group in (20, 3):
        monkeypatch.setattr("zoo.layers.ngrams._ADAPT_CLASSES", group)
        layer = NGramBag(1, buckets=64, binary=True, weighted=True)
        layer.build((None, None))
        layer.adapt(corpus, classes)
        found.append(ops.convert_to_numpy(layer.ngram_weights))
    np.testing.assert_array_equal(*found)
    alone = NGramBag(1, buckets=64, binary=True, weighted=True)
    alone.build((None, None))
    each = []
    for column in classes.T:
        alone.adapt(corpus, column[:, None])
        each.append(ops.convert_to_numpy(alone.ngram_weights))
    np.testing.assert_array_equal(found[0], np.max(each, axis=0))


def test_adapt_needs_a_weighted_layer():
    with pytest.raises(ValueError, match="`adapt` needs .*weighted=True"):
        NGramBag(1).adapt([np.array([1])], np.ones((1, 1)))


def test_initializer_and_config():
    layer = NGramBag(
        2,
        buckets=64,
        n=[1, 3],
        combiner="mean",
        binary=True,
        weighted=True,
        embeddings_initializer="zeros",
    )
    assert not ops.convert_to_numpy(layer(TOKENS, mask=MASK)).any()
    assert layer.count_params() == 128 + 64
    config = layer.get_config()
    assert NGramBag.from_config(config).get_config() == config


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", HALF_PRECISION)
def test_half_precision(dtype, weighted):
    layer = NGramBag(2, buckets=64, weighted=weighted, dtype=dtype)
    result = layer(TOKENS, mask=MASK)
    assert keras.backend.standardize_dtype(result.dtype) == dtype.removeprefix("mixed_")
    assert np.isfinite(ops.convert_to_numpy(ops.cast(result, "float32"))).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"outputs": 0}, "`outputs` must be positive.*outputs=0"),
        ({"buckets": 2**23}, "`buckets` must be from 1.*8388608"),
        ({"n": ()}, r"`n` must hold different.*n=\(\)"),
        ({"n": (1, 1)}, r"`n` must hold different"),
        ({"n": (5,)}, r"`n` must hold different.*\(5,\)"),
        ({"combiner": "max"}, "`combiner` must be one of sqrtn, mean, sum.*'max'"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        NGramBag(**{"outputs": 1, **arguments})


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("combiner", ["sqrtn", "mean", "sum"])
@pytest.mark.parametrize("n", [(1, 2), (3,)])
def test_what_each_token_adds(n, combiner, binary, weighted):
    """An n-gram's part is divided over its places, and there over its tokens."""
    layer = NGramBag(
        2, buckets=16, n=n, combiner=combiner, binary=binary, weighted=weighted
    )
    layer(TOKENS, mask=MASK)
    if weighted:
        layer.ngram_weights.assign(np.random.default_rng(0).uniform(0.1, 3, 16))
    found = ops.convert_to_numpy(layer.by_token(TOKENS, mask=MASK))
    table = ops.convert_to_numpy(layer.embeddings)
    weights = np.ones(16)
    if weighted:
        weights = ops.convert_to_numpy(layer.ngram_weights)
    for tokens, real, parts in zip(TOKENS, MASK, found, strict=True):
        text = tokens[real]
        rows = rows_of(text, n, 16)
        counted = sorted(set(rows)) if binary else rows
        length = np.sqrt(sum(weights[row] ** 2 for row in counted))
        divisor = {"sum": 1, "mean": len(counted), "sqrtn": length}[combiner] or 1
        expected = np.zeros((len(tokens), 2))
        for size in n:
            for start in range(len(text) - size + 1):
                row = row_of(text[start : start + size], 16)
                times = rows.count(row) if binary else 1
                part = weights[row] * table[row] / divisor / times / size
                expected[start : start + size] += part
        np.testing.assert_allclose(parts, expected, rtol=1e-5, atol=1e-6)
    total = ops.convert_to_numpy(layer(TOKENS, mask=MASK))
    np.testing.assert_allclose(found.sum(axis=1), total, rtol=1e-5, atol=1e-6)
