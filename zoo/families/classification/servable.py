"""The servable classifier: the graph from a request's text to label names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from zoo.families.classification import expected
from zoo.families.classification.agreement import check_input, check_outputs
from zoo.families.classification.embedding import sentence_features
from zoo.families.classification.examples import example_signatures, serve_examples
from zoo.serving.answers import answer_of, output_names
from zoo.serving.constants import held, small_weights
from zoo.serving.graphs import check_backend, text_endpoint, tokens_endpoint
from zoo.serving.grouping import lengths_of, of_texts
from zoo.serving.servable import Servable
from zoo.tasks import Task, as_tasks
from zoo.text import TextPipeline, as_bytes
from zoo.text.imports import tf


class Served(tf.Module):
    """Owns only the pipeline's tables and the model's weights.

    Args:
        model: see `zoo.export`.
        pipeline: a `TextPipeline`.
        tasks: a dict from name to `Task`.
    """

    def __init__(self, model: keras.Model, pipeline: TextPipeline, tasks):
        super().__init__(name="served")
        self.pipeline = pipeline
        constants = small_weights(model)
        # Keep the weights, not the model: it holds layers, optimizer and random seeds.
        self.weights = [variable.value for variable in model.weights]
        names = output_names(tasks)
        features = sentence_features(model, tasks)
        if features is not None:
            both = {"logits": model.output, "features": features}
            model = keras.Model(model.input, both)

        def compute(ids: tf.Tensor) -> dict:
            with held(constants):
                outputs = model(ids, training=False)
            if features is None:
                return {"logits": outputs}
            return {**outputs, "length": lengths_of(ids)}

        # All signatures share one body in the graph; a request runs only what it needs.
        run = of_texts(pipeline, compute)

        def serve(text: tf.Tensor) -> dict[str, tf.Tensor]:
            logits, answers = run(text)["logits"], {}
            for name, task in tasks.items():
                for key, value in answer_of(logits[name], task).items():
                    answers[names[name][key]] = value
            return answers

        def embed(text: tf.Tensor) -> dict[str, tf.Tensor]:
            outputs = run(text)
            embedding = tf.cast(outputs["features"], tf.float32)
            return {"embedding": embedding, "length": outputs["length"]}

        chosen = {"serving_default": serve}
        if features is not None:
            chosen["embed"] = embed
        self.endpoints = {
            name: text_endpoint(function, pipeline.pairs)
            for name, function in chosen.items()
        }
        for signature, name in example_signatures(tasks).items():
            self.endpoints[signature] = serve_examples(
                run, name, tasks[name], pipeline.pairs
            )


def servable(model, pipeline, tasks, texts: Sequence[bytes], metadata) -> Servable:
    """Returns the servable classifier; see `zoo.families.base.Family.servable`."""
    tasks = as_tasks(tasks)
    check_model(model, tasks)
    served = Served(model, pipeline, tasks)
    return Servable(
        model,
        pipeline,
        served,
        {**served.endpoints, "tokens": tokens_endpoint(pipeline, pipeline.pairs)},
        calls=expected.signature_calls(model, pipeline, tasks, texts),
        answers=expected.expected_answers(model, pipeline, tasks, texts),
        tasks=tasks,
        outputs=output_names(tasks),
        method_names={
            signature: signature.partition("_")[0]
            for signature in example_signatures(tasks)
        },
        batchable=True,
    )


def check_model(model: keras.Model, tasks: Mapping[str, Task]) -> None:
    """Raises for a model that cannot be served.

    Raises:
        ValueError: if the backend is not TensorFlow, the model has several inputs, or
            its outputs do not match the tasks.
    """
    check_backend()
    check_input(model)
    check_outputs(model.output, tasks)
    for name, task in tasks.items():
        for text in (name, *task.labels):
            if as_bytes(text) != text.encode("utf-8", "surrogatepass"):
                raise ValueError(
                    "`tasks` and their labels must be without lone surrogates. "
                    f"Received: {text!r} in the task {name!r}."
                )
