"""The signatures beside `serving_default`: classify, regress and embed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

import keras  # noqa: E402
from tensorflow.core.protobuf import saved_model_pb2  # noqa: E402
from tiny_export import (  # noqa: E402
    EXTRA,
    TASKS,
    TEXTS,
    TOPIC,
    answers_of_python,
    run,
)

import zoo  # noqa: E402
from zoo.families.classification.embedding import sentence_features  # noqa: E402
from zoo.families.classification.examples import example_signatures  # noqa: E402
from zoo.serving import ServedModel  # noqa: E402
from zoo.serving.method_names import as_example  # noqa: E402
from zoo.tasks import Task, as_tasks  # noqa: E402

pytestmark = pytest.mark.tensorflow
API = {
    "classify": "tensorflow/serving/classify",
    "regress": "tensorflow/serving/regress",
}


def ask(folder, signature, examples):
    """Through the loader of TF Serving's core."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(folder))
        signature = graph.signature_def[signature]
        outputs = {key: info.name for key, info in signature.outputs.items()}
        return session.run(outputs, {signature.inputs["inputs"].name: examples})


def example(**features):
    """A `tf.Example` by its definition, not by our code."""
    message = tf.train.Example()
    for name, value in features.items():
        message.features.feature[name].bytes_list.value.append(value)
    return message.SerializeToString()


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.parametrize(
    "signature, task",
    [("classify", TOPIC), ("classify_task_0", TOPIC), ("classify_tags", "tags")],
)
def test_classify(published, model, pipeline, signature, task):
    texts = [text.encode() for text in TEXTS] + EXTRA
    examples = [example(text=text, other=b"is ignored") for text in texts]
    served = ask(published, signature, examples)
    _, scores = answers_of_python(model, pipeline, texts)[task]
    np.testing.assert_allclose(served["scores"], scores, atol=1e-5)
    labels = [label.encode() for label in TASKS[task].labels]
    assert served["classes"].tolist() == [labels] * len(texts)
    assert ask(published, signature, [])["classes"].shape == (0, 3)


@pytest.mark.parametrize("signature", ["regress", "regress_price"])
def test_regress(published, model, pipeline, signature):
    texts = [text.encode() for text in TEXTS] + EXTRA
    served = ask(published, signature, [as_example(text) for text in texts])
    _, values = answers_of_python(model, pipeline, texts)["price"]
    assert list(served) == ["outputs"]  # a second output would be refused
    np.testing.assert_allclose(served["outputs"], values, atol=1e-5)


@pytest.mark.parametrize("bad", [example(txt=b"a"), b"\xff\xff"])
def test_an_example_without_a_text_is_an_error(published, bad):
    # TensorFlow's message quotes the bytes, which Python may then fail to decode.
    with pytest.raises((tf.errors.InvalidArgumentError, UnicodeDecodeError)):
        ask(published, "classify", [example(text=b"good"), bad])


def test_the_method_names_are_those_of_the_apis(published):
    content = (published / "saved_model.pb").read_bytes()
    [graph] = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    names = {
        name: signature.method_name
        for name, signature in graph.signature_def.items()
        if not name.startswith("__")
    }
    for name, method in names.items():
        api = name.split("_")[0]
        assert method == API.get(api, "tensorflow/serving/predict"), name
    assert {"classify", "regress", "serving_default", "tokens"} <= set(names)


def test_outputs_that_json_keeps(published):
    """REST drops the name of a lone output and takes `_bytes` for binary."""
    content = (published / "saved_model.pb").read_bytes()
    [graph] = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    for name, signature in graph.signature_def.items():
        if not name.startswith(("__", "regress")):
            assert len(signature.outputs) >= 2, name
        assert not any(key.endswith("_bytes") for key in signature.outputs)


def test_which_task_a_signature_answers():
    many = as_tasks({"stars": "regression", "mood": 2, "age": "regression", "a": 3})
    assert example_signatures(many) == {
        "regress": "stars",
        "regress_stars": "stars",
        "classify": "mood",
        "classify_mood": "mood",
        "regress_age": "age",
        "classify_a": "a",
    }
    assert example_signatures(as_tasks(3)) == {"classify": "label"}


@pytest.mark.slow
def test_the_sentence_vector_is_what_the_head_reads(pipeline, tmp_path, unchecked):
    model = zoo.get("bilstm", pipeline.vocab_size, 3, embedding_dim=8, units=4)
    path = zoo.export(model, pipeline, tmp_path, tasks=as_tasks(3))
    served = run(path, TEXTS + [""], "embed")
    assert served["embedding"].shape == (6, 8)
    assert served["length"].tolist() == [3, 3, 2, 3, 3, 1]
    kernel, bias = model.get_layer("head_label").get_weights()
    scores = softmax(served["embedding"] @ kernel + bias)
    np.testing.assert_allclose(
        run(path, TEXTS + [""])["scores"], scores, rtol=1e-4, atol=1e-6
    )


