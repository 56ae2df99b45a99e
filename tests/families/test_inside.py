"""What the layers inside a model chose, against their own equations in NumPy."""

from __future__ import annotations

import json
import re

import keras
import numpy as np
import pytest
import translated_toys
from keras import ops
from saved import SAVED
from translated_toys import build

import zoo
from zoo.layers import AttentionPooling, PaddingMask, SparseMoE
from zoo.text.imports import tf

pytestmark = pytest.mark.tensorflow

TEXTS = ["so good", "", "so bad so good so bad", "so unknown"]
SIZES = {"units": 3, "embedding_dim": 4, "num_experts": 6, "hidden": 4, "k": 2}
TASKS = {"mood": ["no", "so"], "size": ["a", "b", "c"]}


@pytest.fixture(scope="module")
def pipeline():
    return zoo.TextPipeline.learn(["so good", "so bad"], min_count=1)


def drawn(model):
    """The model with gates that tell tokens apart; they begin at zero."""
    for place, weight in enumerate(model.weights):
        if "gate/" in weight.path or "/query" in weight.path:
            weight.assign(keras.random.normal(weight.shape, seed=place))
    return model


def classifier(name, pipeline, tasks=TASKS, **options):
    keras.utils.set_random_seed(3)
    known = zoo.describe(name).keywords
    sizes = {key: size for key, size in {**SIZES, **options}.items() if key in known}
    model = drawn(zoo.get(name, pipeline.vocab_size, tasks, **sizes))
    return zoo.TextModel(model, pipeline, tasks)


def language_model(pipeline, name="moe_lm", **options):
    keras.utils.set_random_seed(3)
    known = zoo.describe(name).keywords
    sizes = {key: size for key, size in {**SIZES, **options}.items() if key in known}
    return zoo.LanguageModel(
        drawn(zoo.get(name, pipeline.vocab_size, **sizes)), pipeline, {}
    )


def layer_of(model, kind):
    [layer] = [layer for layer in model.layers if isinstance(layer, kind)]
    return layer


def states_of(model, layer, inputs):
    """What a layer reads of unpadded ids, `[time, width]`."""
    given = keras.tree.flatten(layer.input)[0]
    found = keras.Model(model.input, given)(inputs, training=False)
    return ops.convert_to_numpy(found)[0]


def softmax(x):
    x = np.exp(x - x.max())
    return x / x.sum()


def assert_chosen(layer, states, choices):
    """Top k of the logits, with the softmax of these as gates."""
    kernel = ops.convert_to_numpy(layer.gate.kernel)
    for state, choice in zip(states, choices, strict=True):
        logits = state @ kernel
        expected = np.argsort(-logits)[: layer.k]
        assert choice.experts == tuple(expected)
        assert choice.gates == pytest.approx(softmax(logits[expected]), abs=1e-5)


@pytest.fixture(scope="module")
def mixed(pipeline):
    return classifier("moe_classifier", pipeline, pooling="attention")


def test_a_classifier_chooses_experts_for_its_tokens(mixed, pipeline):
    layer = layer_of(mixed.model, SparseMoE)
    for text, [found] in zip(TEXTS, mixed.experts(TEXTS), strict=True):
        assert (found.layer, found.num_experts, found.per) == ("experts", 6, "token")
        assert [choice.text for choice in found.choices] == text.split()
        if text:
            [ids] = pipeline.encode([text])
            states = states_of(mixed.model, layer, ids[None])
            assert_chosen(layer, states, found.choices)


def test_a_classifier_pools_by_attention(mixed, pipeline):
    layer = layer_of(mixed.model, AttentionPooling)
    for text, found in zip(TEXTS, mixed.attention(TEXTS), strict=True):
        assert [*found.source] == text.split()
        assert found.target == (("features",) if text else ())
        assert found.weights.shape == (len(found.target), len(found.source))
        if text:
            [ids] = pipeline.encode([text])
            states = states_of(mixed.model, layer, ids[None])
            kernel, bias, query = (ops.convert_to_numpy(w) for w in layer.weights)
            expected = softmax(np.tanh(states @ kernel + bias) @ query[:, 0])
            np.testing.assert_allclose(found.weights[0], expected, rtol=1e-4)


