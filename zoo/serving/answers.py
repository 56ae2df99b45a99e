"""From a model's output to what a server answers: probabilities, labels, abstaining."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.tasks import Task
from zoo.text import as_bytes
from zoo.text.imports import tf

SEPARATOR = "|"
THRESHOLD = 0.5


def output_names(tasks: Mapping[str, Task]) -> dict[str, dict[str, str]]:
    """Names of the outputs of `serving_default`, for each task.

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
    """The parts of an answer about a whole text: what `answer_of` returns."""
    return ("label", "scores", "abstained") if task.abstain else ("label", "scores")


def probabilities(output: tf.Tensor, task: Task) -> tf.Tensor:
    """Calibrated float32 scores `[batch, outputs]` from a model's output.

    `softmax(output / temperature)`, or the sigmoids; a regression's value as it is.
    """
    output = tf.cast(output, tf.float32)
    if task.kind == "regression":
        return output
    if task.temperature != 1:
        output = output / task.temperature
    return tf.nn.softmax(output) if task.kind == "categories" else tf.sigmoid(output)


def answer_of(output: tf.Tensor, task: Task) -> dict[str, tf.Tensor]:
    """`label` `[batch]` and float32 `scores` `[batch, outputs]` from a model's output.

    With a task that may abstain, `abstained` bool `[batch]` as well.
    """
    output = tf.cast(output, tf.float32)
    scores = probabilities(output, task)
    if task.kind == "regression":
        return {"label": tf.strings.as_string(output[:, 0]), "scores": scores}
    names = tf.constant([as_bytes(name) for name in task.labels], tf.string)
    if task.kind == "categories":
        # The label of the highest logit: large logits round to equal probabilities.
        label = tf.gather(names, tf.argmax(output, axis=-1))
        if not task.abstain:
            return {"label": label, "scores": scores}
        abstained = tf.reduce_max(scores, axis=-1) < task.abstain
        label = tf.where(abstained, "", label)
        return {"label": label, "scores": scores, "abstained": abstained}
    # An absent label and the separator behind it are empty strings in one join.
    chosen = tf.where(scores > THRESHOLD, names + SEPARATOR, "")
    joined = tf.strings.reduce_join(chosen, axis=-1)
    length = tf.maximum(tf.strings.length(joined) - len(SEPARATOR), 0)
    label = tf.strings.substr(joined, tf.zeros_like(length), length)
    return {"label": label, "scores": scores}