@pytest.mark.slow
def test_heads_with_features_of_their_own(pipeline, tmp_path, unchecked):
    tasks = as_tasks({"a": 2, "\u4e2d": 2})
    sizes = {"embedding_dim": 8, "units": 4, "private_units": 3, "ngrams": ()}
    model = zoo.get("bilstm_mt", pipeline.vocab_size, tasks, **sizes)
    path = zoo.export(model, pipeline, tmp_path, tasks=tasks, examples=TEXTS)
    vectors = run(path, TEXTS, "embed")["embedding"]
    assert vectors.shape == (5, 6)  # side by side, in the order of the tasks
    ids = pipeline(TEXTS)
    for place, task in enumerate(("a", "task_1")):
        layer = model.get_layer(f"private_{task}_dropout")
        features = keras.Model(model.input, layer.output)(ids)
        np.testing.assert_allclose(
            vectors[:, 3 * place : 3 * place + 3], features, atol=1e-5
        )


def test_a_model_of_models_has_a_sentence_vector(pipeline):
    tasks = as_tasks({"a": 2, "b": 3})
    tokens = keras.Input((None,), dtype="int32")
    options = {"embedding_dim": 8, "units": 4}
    both = zoo.get("lstm", pipeline.vocab_size, tasks, **options)
    parts = [keras.Model(both.input, {name: both.output[name]}) for name in tasks]
    for index, part in enumerate(parts):
        part.name = f"part_{index}"
    outputs = {name: part(tokens)[name] for name, part in zip(tasks, parts)}
    features = sentence_features(keras.Model(tokens, outputs), tasks)
    assert features.shape == (None, 8)


def test_models_without_the_heads_of_the_zoo(published, model):
    assert sentence_features(model, TASKS) is None
    content = (published / "saved_model.pb").read_bytes()
    [graph] = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    assert "embed" not in graph.signature_def


@pytest.mark.slow
def test_temperature_and_abstaining(pipeline, model, tmp_path):
    texts = [text.encode() for text in TEXTS] + EXTRA
    logits = {name: np.array(y) for name, y in model(pipeline(texts)).items()}
    scores = softmax(logits[TOPIC] / 4)
    low, high = sorted(set(scores.max(-1).round(4).tolist()))[:2]
    tasks = {
        **TASKS,
        TOPIC: replace(TASKS[TOPIC], temperature=4.0, abstain=(low + high) / 2),
        "tags": replace(TASKS["tags"], temperature=0.5),
    }
    path = zoo.export(model, pipeline, tmp_path, tasks=tasks)
    served = run(path, texts)
    np.testing.assert_allclose(served[f"{TOPIC}_scores"], scores, atol=1e-5)
    sigmoid = 1 / (1 + np.exp(-logits["tags"] / 0.5))
    np.testing.assert_allclose(served["tags_scores"], sigmoid, atol=1e-5)
    unsure = scores.max(-1) < tasks[TOPIC].abstain
    assert unsure.any() and not unsure.all()
    assert served[f"{TOPIC}_abstained"].tolist() == unsure.tolist()
    labels = np.array(TASKS[TOPIC].labels)[scores.argmax(-1)]
    labels = ["" if flag else label for flag, label in zip(unsure, labels)]
    assert [label.decode() for label in served[f"{TOPIC}_label"]] == labels
    classified = ask(path, "classify", [as_example(text) for text in texts])
    np.testing.assert_allclose(classified["scores"], scores, atol=1e-5)
    python = zoo.TextModel(model, pipeline, tasks).predict(texts)
    for answer, other in zip(ServedModel(path).predict(texts), python, strict=True):
        assert answer[TOPIC]["abstained"] == other[TOPIC]["abstained"]
        assert answer[TOPIC]["label"] == other[TOPIC]["label"]
        assert "abstained" not in answer["tags"]


@pytest.mark.parametrize(
    "kind, changes, message",
    [
        ("categories", {"temperature": 0.0}, "`temperature` must be positive"),
        ("categories", {"temperature": float("inf")}, "positive and finite"),
        ("categories", {"abstain": 1.0}, "below 1.*abstain=1.0"),
        ("categories", {"abstain": float("nan")}, "`abstain` must be"),
        ("multilabel", {"abstain": 0.5}, "other kinds.*for multilabel"),
    ],
)
def test_temperatures_and_thresholds_that_cannot_be(kind, changes, message):
    with pytest.raises(ValueError, match=message):
        Task(kind, ("a", "b"), **changes)