def test_no_text_depends_on_its_batch(mixed):
    together = mixed.experts(TEXTS)
    weights = mixed.attention(TEXTS)
    for row, text in enumerate(TEXTS):
        [[alone]] = mixed.experts([text])
        for one, other in zip(alone.choices, together[row][0].choices, strict=True):
            assert (one.text, one.experts) == (other.text, other.experts)
            assert one.gates == pytest.approx(other.gates, abs=1e-5)
        [seen] = mixed.attention([text])
        np.testing.assert_allclose(seen.weights, weights[row].weights, atol=1e-5)
    assert mixed.experts([]) == [] == mixed.attention([])


def test_long_texts_and_more_texts_than_a_batch(mixed):
    most = mixed.pipeline.max_length
    [[found]] = mixed.experts(["so good " * 5000])
    assert len(found.choices) == most
    [seen] = mixed.attention(["so good " * 5000])
    assert len(seen.source) == most
    assert seen.weights.sum() == pytest.approx(1.0, abs=1e-4)
    many = [["so", "so good"][n % 2] for n in range(70)]
    sizes = [len(layer.choices) for [layer] in mixed.experts(many)]
    assert sizes == [1, 2] * 35


def test_a_gate_for_each_task(pipeline):
    model = classifier("moe_mt", pipeline)
    layer = layer_of(model.model, SparseMoE)
    kernel = ops.convert_to_numpy(layer.gate.kernel)
    for text, [found] in zip(TEXTS, model.experts(TEXTS), strict=True):
        assert found.per == "task"
        assert [choice.text for choice in found.choices] == [*TASKS]
        [ids] = pipeline.encode([text])
        states = states_of(model.model, layer, ids[None])
        for gate, choice in enumerate(found.choices):
            logits = states[gate] @ kernel[gate]
            assert choice.experts == tuple(np.argsort(-logits)[: layer.k])
    assert not model.has_attention
    with pytest.raises(ValueError, match="needs a model with attention.*moe_mt"):
        model.attention(["so"])


def test_a_language_model_begins_with_the_end_token(pipeline):
    model = language_model(pipeline)
    layer = layer_of(model.model, SparseMoE)
    state = np.zeros((1, model.model.input["state"].shape[-1]), "float32")
    for text, [found] in zip(TEXTS, model.experts(TEXTS), strict=True):
        assert [choice.text for choice in found.choices] == ["[END]", *text.split()]
        ids = np.array([[3, *(pipeline.encode([text])[0] if text else [])]], "int32")
        states = states_of(model.model, layer, {"tokens": ids, "state": state})
        assert_chosen(layer, states, found.choices)


