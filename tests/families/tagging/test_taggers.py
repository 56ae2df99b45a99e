"""Taggers: shapes, gradients, padding, XLA, learning, saving and serving."""

from __future__ import annotations

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from marks import slow_but
from tagged_toys import SLOTS, build, pipeline, sentences, settings, tasks

import zoo
from zoo.data.tag_schemes import first_violation
from zoo.families.tagging.batches import TaggedBatches, encode_targets
from zoo.families.tagging.decoder import Decoder
from zoo.families.tagging.fitting import tag_sentences, train_tagger, trainer
from zoo.families.tagging.metrics import entity_scores
from zoo.families.tagging.model import TaggingModel
from zoo.families.tagging.servable import ServedTagger
from zoo.families.tagging.settings import TaggingSettings
from zoo.kernels.packed import packing_of
from zoo.serving import ServedModel
from zoo.serving.expected import ODD
from zoo.tasks import Task

pytestmark = pytest.mark.tensorflow

ROWS = [
    ("bilstm_tagger", "cnn"),
    ("bilstm_tagger", "none"),
    ("bilstm_crf", "cnn"),
    ("bilstm_crf", "lstm"),
]
every_row = pytest.mark.parametrize("row", slow_but(ROWS[::3], ROWS), ids="-".join)


def inputs(model, words, more: int = 0):
    """The model's inputs for sentences of words, with more padding on demand."""
    found = pipeline().inputs(tf.ragged.constant(words))
    padded = {
        name: np.pad(array.numpy(), [(0, 0)] + [(0, more)] * (array.ndim - 1))
        for name, array in found.items()
    }
    return {name: padded[name] for name in model.input}


def outputs(model, words, more: int = 0):
    found = model(inputs(model, words, more), training=False)
    return {name: keras.ops.convert_to_numpy(found[name]) for name in model.output}


def loss_and_gradients(model, batch, compiled=False, training=False):
    fitted = trainer(model, tasks())
    given, targets, weights = batch

    def function(given, targets, weights):
        with tf.GradientTape() as tape:
            found = fitted(given, training=training)
            loss = sum(
                tf.reduce_sum(found[name] * weights[name])
                if found[name].shape.rank == 1
                else tf.reduce_sum(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(
                        targets[name], found[name]
                    )
                    * weights[name]
                )
                for name in targets
            )
        values = [v.value for v in model.trainable_variables]
        return loss, [tf.convert_to_tensor(g) for g in tape.gradient(loss, values)]

    if compiled:
        function = tf.function(function, jit_compile=True)
    loss, found = function(given, targets, weights)
    return float(loss), [gradient.numpy() for gradient in found]


def batch_of(model, data, **options):
    fitted = trainer(model, tasks())
    encoded = pipeline().encode(data.tokens)
    return TaggedBatches(
        encoded,
        encode_targets(data, tasks()),
        batch_size=len(data),
        buckets=1,
        inputs=fitted.input,
        **options,
    )[0]


def test_every_tagger_is_here():
    assert {name for name, _ in ROWS} == set(zoo.list_models(task="tagging"))


@every_row
def test_outputs_are_those_of_the_tasks(row):
    model = build(*row)
    names = ["tokens"] if row[1] == "none" else ["characters", "tokens"]
    assert sorted(model.input) == names and list(model.output) == [SLOTS, "intent"]
    for words in ([["go"]], [["go", "to", "Bari"], ["eat"], []]):
        found = outputs(model, words)
        time = max(map(len, words))
        assert found[SLOTS].shape == (len(words), time, 5)
        assert found["intent"].shape == (len(words), 2)
        assert all(np.isfinite(array).all() for array in found.values())


