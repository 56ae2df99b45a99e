"""A tiny model of three tasks, and ways to ask it, for the tests of the export."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.serving import publish
from zoo.tasks import Task, as_tasks
from zoo.text import TextPipeline

TOPIC = "d\u00eda \u4e2d\u6587/1"  # a column's name may hold anything
TASKS = as_tasks(
    {
        TOPIC: ["neg", "pos", "\u00fcn\u00ef\u4e2d"],
        "tags": Task("multilabel", ("a", "b\u00e9", "c d")),
        "price": Task("regression", mean=3.0, scale=2.0),
    }
)
TEXTS = ["a good day", "a bad day", "good good", "\u5f88\u597d ok", "nothing at all"]
EXTRA = [b"", b"\xff\xfe", b"good", "\u5f88\u597d".encode(), b"day " * 900]


@keras.saving.register_keras_serializable(package="zoo_test")
class MaskedMean(keras.layers.Layer):
    def call(self, inputs, ids):
        mask = keras.ops.cast(ids != 0, inputs.dtype)[..., None]
        total = keras.ops.sum(inputs * mask, axis=1)
        return total / keras.ops.maximum(keras.ops.sum(mask, axis=1), 1.0)


class Mean(MaskedMean):
    """A wrong layer: padding counts."""

    def call(self, inputs, ids):
        return keras.ops.mean(inputs, axis=1)


def build(vocab_size, tasks, pooling=MaskedMean, scale=20.0):
    keras.utils.set_random_seed(0)
    ids = keras.Input((None,), dtype="int32", name="tokens")
    x = keras.layers.Embedding(
        vocab_size, 8, embeddings_initializer="normal", name="embedding"
    )(ids)
    x = keras.layers.Dropout(0.5)(x)
    x = pooling()(x, ids) * scale
    outputs = {
        name: keras.layers.Dense(task.outputs, bias_initializer="normal")(x)
        for name, task in tasks.items()
    }
    return keras.Model(ids, outputs, name="tiny")


def answers_of_python(model, pipeline, texts):
    """Labels and scores from the definition, in NumPy."""
    logits = {k: np.array(v) for k, v in model(pipeline(texts)).items()}
    topic, tags, price = (logits[name] for name in TASKS)
    price = 3.0 + 2.0 * price.astype("float64")
    powers = np.exp(topic - topic.max(-1, keepdims=True))
    sigmoid = 1 / (1 + np.exp(-tags))
    names = np.array(TASKS["tags"].labels, object)
    return {
        TOPIC: (
            [TASKS[TOPIC].labels[i] for i in topic.argmax(-1)],
            powers / powers.sum(-1, keepdims=True),
        ),
        "tags": (["|".join(names[row > 0.5]) for row in sigmoid], sigmoid),
        "price": ([f"{value:.17g}" for value in price[:, 0]], price),
    }


def run(folder, texts, signature="serving_default"):
    """Through the loader of TF Serving's core."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(folder))
        signature = graph.signature_def[signature]
        outputs = {key: info.name for key, info in signature.outputs.items()}
        return session.run(outputs, {signature.inputs["text"].name: texts})


@pytest.fixture(scope="session")
def pipeline():
    return TextPipeline.learn(TEXTS, min_count=1, max_length=64)


@pytest.fixture(scope="session")
def model(pipeline):
    return build(pipeline.vocab_size, TASKS)


@pytest.fixture(scope="session")
def published(model, pipeline, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved_models") / "tiny"
    path = zoo.export(
        model, pipeline, folder, tasks=TASKS, examples=TEXTS, metadata={"seed": 3}
    )
    return path


@pytest.fixture
def unchecked(monkeypatch):
    """For tests of what comes before and after the check, which takes seconds."""
    monkeypatch.setattr(publish, "_self_check", lambda folder: None)
