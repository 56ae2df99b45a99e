"""Turns a model's output into a server's answer: probabilities, labels, abstaining."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.tasks import DIGITS, SEPARATOR, Task
from zoo.text import as_bytes
from zoo.text.imports import tf


def output_names(tasks: Mapping[str, Task]) -> dict[str, dict[str, str]]:
    """Returns the names of the outputs of `serving_default`, for each task.

    Any Unicode name is a valid key of a signature's output, so tasks keep theirs.

    Example:
        >>> output_names({"label": Task("regression")})
        {'label': {'label': 'label', 'scores': 'scores'}}
        >>> output_names({"a": Task("regression"), "b": Task("regression")})["b"]
        {'label': 'b_label', 'scores': 'b_scores'}
    """
    names = {}
    for name, task in tasks.items():
        start = "" if len(tasks) == 1 else f"{name}_"
        names[name] = {key: f"{start}{key}" for key in answer_keys(task)}
    return names


def answer_keys(task: Task) -> tuple[str, ...]:
    """Returns the names of the parts of an answer by `answer_of`."""
    return ("label", "scores", "abstained") if task.abstain else ("label", "scores")


def probabilities(output: tf.Tensor, task: Task) -> tf.Tensor:
    """Returns calibrated float32 scores `[batch, labels]` of a model's output.

    `softmax(output / temperature)`, or the sigmoids.
    """
    output = tf.cast(output, tf.float32)
    if task.temperature != 1:
        output = output / task.temperature
    return tf.nn.softmax(output) if task.kind == "categories" else tf.sigmoid(output)


def values(output: tf.Tensor, task: Task) -> tf.Tensor:
    """Returns a regression's values, float64 `[batch, 1]` in the unit of the target."""
    return task.value(tf.cast(output, tf.float64))


def written(value: tf.Tensor) -> tf.Tensor:
    """Formats float64 as strings, identical to those of `zoo.tasks.written`."""
    texts = [
        tf.strings.as_string(value, precision=digits, shortest=True)
        for digits in DIGITS
    ]
    shortest = texts.pop()
    for text in reversed(texts):
        exact = tf.strings.to_number(text, tf.float64) == value
        shortest = tf.where(exact, text, shortest)
    return shortest


def answer_of(output: tf.Tensor, task: Task) -> dict[str, tf.Tensor]:
    """Returns `label` `[batch]` and `scores` float32 `[batch, outputs]` of an output.

    The score of a regression is its value, in float64. A task that may abstain also has
    `abstained` bool `[batch]`.
    """
    if task.kind == "regression":
        value = values(output, task)
        return {"label": written(value[:, 0]), "scores": value}
    output = tf.cast(output, tf.float32)
    scores = probabilities(output, task)
    names = tf.constant([as_bytes(name) for name in task.labels], tf.string)
    if task.kind == "categories":
        # The label of the highest logit: large logits round to equal probabilities.
        label = tf.gather(names, tf.argmax(output, axis=-1))
        if not task.abstain:
            return {"label": label, "scores": scores}
        abstained = tf.reduce_max(scores, axis=-1) < task.abstain
        label = tf.where(abstained, "", label)
        return {"label": label, "scores": scores, "abstained": abstained}
    # An absent label and the separator after it are empty strings in one join.
    cuts = tf.constant(task.cuts, tf.float32)
    chosen = tf.where(scores > cuts, names + SEPARATOR, "")
    joined = tf.strings.reduce_join(chosen, axis=-1)
    length = tf.maximum(tf.strings.length(joined) - len(SEPARATOR), 0)
    label = tf.strings.substr(joined, tf.zeros_like(length), length)
    return {"label": label, "scores": scores}