@every_row
def test_padding_and_the_batch_change_nothing(row):
    model = build(*row)
    words = [["go", "to", "New1", "York"], ["eat"], ["\u597d" * 40, "x"]]
    expected = outputs(model, words)
    padded = outputs(model, words, more=9)
    for place, sentence in enumerate(words):
        alone = outputs(model, [sentence])
        for found, at in ((padded, place), (alone, 0)):
            close = {"rtol": 1e-5, "atol": 2e-6}
            for name, cut in ((SLOTS, len(sentence)), ("intent", 2)):
                np.testing.assert_allclose(
                    found[name][at][:cut], expected[name][place][:cut], **close
                )


@every_row
def test_every_weight_gets_a_gradient(row):
    model = build(*row)
    loss, gradients = loss_and_gradients(model, batch_of(model, sentences(12)))
    assert np.isfinite(loss)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert np.isfinite(gradient).all() and gradient.any(), variable.path


@pytest.mark.slow
def test_xla_agrees():
    model = build("bilstm_crf")
    batch = batch_of(model, sentences(6))
    loss, gradients = loss_and_gradients(model, batch)
    compiled, others = loss_and_gradients(model, batch, compiled=True)
    assert compiled == pytest.approx(loss, rel=1e-5)
    for gradient, other in zip(gradients, others, strict=True):
        np.testing.assert_allclose(other, gradient, rtol=1e-3, atol=1e-5)


def test_a_few_sentences_are_read_in_one_batch():
    """Without rows of padding; they took a batch for each of several lengths."""
    encoded = pipeline().encode([["go"] * length for length in (1, 9, 17, 25)])
    batches = TaggedBatches(encoded, batch_size=4, buckets=4)
    [(inputs,)] = [batches[index] for index in range(len(batches))]
    assert inputs["tokens"].shape == (4, 32)
    own = [np.zeros(length, int) for length in (1, 9, 17, 25)]
    trained = TaggedBatches(encoded, {"slots": own}, batch_size=4, buckets=4)
    assert len(trained) == 4 and len(trained[0][0]["tokens"]) == 4


def test_batches_of_training():
    data, known = sentences(30), pipeline()
    encoded, rare = known.encode(data.tokens), np.ones(known.vocab_size, bool)
    rare[known.vocabulary.index("york")] = False
    batches = TaggedBatches(
        encoded,
        encode_targets(data, tasks()),
        batch_size=7,
        buckets=2,
        shuffle=True,
        seed=1,
        inputs=("tokens", "characters", "task_0_ids"),
        rare=rare,
        replaced=0.5,
    )
    first = [batches[index] for index in range(len(batches))]
    real = sum(int((x["tokens"] > 0).sum()) for x, _, _ in first)
    assert real == sum(map(len, data.tokens))
    unknown = sum(int((x["tokens"] == 1).sum()) for x, _, _ in first)
    york = sum(
        int((x["tokens"] == known.vocabulary.index("york")).sum()) for x, _, _ in first
    )
    assert york == sum(words.count("York") for words in data.tokens)
    assert 0.3 < unknown / (real - york) < 0.7
    for x, targets, weights in first:
        np.testing.assert_array_equal(x["task_0_ids"], targets["task_0"])
        assert weights["task_0"].shape == weights["intent"].shape == (7,)
        assert weights["intent"].tolist() == (x["tokens"][:, 0] > 0).tolist()
    batches.start_at(1)
    other = [batches[index][0]["tokens"].tolist() for index in range(len(batches))]
    batches.start_at(0)
    again = [batches[index][0]["tokens"].tolist() for index in range(len(batches))]
    assert again == [x["tokens"].tolist() for x, _, _ in first] != other


@pytest.fixture(scope="module")
def trained():
    data, valid = sentences(64), sentences(24, 1)
    name, known = "bilstm_crf", pipeline()
    model = build(name)
    history = train_tagger(
        model,
        tasks(),
        (known.encode(data.tokens), data),
        (known.encode(valid.tokens), valid),
        settings(name, average=0.5),
        verbose=False,
    )
    return TaggingModel(model, known, tasks(), {"name": name}), history


