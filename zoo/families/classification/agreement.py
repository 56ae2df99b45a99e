"""Whether a Keras model, a text pipeline and tasks belong together."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from zoo.tasks import Task
from zoo.text import TextPipeline

_PROBABILITIES = ("softmax", "sigmoid")  # what logits are not


def as_classifier(
    model: keras.Model, pipeline: TextPipeline, tasks: Mapping[str, Task]
) -> keras.Model:
    """The model, with its one output under the name of the task where it has no name.

    Args:
        model: a functional model from ids to logits.
        pipeline: that gives the ids.
        tasks: one for each output.

    Raises:
        ValueError: for a model that is not functional, inputs other than ids of any
            length, outputs that are not those of the tasks, probabilities in place of
            logits, and an embedding of fewer rows than the vocabulary has.
    """
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ValueError(
            "`model` must be a Keras model that knows its inputs. Accepted: "
            "keras.Model(tokens, outputs), or a Sequential that begins with "
            f"keras.Input((None,)). Received: {type(model).__name__}."
        )
    check_input(model)
    outputs = model.output
    if not isinstance(outputs, (Mapping, list, tuple)) and len(tasks) == 1:
        outputs = {next(iter(tasks)): outputs}
        model = keras.Model(model.input, outputs, name=model.name)
    check_outputs(outputs, tasks)
    for name, task in tasks.items():
        found = _activation(outputs[name])
        if task.kind != "regression" and found in _PROBABILITIES:
            raise ValueError(
                f"`model` must give logits for the task {name!r}, which `predict` and "
                "exports turn into probabilities. Accepted: a last layer without an "
                f"activation, and from_logits=True in its loss. Received: {found}."
            )
    _check_embeddings(model, pipeline)
    return model


def check_input(model: keras.Model) -> None:
    """Raises a `ValueError` unless the model takes ids `[batch, time]` of any time."""
    if len(model.inputs) != 1:
        raise ValueError(
            "`model` must have one input, the ids [batch, time]. "
            f"Received: {len(model.inputs)} inputs."
        )
    shape = tuple(model.inputs[0].shape)
    if len(shape) != 2 or shape[1] is not None:
        raise ValueError(
            "`model` must take texts of any length. Accepted: "
            'keras.Input((None,), dtype="int32"). '
            f"Received: an input of the shape {shape}."
        )


def check_outputs(outputs, tasks: Mapping[str, Task]) -> None:
    """Raises a `ValueError` unless each task has one output, of the task's width."""
    expected = {name: task.outputs for name, task in tasks.items()}
    received = (
        {name: tensor.shape[-1] for name, tensor in outputs.items()}
        if isinstance(outputs, Mapping)
        else outputs
    )
    if received != expected:
        raise ValueError(
            "`model` must return a dict with one output per task, of the task's width: "
            f"{expected}. Received: {received}."
        )


def _activation(output) -> str:
    """The name of the activation that an output comes from, or `""`."""
    operation = output._keras_history.operation
    activation = getattr(operation, "activation", None)
    if activation is not None:
        return getattr(activation, "__name__", "")
    return type(operation).__name__.lower()  # of a layer, or an operation


def _check_embeddings(model: keras.Model, pipeline: TextPipeline) -> None:
    tokens = model.inputs[0]
    for layer in model.layers:
        reads = any(
            tokens is tensor
            for node in layer._inbound_nodes
            for tensor in node.input_tensors
        )
        if not (reads and isinstance(layer, keras.layers.Embedding)):
            continue
        if layer.input_dim < pipeline.vocab_size:
            raise ValueError(
                f"`model` must embed every id of `pipeline`. Accepted: an Embedding of "
                f"at least {pipeline.vocab_size} rows, pipeline.vocab_size. "
                f"Received: {layer.input_dim} in the layer {layer.name!r}."
            )
