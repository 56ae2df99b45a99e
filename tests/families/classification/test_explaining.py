"""Shares of words: exact where a model is linear, and complete in every classifier."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from keras import ops
from marks import slow_but
from small_models import FIRST_ROWS, ROWS, build, row_id, tasks_of

from zoo.families.classification.explaining.integral import DOUBLINGS, FEWEST_STEPS
from zoo.families.classification.model import TextModel
from zoo.layers import MaskedMeanPooling, NGramBag, PaddingMask
from zoo.models.pairs import of_pairs
from zoo.tasks import Task
from zoo.text import SPECIALS, TextPipeline

pytestmark = pytest.mark.tensorflow

WORDS = [f"w{number}" for number in range(36)]
PIPELINE = TextPipeline([*SPECIALS, *WORDS], max_length=300)
TEXTS = [
    "w1 w2 w3 w4 w2",
    "W9, unseen w30!",
    "",
    " \t",
    "w5",
    "w1\u0301 \u2764\ufe0f w7",
]
MOST_STEPS = FEWEST_STEPS * 2**DOUBLINGS
MANY_EXPERTS = {"moe_classifier", "moe_mt"}  # their outputs jump between experts


def text_model(row):
    """With embeddings so large that gates and activations bend."""
    model = build(row)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Embedding):
            layer.set_weights([20.0 * layer.get_weights()[0]])
    return TextModel(model, PIPELINE, tasks_of(row[0]))


def score_of(logits, task):
    """The documented score of the likeliest label, and this label."""
    logits = logits.astype(float) / task.temperature
    best = int(logits.argmax())
    if task.kind == "regression":
        return task.value(logits[0]), None
    if task.kind == "multilabel":
        return logits[best], task.labels[best]
    return logits[best] - np.delete(logits, best).mean(), task.labels[best]


def check(model, text, found):
    """Score, sum and offsets of the explanations of a text."""
    logits = {name: rows[0] for name, rows in model.logits([text]).items()}
    for name, task in model.tasks.items():
        one = found[name]
        score, label = score_of(logits[name], task)
        np.testing.assert_allclose(one.score, score, rtol=1e-4, atol=1e-4)
        assert label is None or one.label == label
        shares = np.array([word.share for word in one.words])
        size = max(np.abs(shares).sum(), abs(one.score - one.base))
        missing = abs(one.score - one.base - shares.sum())
        unit = task.scale if task.kind == "regression" else 1.0
        np.testing.assert_allclose(missing, one.gap * size, atol=1e-4 * unit)
        assert one.gap <= 0.01 or one.steps == MOST_STEPS
        for word in one.words:
            assert text[word.start : word.end] == word.text != ""
        json.dumps(one.to_json(), allow_nan=False)


@pytest.mark.parametrize("row", slow_but([], ROWS, FIRST_ROWS), ids=row_id)
def test_the_shares_of_every_classifier_add_up(row):
    model = text_model(row)
    for text, found in zip(TEXTS, model.explain(iter(TEXTS)), strict=True):
        check(model, text, found)
        for one in found.values():
            if not text.strip():
                assert (one.words, one.gap, one.base) == ((), 0.0, one.score)
            elif row[0] not in MANY_EXPERTS:
                assert one.gap <= 0.01
    [one] = model.explain(TEXTS[:1])
    assert [word.text for word in one[next(iter(one))].words] == TEXTS[0].split()


def embedded(classes=3, width=4):
    """Logits are the sum of `embedding @ kernel` over the words, and a bias."""
    generator = np.random.default_rng(0)
    tokens = keras.Input((None,), dtype="int32")
    layer = keras.layers.Embedding(40, width)
    mask = ops.cast(ops.not_equal(tokens, 0), "float32")
    total = ops.sum(layer(tokens) * ops.expand_dims(mask, -1), axis=1)
    head = keras.layers.Dense(classes)
    model = keras.Model(tokens, head(total))
    for layer_ in (layer, head):
        layer_.set_weights([generator.normal(size=w.shape) for w in layer_.weights])
    return model, layer, head


def test_a_model_linear_in_its_embeddings_is_explained_exactly():
    model, layer, head = embedded()
    task = Task("categories", ("a", "b", "c"), temperature=2.0)
    [found] = TextModel(model, PIPELINE, {"label": task}).explain(["w1 w3 w1 zzz"])
    table, (kernel, bias) = layer.get_weights()[0], head.get_weights()
    ids = np.array([5, 7, 5, 1])
    logits = table[ids].sum(axis=0) @ kernel + bias
    best = logits.argmax()
    against = np.where(np.arange(3) == best, 1.0, -0.5) / 2.0
    one = found["label"]
    np.testing.assert_allclose(one.base, bias @ against, rtol=1e-5)
    expected = table[ids] @ kernel @ against
    shares = [word.share for word in one.words]
    np.testing.assert_allclose(shares, expected, rtol=1e-4, atol=1e-5)
    assert one.gap < 1e-5 and one.steps == FEWEST_STEPS
    assert one.label == task.labels[best]
    assert one.method == "integrated gradients from zero embeddings"
    assert one.target == "log-odds against the mean of the other labels"


def test_the_weights_of_the_linear_model_are_divided_exactly():
    """Against NumPy sums over n-grams, letters and vectors of each word."""
    model = text_model(("linear", {}))
    text, ids = "w1 w2 w1", np.array([5, 6, 5])
    [found] = model.explain([text])
    words, letters, vectors = (
        model.model.get_layer(f"linear_{kind}")
        for kind in ("words", "letters", "vectors")
    )
    table, weights = (ops.convert_to_numpy(w) for w in words.weights)
    grams = [[0], [1], [2], [0, 1], [1, 2]]  # places; w1 occurs twice
    every = NGramBag(1, buckets=words.buckets, n=words.n)  # not `binary`
    rows, _ = every.rows(ids[None], np.ones((1, 3), bool))
    hashed = ops.convert_to_numpy(rows)[0].tolist()
    length = np.sqrt(sum(weights[row] ** 2 for row in set(hashed)))
    parts = np.zeros((3, table.shape[1]))
    for places, row in zip(grams, hashed, strict=True):
        part = weights[row] * table[row] / length / hashed.count(row) / len(places)
        parts[places] += part
    bias = 0.0
    for bag, norm in ((letters, True), (vectors, False)):
        rows_of, lengths, bias_of = (ops.convert_to_numpy(w) for w in bag.weights)
        size = np.sqrt((lengths[ids] ** 2).sum()) if norm else lengths[ids].sum()
        parts += rows_of[ids] / size
        bias = bias + bias_of
    columns = {"mood/1 \u597d": slice(0, 3), "tags": slice(3, 6), "price": slice(6, 7)}
    for name, task in model.tasks.items():
        own, base = parts[:, columns[name]], bias[columns[name]]
        logits = own.sum(axis=0) + base
        one, best = found[name], logits.argmax()
        factors = np.eye(len(logits))[best]
        if task.kind == "categories":
            factors = factors - (1 - factors) / (len(logits) - 1)
        if task.kind == "regression":
            factors = factors * task.scale
        mean = task.mean if task.kind == "regression" else 0.0
        np.testing.assert_allclose(one.base, base @ factors + mean, rtol=1e-5)
        shares = [word.share for word in one.words]
        np.testing.assert_allclose(shares, own @ factors, rtol=1e-4, atol=1e-6)
        assert one.method == "weights of n-grams" and one.gap < 1e-5


@pytest.mark.slow
def test_the_base_is_the_network_on_zero_embeddings():
    model = text_model(("bilstm", {}))
    found = model.explain(TEXTS[:1])[0]["price"]
    layer = model.model.get_layer("embedding")
    layer.set_weights([np.zeros_like(layer.get_weights()[0])])
    value = model.predict(TEXTS[:1])[0]["price"]["scores"]["value"]
    np.testing.assert_allclose(found.base, value, rtol=1e-5)


@pytest.mark.slow
def test_shares_of_a_stacked_model_are_those_of_its_parts():
    """`a` times those of the network, and `b` times those of the linear part."""
    model = text_model(("bilstm_mt", {}))
    stack = model.model.get_layer("stack_price")

    def shares(first, second):
        stack.set_shares(first, second)
        found = model.explain(["w1 w2 w3"])[0]["price"]
        return np.array([word.share for word in found.words])

    both, network, linear = shares(0.5, 2.0), shares(1.0, 0.0), shares(0.0, 1.0)
    assert np.abs(network).min() > 1e-4 and np.abs(linear).min() > 1e-4
    np.testing.assert_allclose(both, 0.5 * network + 2.0 * linear, rtol=0.02, atol=1e-3)


def test_pieces_and_bytes_belong_to_their_words():
    pieces = TextPipeline([*SPECIALS, "a", "##b", "##c", "d"], max_length=300)
    for pipeline in (pieces, TextPipeline(tokenizer="bytes")):
        tokens = keras.Input((None,), dtype="int32")
        embedded = keras.layers.Embedding(pipeline.vocab_size, 3)(tokens)
        pooled = MaskedMeanPooling()(embedded, mask=PaddingMask()(tokens))
        model = keras.Model(tokens, keras.layers.Dense(2)(pooled))
        classifier = TextModel(model, pipeline, 2)
        text = "abc  d"
        [found] = classifier.explain([text])
        check(classifier, text, found)
        assert [word.text for word in found["label"].words] == ["abc", "d"]


@pytest.mark.slow
def test_a_long_text_is_explained_across_windows():
    model = text_model(("bilstm", {"pooling": "mean"}))
    text = " ".join(WORDS[number % 36] for number in range(280))
    [found] = model.explain([text], ["price"])
    assert list(found) == ["price"] and len(found["price"].words) == 280
    assert found["price"].gap <= 0.01
    assert abs(np.array([word.share for word in found["price"].words])[200:]).max() > 0


@pytest.mark.slow
def test_both_texts_of_a_pair_are_explained():
    tasks = tasks_of("bilstm")
    pipeline = TextPipeline([*SPECIALS, *WORDS], pairs=True)
    model = TextModel(of_pairs(build(("bilstm", {})), tasks), pipeline, tasks)
    for pair in (("w1 w2", "w3"), ("", "w3 w4"), ("w1", ""), ("", "")):
        [found] = model.explain([pair])
        one, expected = found["price"], []
        for second, text in enumerate(pair):
            expected += [(bool(second), word) for word in text.split()]
        assert [(word.second, word.text) for word in one.words] == expected
        assert all(pair[w.second][w.start : w.end] == w.text for w in one.words)
        assert one.gap <= 0.01
        named = [word for word in one.to_json()["words"] if "second" in word]
        assert len(named) == (len(one.words) if pair[1] else 0)
        value = model.predict([pair])[0]["price"]["scores"]["value"]
        np.testing.assert_allclose(one.score, value, rtol=1e-5)
    [found] = model.explain([("w1 w2", "w3")])
    assert all(word.share for word in found["price"].words)


def bent(bend):
    """A model of one word vector and a function of it."""
    tokens = keras.Input((None,), dtype="int32")
    table = np.random.default_rng(0).normal(size=(40, 3))
    embedding = keras.layers.Embedding(40, 3)
    pooled = MaskedMeanPooling()(embedding(tokens), mask=PaddingMask()(tokens))
    embedding.set_weights([table])
    dense = keras.layers.Dense(2)
    model = keras.Model(tokens, dense(bend(pooled)))
    dense.set_weights([np.array([[1.0, -1], [0.5, 1], [0.3, 0]]), np.zeros(2)])
    return TextModel(model, PIPELINE, 2)


def test_points_are_doubled_until_the_shares_add_up():
    model = bent(lambda x: ops.tanh(60.0 * x - 6.0))
    [found] = model.explain(["w1 w2"])
    check(model, "w1 w2", found)
    assert FEWEST_STEPS < found["label"].steps < MOST_STEPS
    assert 0 < found["label"].gap <= 0.01


def test_a_jump_is_reported_as_a_gap():
    model = bent(lambda x: ops.cast(x > 0.2, "float32"))  # no gradient anywhere
    [found] = model.explain(["w1 w2"])
    one = found["label"]
    assert one.steps == MOST_STEPS and one.gap == pytest.approx(1.0)
    assert [word.share for word in one.words] == [0.0, 0.0] and one.score != one.base


def test_inner_models_and_positions():
    """As of models whose tasks are fine-tuned apart, and embeddings of positions."""
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(40, 4)(tokens)
    places = ops.cumsum(ops.ones_like(tokens), axis=1)
    x = x + keras.layers.Embedding(40, 4)(places)
    pooled = MaskedMeanPooling()(x, mask=PaddingMask()(tokens))
    inner = keras.Model(tokens, {"a": keras.layers.Dense(2)(pooled)})
    outer = keras.Input((None,), dtype="int32")
    model = TextModel(keras.Model(outer, {"a": inner(outer)["a"]}), PIPELINE, {"a": 2})
    [found] = model.explain(["w1 w2"])
    check(model, "w1 w2", found)
    [other] = model.explain(["w3 w4"])  # the positions are part of the base
    np.testing.assert_allclose(
        abs(found["a"].base), abs(other["a"].base), rtol=1e-5, atol=1e-6
    )


def test_a_bag_that_is_not_linear_to_the_output():
    tokens = keras.Input((None,), dtype="int32")
    mask = PaddingMask()(tokens)
    bag = NGramBag(4, buckets=64, binary=True)(tokens, mask=mask)
    hidden = keras.layers.Dense(8, activation="tanh")(bag)
    model = TextModel(keras.Model(tokens, keras.layers.Dense(2)(hidden)), PIPELINE, 2)
    for text in TEXTS:
        [found] = model.explain([text])
        check(model, text, found)


def test_what_cannot_be_explained():
    model = text_model(("bilstm", {}))
    with pytest.raises(ValueError, match=r"`tasks` must be names.*Received: x\."):
        model.explain(["w1"], ["x"])
    with pytest.raises(ValueError, match="`texts` must be a list of strings"):
        model.explain("w1")
    assert model.explain([]) == []
    tokens = keras.Input((None,), dtype="int32")
    length = ops.sum(ops.cast(tokens > 0, "float32"), axis=1, keepdims=True)
    blind = TextModel(keras.Model(tokens, keras.layers.Dense(2)(length)), PIPELINE, 2)
    with pytest.raises(ValueError, match="`model` must have a layer that words enter"):
        blind.explain(["w1"])