def test_two_levels_of_gates_multiply(pipeline):
    model = language_model(pipeline, "moe_lm_h", groups=3)
    [[found]] = model.experts(["so good"])
    for choice in found.choices:
        assert len(set(choice.experts)) == 4 and sum(choice.gates) == pytest.approx(1)
        assert len({expert // 2 for expert in choice.experts}) == 2  # of 3 groups
        assert [*choice.gates] == sorted(choice.gates, reverse=True)


@pytest.fixture(scope="module")
def translator():
    """Without a vocabulary of pieces, of words alone, and with gates that differ."""
    pipeline = translated_toys.pipeline(tokenizer="whitespace")
    model = drawn(build(("moe_seq2seq", {}), *pipeline.sizes, seed=3))
    return zoo.TranslationModel(model, pipeline, {}, {"settings": {"beam": 2}})


SOURCES = ["One and two!", "", "three and four and one!"]


@pytest.mark.slow
def test_a_translation_looks_at_its_source(translator):
    """The weights are those of the attention's formula, on the model's own states."""
    model, pipeline = translator.model, translator.pipeline
    layer = model.get_layer("attention")
    queries, memory, _ = keras.tree.flatten(layer.input)
    read = keras.Model(model.input, [queries, memory])
    answers = translator.predict(SOURCES)
    for text, answer, found in zip(
        SOURCES, answers, translator.attention(SOURCES), strict=True
    ):
        if not text:
            assert found.weights.shape == (0, 0) and found.source == found.target == ()
            continue
        assert [*found.source] == [*text.split(), "[END]"]
        written = [word for word in found.target if word != "[END]"]
        assert " ".join(written) == answer["translation"]
        ids = [pipeline.target.vocabulary.index(word) for word in found.target]
        source, _ = pipeline.read([text])
        given = {
            "source": source.to_tensor().numpy(),
            "target": np.array([[2, *ids[:-1]]], "int32"),
        }
        states, keys = (ops.convert_to_numpy(x)[0] for x in read(given, training=False))
        u, w, v = (ops.convert_to_numpy(x) for x in layer.weights)
        scores = (np.tanh(states @ u) * v) @ np.tanh(keys @ w).T
        expected = np.array([softmax(row) for row in scores])
        np.testing.assert_allclose(found.weights, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_both_sides_of_a_translation_choose_experts(translator):
    seen = translator.attention(SOURCES)
    for found, attention in zip(translator.experts(SOURCES), seen, strict=True):
        encoder, decoder = found
        assert (encoder.layer, decoder.layer) == ("encoder_experts", "decoder_experts")
        assert [choice.text for choice in encoder.choices] == [*attention.source]
        begun = ["[BEGIN]", *attention.target][: len(attention.target)]
        assert [choice.text for choice in decoder.choices] == begun
        for choice in (*encoder.choices, *decoder.choices):
            assert len(choice.experts) == 2 and sum(choice.gates) == pytest.approx(1)


@pytest.mark.slow
def test_pieces_of_words_are_added_up():
    model = zoo.load(SAVED / "translation")
    [whole], [pieces] = (
        ask(["a good"]) for ask in (model.attention, model._attention_of_pieces)
    )
    assert [*whole.source] == ["a", "good", "[END]"]
    sides = model.pipeline.source, model.pipeline.target
    (_, columns), (_, rows) = (
        side.words(names)
        for side, names in zip(sides, (pieces.source, pieces.target), strict=True)
    )
    assert len(pieces.source) == sum(columns) > 3
    by_column = np.repeat(range(3), columns) == np.arange(3)[:, None]
    by_row = np.repeat(range(len(rows)), rows) == np.arange(len(rows))[:, None]
    expected = by_row @ pieces.weights @ by_column.T / np.array(rows)[:, None]
    np.testing.assert_allclose(whole.weights, expected, rtol=1e-5)
    np.testing.assert_allclose(whole.weights.sum(axis=1), 1.0, rtol=1e-5)


def test_what_has_neither_says_so():
    tagger = zoo.load(SAVED / "tagging")
    assert not tagger.has_experts and not tagger.has_attention
    for ask in (tagger.experts, tagger.attention):
        with pytest.raises(ValueError, match=re.compile(r"needs .+'tagging'", re.S)):
            ask(["a"])


def test_answers_are_checked_as_those_of_predict(mixed):
    for ask in (mixed.experts, mixed.attention):
        with pytest.raises(ValueError, match="must be a list of strings"):
            ask("so good")


def test_json_holds_what_was_chosen(mixed):
    [[experts]], [seen] = mixed.experts(["so"]), mixed.attention(["so"])
    found = json.loads(json.dumps([experts.to_json(), seen.to_json()]))
    assert set(found[0]) == {"layer", "num_experts", "per", "choices"}
    assert set(found[0]["choices"][0]) == {"text", "experts", "gates"}
    assert found[1] == {"source": ["so"], "target": ["features"], "weights": [[1.0]]}


def own(pipeline, inside: bool):
    """A model of one's own: experts of texts, in a model that it calls or not."""
    tokens = keras.Input((None,), dtype="int32", name="words")
    states = keras.layers.Embedding(pipeline.vocab_size, 4)(tokens)
    given = keras.Input((4,))
    moe = SparseMoE(3, 1, 4, name="of_texts")
    pooled = keras.layers.GlobalMaxPooling1D()(states)
    y = keras.Model(given, moe(given))(pooled) if inside else moe(pooled)
    return zoo.TextModel(
        keras.Model(tokens, keras.layers.Dense(2)(y)), pipeline, ["a", "b"]
    )


def test_a_tagger_chooses_experts_for_words():
    pipeline = zoo.TaggingPipeline.learn([["To", "Rome"], ["to", "Bari"]])
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    letters = keras.Input((None, None), dtype="int32", name="characters")
    states = keras.layers.Embedding(pipeline.vocab_size, 4)(tokens)
    spelled = keras.layers.Embedding(pipeline.character_count, 4)(letters)
    states = states + keras.ops.sum(spelled, axis=2)
    moe = SparseMoE(6, 2, 4, name="moe")
    tags = keras.layers.Dense(2)(moe(states, mask=PaddingMask()(tokens)))
    model = drawn(keras.Model({"tokens": tokens, "characters": letters}, {"ner": tags}))
    tagger = zoo.TaggingModel(model, pipeline, {"ner": zoo.Task("tags", ("O", "B-x"))})
    texts = ["to Rome", ["Bari"], ""]
    found = [layer.choices for [layer] in tagger.experts(texts)]
    words = [[choice.text for choice in choices] for choices in found]
    assert words == [["to", "Rome"], ["Bari"], []]
    given = pipeline.inputs(tf.ragged.constant([["to", "Rome"]]))
    assert_chosen(moe, states_of(model, moe, given), found[0])


def test_pairs_have_the_end_token_between_them():
    counts = zoo.TextPipeline.count(["so good", "so bad"])
    pipeline = zoo.TextPipeline.of_counts(counts, min_count=1, pairs=True)
    tokens = keras.Input((None,), dtype="int32")
    states = keras.layers.Embedding(pipeline.vocab_size, 4)(tokens)
    moe = SparseMoE(3, 1, 4, name="moe")
    pooled = keras.layers.GlobalMaxPooling1D()(moe(states))
    model = zoo.TextModel(
        keras.Model(tokens, keras.layers.Dense(2)(pooled)), pipeline, ["a", "b"]
    )
    [found], [empty] = model.experts([("so", "so bad"), ("", "")])
    assert [choice.text for choice in found.choices] == ["so", "[END]", "so", "bad"]
    assert [choice.text for choice in empty.choices] == ["[UNK]", "[END]", "[UNK]"]


@pytest.mark.parametrize("inside", [False, True])
def test_experts_of_whole_texts(pipeline, inside):
    for [found] in own(pipeline, inside).experts(["so good", ""]):
        assert found.per == "text" and found.layer == "of_texts"
        [choice] = found.choices
        assert choice.text == "" and choice.gates == (1.0,)


def test_experts_of_places(pipeline):
    tokens = keras.Input((None,), dtype="int32")
    states = keras.layers.Embedding(pipeline.vocab_size, 4)(tokens)
    pooled = keras.layers.GlobalMaxPooling1D()(states)
    moe = SparseMoE(3, 1, 4, name="moe")(keras.layers.RepeatVector(3)(pooled))
    logits = keras.layers.Dense(2)(keras.layers.GlobalMaxPooling1D()(moe))
    model = zoo.TextModel(keras.Model(tokens, logits), pipeline, ["a", "b"])
    [[found]] = model.experts(["so good"])
    assert found.per == "place"
    assert [choice.text for choice in found.choices] == ["0", "1", "2"]


def test_other_axes_than_those_of_tokens_are_an_error(pipeline):
    tokens = keras.Input((None,), dtype="int32")
    states = keras.layers.Embedding(pipeline.vocab_size, 4)(tokens)
    states = keras.layers.Concatenate(axis=1)([states, states])
    pooled = keras.layers.GlobalMaxPooling1D()(SparseMoE(3, 1, 4, name="moe")(states))
    model = zoo.TextModel(
        keras.Model(tokens, keras.layers.Dense(2)(pooled)), pipeline, ["a", "b"]
    )
    message = "'moe' a vector for each token.*Accepted: 2 vectors.*Received: 4"
    with pytest.raises(ValueError, match=message):
        model.experts(["so good"])
