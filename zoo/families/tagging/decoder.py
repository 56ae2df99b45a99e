"""Decodes the logits of a tagger into tags with probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import keras
from keras import ops

from zoo.models.heads import layer_name
from zoo.tasks import TAGS, Task


class Decoder(keras.Model):
    """A tagger that returns tags, by Viterbi if it has a CRF.

    Args:
        model: a tagger of the zoo.
        tasks: its tasks.
        distributions: whether to return the probabilities of all tags.

    Call arguments: a dict of the model's inputs; further entries are ignored.

    Returns:
        Dict from task, for tags to a dict of `ids` int32 `[batch, time]` and `scores`
        float32 `[batch, time]`, the probability of that tag there (a marginal of the
        CRF), both 0 at padding, and with `distributions` the `probabilities` float32
        `[batch, time, tags]`; for other tasks to the logits `[batch, outputs]`.
    """

    def __init__(
        self,
        model: keras.Model,
        tasks: Mapping[str, Task],
        *,
        distributions: bool = False,
    ) -> None:
        super().__init__(name=f"{model.name}_decoder")
        self.tagger, self.tasks = model, dict(tasks)
        self.distributions = distributions

    def call(self, inputs, training=False):
        taken = {name: inputs[name] for name in self.tagger.input}
        outputs = dict(self.tagger(taken, training=training))
        mask = ops.not_equal(inputs["tokens"], 0)
        for task, spec in self.tasks.items():
            if spec.kind == TAGS:
                outputs[task] = self._decode(task, outputs[task], mask)
        return outputs

    def _decode(self, task: str, logits, mask) -> dict:
        crf = crf_of(self.tagger, self.tasks, task)
        if crf is None:
            probabilities = ops.softmax(logits)
            ids = ops.cast(ops.argmax(logits, axis=-1), "int32")
        else:
            probabilities = crf.marginals(logits, mask)
            ids, _ = crf.decode(logits, mask)
        scores = ops.take_along_axis(probabilities, ops.expand_dims(ids, -1), axis=-1)
        found = {
            "ids": ops.where(mask, ids, 0),
            "scores": ops.where(mask, scores[..., 0], 0.0),
        }
        if self.distributions:
            found["probabilities"] = probabilities
        return found


def crf_of(model: keras.Model, tasks: Mapping[str, Task], task: str):
    """Returns the CRF layer of a task, or `None`."""
    name = layer_name("crf", tasks, task)
    return next((layer for layer in model.layers if layer.name == name), None)


def is_tagger(tasks: Mapping[str, Task]) -> bool:
    """Returns whether any task has a tag for each word."""
    return any(task.kind == TAGS for task in tasks.values())
