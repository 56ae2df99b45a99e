"""A functional model of one's own becomes a `TextModel` in one call."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo import layers
from zoo.tasks import Task

pytestmark = pytest.mark.tensorflow

TEXTS = [f"a {word} film, {n}" for n in range(30) for word in ("bad", "good")]
LABELS = np.array([0, 1] * 30)
TASKS = {"mood": ["bad", "good"]}


@pytest.fixture(scope="module")
def pipeline():
    return zoo.TextPipeline.learn(TEXTS)


def states(pipeline, tokens):
    """The states of one text, `[batch, units]`."""
    mask = layers.PaddingMask()(tokens)
    x = keras.layers.Embedding(pipeline.vocab_size, 8)(tokens)
    x = layers.GroupLSTM(8, groups=2, return_sequences=True)(x, mask=mask)
    x = x + layers.SparseMoE(4, k=2, hidden=8)(x, mask=mask)
    return layers.MaskedMaxPooling()(x, mask=mask)


@pytest.fixture(scope="module")
def fitted(pipeline):
    keras.utils.set_random_seed(0)
    tokens = keras.Input((None,), dtype="int32")
    logits = keras.layers.Dense(2)(states(pipeline, tokens))
    model = keras.Model(tokens, logits, name="own")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.03), loss, jit_compile=False)
    model.fit(pipeline(TEXTS), LABELS, epochs=4, verbose=0)
    return model


@pytest.fixture
def text_model(fitted, pipeline):
    return zoo.TextModel(fitted, pipeline, TASKS)


def test_it_predicts(text_model):
    answers = text_model.predict(["a good film, 3", "a bad film, 77"])
    assert [answer["mood"]["label"] for answer in answers] == ["good", "bad"]
    assert text_model.tasks == {"mood": Task("categories", ("bad", "good"))}


def test_logits_are_those_of_the_model(text_model, fitted, pipeline):
    expected = fitted(pipeline(TEXTS[:5])).numpy()
    found = text_model.logits(TEXTS[:5])["mood"]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_it_is_saved_loaded_and_measured(text_model, tmp_path):
    text_model.save(tmp_path / "run")
    loaded = zoo.load(tmp_path / "run")
    assert loaded.predict(TEXTS[:4]) == text_model.predict(TEXTS[:4])
    rows = zip(TEXTS, ["bad", "good"] * 30)
    scores = zoo.evaluate(tmp_path / "run", rows)
    assert scores["mood"] == zoo.evaluate(text_model, TEXTS_WITH_MOODS)["mood"]
    assert scores["mood"]["accuracy"] == 1.0


TEXTS_WITH_MOODS = [
    {"text": text, "mood": ["bad", "good"][n % 2]} for n, text in enumerate(TEXTS)
]


@pytest.mark.slow
def test_it_is_exported_as_those_of_the_zoo_are(text_model, tmp_path):
    from zoo.serving import ServedModel

    version = zoo.export(text_model, folder=tmp_path / "own", examples=TEXTS[:8])
    assert version == tmp_path / "own/1"
    served = ServedModel(version).predict(TEXTS[:4])
    python = text_model.predict(TEXTS[:4])
    for one, other in zip(served, python, strict=True):
        assert one["mood"]["label"] == other["mood"]["label"]


def test_several_tasks(pipeline):
    tokens = keras.Input((None,), dtype="int32")
    features = states(pipeline, tokens)
    outputs = {
        "mood": keras.layers.Dense(2)(features),
        "stars": keras.layers.Dense(1, activation="sigmoid")(features),
    }
    tasks = {**TASKS, "stars": "regression"}
    made = zoo.TextModel(keras.Model(tokens, outputs), pipeline, tasks)
    assert sorted(made.predict(["so good"])[0]) == ["mood", "stars"]


def of(pipeline, outputs, *, shape=(None,), rows=None):
    """A model whose outputs a function makes of the features."""
    tokens = keras.Input(shape, dtype="int32")
    x = keras.layers.Embedding(rows or pipeline.vocab_size, 4, name="words")(tokens)
    return keras.Model(tokens, outputs(keras.layers.GlobalMaxPooling1D()(x)))


def dense(*arguments, **options):
    return lambda x: keras.layers.Dense(*arguments, **options)(x)


def two_inputs(pipeline):
    tokens = [keras.Input((None,), dtype="int32") for _ in range(2)]
    both = keras.layers.Concatenate()(tokens)
    return keras.Model(tokens, dense(2)(keras.layers.Embedding(9, 2)(both)[:, 0]))


class Subclassed(keras.Model):
    def call(self, tokens):
        return tokens


WRONG = {
    "no model": (lambda p: object(), "`model` must be a Keras model.*object"),
    "subclassed": (lambda p: Subclassed(), "knows its inputs.*Received: Subclassed"),
    "two inputs": (two_inputs, "one input, the ids.*2 inputs"),
    "a fixed length": (
        lambda p: of(p, dense(2), shape=(16,)),
        r"texts of any length.*\(None, 16\)",
    ),
    "a width": (lambda p: of(p, dense(1)), r"\{'mood': 2\}. Received: \{'mood': 1\}"),
    "a name": (
        lambda p: of(p, lambda x: {"label": dense(2)(x)}),
        r"Received: \{'label': 2\}",
    ),
    "two outputs": (
        lambda p: of(p, lambda x: [dense(2)(x), dense(2)(x)]),
        "a dict with one output per task",
    ),
    "softmax": (
        lambda p: of(p, dense(2, activation="softmax")),
        "must give logits for the task 'mood'.*Received: softmax",
    ),
    "a layer": (
        lambda p: of(p, lambda x: keras.layers.Softmax()(dense(2)(x))),
        "must give logits.*Received: softmax",
    ),
    "an activation": (
        lambda p: of(p, lambda x: keras.layers.Activation("sigmoid")(dense(2)(x))),
        "must give logits.*Received: sigmoid",
    ),
    "an operation": (
        lambda p: of(p, lambda x: keras.ops.softmax(dense(2)(x))),
        "must give logits.*Received: softmax",
    ),
    "few rows": (
        lambda p: of(p, dense(2), rows=3),
        "embed every id of `pipeline`.*Received: 3 in the layer 'words'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_belong_together(case, pipeline):
    make, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        zoo.TextModel(make(pipeline), pipeline, TASKS)