@pytest.mark.slow
def test_it_learns_a_toy_language(trained):
    """`bilstm_tagger` does in test_tagging_recipe.py."""
    model, history = trained
    data = sentences(40, 9)
    answers = model.predict(data.tokens)
    found = [answer["tags"][SLOTS] for answer in answers]
    assert entity_scores(data.tags[SLOTS], found)["f1"] == 1.0
    intents = [answer["labels"]["intent"]["label"] for answer in answers]
    assert intents == data.labels["intent"]
    assert max(logs["val_score"] for logs in history) == 1.0
    assert {"val_task_0_f1", "val_intent_accuracy", "seconds"} <= set(history[0])


@pytest.mark.slow
def test_validation_without_entities_is_of_the_other_tasks():
    data, valid = sentences(16), sentences(8, 1)
    valid = replace(valid, tags={SLOTS: [["O"] * len(t) for t in valid.tokens]})
    known, name = pipeline(), "bilstm_tagger"
    [logs] = train_tagger(
        build(name),
        tasks(),
        (known.encode(data.tokens), data),
        (known.encode(valid.tokens), valid),
        settings(name, epochs=1),
        verbose=False,
    )
    assert np.isnan(logs["val_task_0_f1"])
    assert logs["val_score"] == logs["val_intent_accuracy"]
    assert logs["score"] == (logs["val_score"], logs["val_token_accuracy"])


@pytest.mark.slow
def test_texts_and_words(trained):
    model, _ = trained
    text, words, empty, one = model.predict(
        ["eat Apple1\u00a0!", ["eat", "Apple1", ""], "", "York"]
    )
    assert text["tokens"] == ["eat", "Apple1", "!"]
    assert text["offsets"] == [[0, 3], [4, 10], [12, 13]]
    [same] = model.predict([["eat", "Apple1", "!"]])
    assert (text["tokens"], text["tags"]) == (same["tokens"], same["tags"])
    assert "offsets" not in words and len(words["tags"][SLOTS]) == 3
    assert empty["tokens"] == empty["tags"][SLOTS] == empty["scores"][SLOTS] == []
    assert set(empty["labels"]["intent"]["scores"]) == {"dine", "travel"}
    assert len(one["tags"][SLOTS]) == 1 and 0 < one["scores"][SLOTS][0] <= 1
    assert model.predict([]) == []
    with pytest.raises(ValueError, match="one str"):
        model.predict("eat")


@pytest.mark.slow
def test_a_tag_for_every_word_of_a_long_sentence(trained):
    model, _ = trained
    [answer] = model.predict([["eat", "Apple1", "and", "Apple2", "and"] * 1000])
    assert len(answer["tags"][SLOTS]) == len(answer["scores"][SLOTS]) == 5000
    assert "" not in answer["tags"][SLOTS] and min(answer["scores"][SLOTS]) > 0


@pytest.mark.slow
def test_the_scheme_is_never_broken():
    model, generator = build("bilstm_crf", seed=3), np.random.default_rng(0)
    words = [str(number) for number in generator.integers(0, 9, 400)]
    names = np.array(tasks()[SLOTS].labels, object)
    decoder = Decoder(model, tasks())
    scale = 5 * generator.normal(size=(len(names),)).astype("float32")
    model.get_layer("head_task_0").bias.assign(scale)
    encoded = pipeline().encode([words[:start] for start in (1, 2, 9, 400)])
    for row in tag_sentences(decoder, encoded)[SLOTS]:
        assert first_violation(names[row["ids"]].tolist(), "BIO") is None


