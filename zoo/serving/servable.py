"""The servable form of a model: a graph, and the answers expected of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from zoo.tasks import Task

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class Pipeline(Protocol):
    """The common interface of text pipelines; see `zoo.text.TextPipeline`."""

    def summary(self) -> dict:
        """Returns the settings and sizes, for metadata."""

    def save(self, folder: str | Path) -> None:
        """Writes its files into `folder`."""

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Reads the files that `save` wrote."""


@dataclass(frozen=True)
class Servable:
    """A trained model in servable form.

    Args:
        model: the Keras model whose weights the graph holds.
        pipeline: its text pipeline.
        module: owns the weights and tables of the graph.
        endpoints: a `tf.function` with an input signature for each signature of the
            SavedModel, including `serving_default`.
        calls: requests with their answers, computed without the graph; records of
            `zoo.serving.expected.call`.
        answers: for the signature `serving_default` of classifiers, records of
            `zoo.families.classification.expected.expected_answers`.
        tasks: what the model predicts, by name.
        outputs: names of the outputs of `serving_default`, for each task.
        method_names: signatures for an API of the server's own, such as
            `{"classify": "classify"}`.
        batchable: whether the server may combine several requests into one batch.
    """

    model: keras.Model
    pipeline: Pipeline
    module: tf.Module
    endpoints: Mapping[str, tf.types.experimental.PolymorphicFunction]
    calls: Sequence[Mapping] = ()
    answers: Sequence[Mapping] = ()
    tasks: Mapping[str, Task] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    method_names: Mapping[str, str] = field(default_factory=dict)
    batchable: bool = False
