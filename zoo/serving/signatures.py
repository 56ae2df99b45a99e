"""The served object: what a request's text goes through, label names included."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from zoo.tasks import Task
from zoo.text import TextPipeline, as_bytes
from zoo.text.imports import tf

SEPARATOR = "|"
THRESHOLD = 0.5


def output_names(tasks: Mapping[str, Task]) -> dict[str, dict[str, str]]:
    """Names of the outputs of `serving_default`, for each task.

    Any Unicode name is a valid key of a signature, so tasks keep theirs.

    Example:
        >>> output_names({"label": Task("regression")})
        {'label': {'label': 'label', 'scores': 'scores'}}
        >>> output_names({"a": Task("regression"), "b": Task("regression")})["b"]
        {'label': 'b_label', 'scores': 'b_scores'}
    """
    if len(tasks) == 1:
        return {name: {"label": "label", "scores": "scores"} for name in tasks}
    return {
        name: {"label": f"{name}_label", "scores": f"{name}_scores"} for name in tasks
    }


class Served(tf.Module):
    """Owns the pipeline's tables and the model's weights, and nothing else of either.

    Args:
        model: see `zoo.export`.
        pipeline: a `TextPipeline`.
        tasks: a dict from name to `Task`.
    """

    def __init__(self, model: keras.Model, pipeline: TextPipeline, tasks):
        super().__init__(name="served")
        self.pipeline = pipeline
        # The weights, not the model: layers, optimizer and random seeds stay behind.
        self.weights = [variable.value for variable in model.weights]
        names = output_names(tasks)
        text = tf.TensorSpec([None], tf.string, name="text")

        def serve(text: tf.Tensor) -> dict[str, tf.Tensor]:
            outputs = model(pipeline(text), training=False)
            answers = {}
            for name, task in tasks.items():
                label, scores = answer_of(outputs[name], task)
                answers[names[name]["label"]] = label
                answers[names[name]["scores"]] = scores
            return answers

        self.endpoints = {
            "serving_default": tf.function(
                serve, input_signature=[text], autograph=False
            )
        }


def tokens_endpoint(pipeline: TextPipeline):
    """The signature that shows what a model sees of a text."""

    def tokens(text: tf.Tensor) -> dict[str, tf.Tensor]:
        pieces = pipeline.tokenize(text)
        ragged = pipeline.ragged_ids(pieces)
        ids = pipeline.pad(ragged)
        return {
            "ids": ids,
            "tokens": pieces.to_tensor("", shape=tf.shape(ids, tf.int64)),
            "length": tf.cast(ragged.row_lengths(), tf.int32),
        }

    text = tf.TensorSpec([None], tf.string, name="text")
    return tf.function(tokens, input_signature=[text], autograph=False)


def check_backend() -> None:
    """Raises a `ValueError` unless Keras runs on TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "A SavedModel is written by TensorFlow: start Python with "
            "KERAS_BACKEND=tensorflow and load the model there. "
            f"Received: the backend {keras.backend.backend()!r}."
        )


def check_model(model: keras.Model, tasks: Mapping[str, Task]) -> None:
    """Says what is wrong with a model that cannot be served.

    Raises:
        ValueError: if the backend is not TensorFlow, the model has several inputs, or
            its outputs are not those of the tasks.
    """
    check_backend()
    if len(model.inputs) != 1:
        raise ValueError(
            "`model` must have one input, the ids [batch, time]. "
            f"Received: {len(model.inputs)} inputs."
        )
    outputs = model.output
    expected = {name: task.outputs for name, task in tasks.items()}
    received = (
        {name: tensor.shape[-1] for name, tensor in outputs.items()}
        if isinstance(outputs, Mapping)
        else outputs
    )
    if received != expected:
        raise ValueError(
            "`model` must return a dict with one output a task, of the task's width: "
            f"{expected}. Received: {received}."
        )
    for name, task in tasks.items():
        for text in (name, *task.labels):
            if as_bytes(text) != text.encode("utf-8", "surrogatepass"):
                raise ValueError(
                    "`tasks` and their labels must be without lone surrogates. "
                    f"Received: {text!r} in the task {name!r}."
                )


def answer_of(output: tf.Tensor, task: Task) -> tuple[tf.Tensor, tf.Tensor]:
    """Label `[batch]` and float32 scores `[batch, outputs]` from a model's output."""
    output = tf.cast(output, tf.float32)
    if task.kind == "regression":
        return tf.strings.as_string(output[:, 0]), output
    names = tf.constant([as_bytes(name) for name in task.labels], tf.string)
    if task.kind == "categories":
        # The label of the highest logit: large logits round to equal probabilities.
        return tf.gather(names, tf.argmax(output, axis=-1)), tf.nn.softmax(output)
    scores = tf.sigmoid(output)
    # An absent label and the separator behind it are empty strings in one join.
    chosen = tf.where(scores > THRESHOLD, names + SEPARATOR, "")
    joined = tf.strings.reduce_join(chosen, axis=-1)
    length = tf.maximum(tf.strings.length(joined) - len(SEPARATOR), 0)
    return tf.strings.substr(joined, tf.zeros_like(length), length), scores