@pytest.mark.slow
def test_a_saved_tagger_comes_back(trained, tmp_path):
    model, _ = trained
    again = zoo.load(model.save(tmp_path / "tagger"))
    assert isinstance(again, TaggingModel) and again.tasks == model.tasks
    texts = [*map(str, ODD), ["eat", "Apple1"]]
    assert again.predict(texts) == model.predict(texts)


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """Checked in a fresh process by `zoo.export` itself."""
    model, _ = trained
    folder = tmp_path_factory.mktemp("served") / "tagger"
    zoo.export(
        model.model,
        model.pipeline,
        folder,
        tasks=model.tasks,
        examples=["go to New1 York and New2 York"],
    )
    return model, folder


@pytest.mark.slow
def test_the_served_tagger_answers_as_python_does(exported):
    model, folder = exported
    texts = [*ODD, "go to New1 York", "eat " * 700]
    served, expected = ServedModel(folder).predict(texts), model.predict(texts)
    for one, other in zip(served, expected, strict=True):
        for key in ("tokens", "offsets", "tags"):
            assert one[key] == other[key]
        np.testing.assert_allclose(
            one["scores"][SLOTS], other["scores"][SLOTS], atol=1e-5
        )
        labels = [answer["labels"]["intent"] for answer in (one, other)]
        assert labels[0]["label"] == labels[1]["label"]
        assert labels[0]["scores"] == pytest.approx(labels[1]["scores"], abs=1e-5)


def test_a_served_tagger_computes_no_padding(monkeypatch):
    found = []

    def packing(mask, kind):
        found.append(mask)
        return packing_of(mask, kind)

    monkeypatch.setattr("zoo.layers.recurrent.layer.packing_of", packing)
    model = build("bilstm_tagger")
    served = ServedTagger(model, pipeline(), tasks())
    served.endpoints["words"].get_concrete_function()
    assert len(found) == 2, "each direction"


@pytest.mark.slow
def test_signatures(exported):
    model, folder = exported
    metadata = json.loads((folder / "1/metadata.json").read_text("utf-8"))
    shared = {"lengths", "tags", "tag_scores", "intent_label", "intent_scores"}
    found = {name: set(s["outputs"]) for name, s in metadata["signatures"].items()}
    assert found == {
        "serving_default": {"tokens", "starts", "ends", *shared},
        "words": shared,
        "tokens": {"ids", "tokens", "length"},
    }
    words = [["go", "to", "New1", "York", ""], ["eat", "", "Apple1", "", ""], [""] * 5]
    tag = tf.saved_model.load(str(folder / "1")).signatures["words"]
    served = tag(words=tf.constant(words))
    assert served["lengths"].numpy().tolist() == [4, 3, 0]
    expected = model.predict([words[0][:4], words[1][:3], []])
    for row, answer in enumerate(expected):
        tags = [tag.decode() for tag in served["tags"][row].numpy() if tag]
        assert tags == answer["tags"][SLOTS]


@pytest.mark.slow
def test_an_empty_request_gets_an_empty_answer(exported):
    signatures = tf.saved_model.load(str(exported[1] / "1")).signatures
    for name, request in (
        ("serving_default", {"text": tf.zeros([0], tf.string)}),
        ("words", {"words": tf.zeros([0, 3], tf.string)}),
        ("words", {"words": tf.zeros([0, 0], tf.string)}),
    ):
        for key, output in signatures[name](**request).items():
            assert output.shape[0] == 0, (name, key)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": ["a", "b"]}, "must hold tags"),
        ({"characters": "wordpieces"}, "characters='wordpieces'"),
        ({"characters": "lstm", "character_units": 5}, "character_units=5"),
        ({"tasks": {"t": Task("tags", ("O", "X"), scheme="BIO")}}, "tags of BIO"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        zoo.get("bilstm_crf", 20, **options)


@pytest.mark.parametrize("share", [0.0, 1.5, 5, True, "half"])
def test_rare_words_are_replaced_by_a_share(share):
    with pytest.raises(ValueError, match="`replace_rare` must be.*at most 1, or none"):
        TaggingSettings(replace_rare=share)
    assert TaggingSettings(replace_rare=1).replace_rare == 1
