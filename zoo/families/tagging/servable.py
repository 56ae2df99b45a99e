"""The servable tagger: raw texts, or words, to tags with offsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from zoo.families.tagging.decoder import Decoder
from zoo.families.tagging.expected import tagging_calls
from zoo.families.tagging.outputs import tagger_outputs
from zoo.families.tagging.pipeline import TaggingPipeline
from zoo.families.tagging.words import readable
from zoo.kernels.packed import packed
from zoo.serving.answers import answer_of
from zoo.serving.graphs import check_backend, tokens_endpoint
from zoo.serving.servable import Servable
from zoo.tasks import TAGS, Task, as_tasks
from zoo.text import as_bytes
from zoo.text.imports import tf
from zoo.text.table import bear_no_rows


class ServedTagger(tf.Module):
    """Owns only the pipeline's tables and the model's weights.

    Args:
        model: a tagger of the zoo.
        pipeline: the one that it was trained with.
        tasks: a dict from name to `Task`.

    Raises:
        ValueError: for another pipeline or backend.
    """

    def __init__(self, model: keras.Model, pipeline: TaggingPipeline, tasks) -> None:
        super().__init__(name="served_tagger")
        check_backend()
        if not isinstance(pipeline, TaggingPipeline):
            raise ValueError(
                "`pipeline` of a tagger must be a TaggingPipeline. "
                f"Received: {type(pipeline).__name__}."
            )
        self.pipeline = pipeline
        # Keep the weights, not the model: it holds layers and random seeds.
        self.weights = [variable.value for variable in model.weights]
        decoder = Decoder(model, tasks)

        def run(words: tf.RaggedTensor):
            with packed():
                return decoder(pipeline.inputs(words), training=False)

        def serve(text: tf.Tensor) -> dict[str, tf.Tensor]:
            words, starts, ends = pipeline.split(text)
            outputs = run(words)
            lengths = tf.cast(words.row_lengths(), tf.int32)
            time = tf.maximum(tf.reduce_max(lengths), 0)
            shape = tf.stack([tf.size(lengths), time])
            tokens = words.with_values(readable(words.values))
            return {
                "tokens": tokens.to_tensor("", shape=shape),
                "starts": starts.to_tensor(shape=shape),
                "ends": ends.to_tensor(shape=shape),
                "lengths": lengths,
                **_answers(outputs, tasks, lengths, time),
            }

        def tag(words: tf.Tensor) -> dict[str, tf.Tensor]:
            time = tf.shape(words)[1]
            places = tf.where(tf.equal(words, ""), 0, tf.range(1, time + 1))
            lengths = tf.reduce_max(places, axis=1, keepdims=True)[:, 0]
            lengths = tf.maximum(lengths, 0)
            outputs = run(tf.RaggedTensor.from_tensor(words, lengths))
            return {"lengths": lengths, **_answers(outputs, tasks, lengths, time)}

        self.endpoints = {
            name: tf.function(
                bear_no_rows(function), input_signature=[spec], autograph=False
            )
            for name, function, spec in (
                ("serving_default", serve, tf.TensorSpec([None], tf.string, "text")),
                ("words", tag, tf.TensorSpec([None, None], tf.string, "words")),
            )
        }


def servable(model, pipeline, tasks, texts: Sequence[bytes], metadata) -> Servable:
    """Returns the servable tagger; see `zoo.families.base.Family.servable`."""
    tasks = as_tasks(tasks)
    served = ServedTagger(model, pipeline, tasks)
    return Servable(
        model,
        pipeline,
        served,
        {**served.endpoints, "tokens": tokens_endpoint(pipeline)},
        calls=tagging_calls(model, pipeline, tasks, texts),
        tasks=tasks,
        outputs=tagger_outputs(tasks),
    )


def _answers(outputs, tasks: Mapping[str, Task], lengths, time) -> dict:
    """Returns named outputs of all tasks; tags are empty beyond `lengths`."""
    names, answers = tagger_outputs(tasks), {}
    for name, task in tasks.items():
        if task.kind != TAGS:
            for key, value in answer_of(outputs[name], task).items():
                answers[names[name][key]] = value
            continue
        labels = tf.constant([as_bytes(label) for label in task.labels], tf.string)
        real = tf.sequence_mask(lengths, time)
        ids, scores = (_fit(outputs[name][key], time) for key in ("ids", "scores"))
        answers[names[name]["tags"]] = tf.where(real, tf.gather(labels, ids), "")
        answers[names[name]["scores"]] = tf.where(real, scores, 0.0)
    return answers


def _fit(values: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
    """Pads or truncates `[batch, any]` to `[batch, time]`."""
    values = values[:, :time]
    return tf.pad(values, [[0, 0], [0, time - tf.shape(values)[1]]])
