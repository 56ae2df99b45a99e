"""The servable form of a sentence encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from zoo.models.encoders import OUTPUT
from zoo.serving.constants import held, small_weights
from zoo.serving.expected import ODD, call, eager_lengths
from zoo.serving.graphs import check_backend, tokens_endpoint
from zoo.serving.grouping import lengths_of, of_texts
from zoo.serving.servable import Servable
from zoo.text import TextPipeline, as_bytes
from zoo.text.imports import tf


class ServedEncoder(tf.Module):
    """Owns the pipeline's tables and the model's weights.

    Args:
        model: ids int32 `[batch, time]` to a dict of `embedding` `[batch, width]`.
        pipeline: strings to token ids.
    """

    def __init__(self, model: keras.Model, pipeline: TextPipeline) -> None:
        super().__init__(name="served")
        self.pipeline = pipeline
        constants = small_weights(model)
        self.weights = [variable.value for variable in model.weights]
        text = tf.TensorSpec([None], tf.string, name="text")

        def compute(ids: tf.Tensor) -> dict:
            with held(constants):
                vectors = model(ids, training=False)[OUTPUT]
            return {OUTPUT: tf.cast(vectors, tf.float32), "length": lengths_of(ids)}

        run = of_texts(pipeline, compute)

        def serve(text: tf.Tensor) -> dict[str, tf.Tensor]:
            return {OUTPUT: run(text)[OUTPUT]}

        def embed(text: tf.Tensor) -> dict[str, tf.Tensor]:
            return dict(run(text))

        self.endpoints = {
            name: tf.function(function, input_signature=[text], autograph=False)
            for name, function in (("serving_default", serve), ("embed", embed))
        }


def servable(model, pipeline, tasks, texts: Sequence[bytes], metadata) -> Servable:
    """See `zoo.families.base.Family.servable`; the tasks are ignored."""
    check_model(model)
    served = ServedEncoder(model, pipeline)
    return Servable(
        model,
        pipeline,
        served,
        {**served.endpoints, "tokens": tokens_endpoint(pipeline)},
        calls=expected_calls(model, pipeline, texts),
        batchable=True,
    )


def expected_calls(model, pipeline, examples: Sequence[bytes]) -> list[dict]:
    """Returns requests and their answers, computed eagerly, without the graph."""
    texts = [as_bytes(text) for text in (*ODD, *examples)]
    vectors = keras.ops.convert_to_numpy(model(pipeline(texts), training=False)[OUTPUT])
    lengths = eager_lengths(pipeline, texts)
    answer = {OUTPUT: vectors.astype("float32")}
    return [
        call("serving_default", {"text": texts}, answer),
        call("embed", {"text": texts}, {**answer, "length": lengths}),
    ]


def check_model(model: keras.Model) -> None:
    """Raises for a model that cannot be served.

    Raises:
        ValueError: if the backend is not TensorFlow, or the model has not one input
            and the one output `embedding` `[batch, width]`.
    """
    check_backend()
    output = model.output
    fits = isinstance(output, Mapping) and list(output) == [OUTPUT]
    if not fits or len(model.inputs) != 1 or len(output[OUTPUT].shape) != 2:
        raise ValueError(
            "`model` must be a sentence encoder. Accepted: ids [batch, time] to a dict "
            f"of {OUTPUT!r} [batch, width]. Received: {len(model.inputs)} input(s) and "
            f"the output {output!r}."
        )
