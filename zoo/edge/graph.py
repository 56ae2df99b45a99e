"""The part of a served classifier that runs on a device: token ids to scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras

from zoo.kernels.portable import portable
from zoo.serving.answers import output_names, probabilities
from zoo.serving.constants import held
from zoo.tasks import Task, safe_names
from zoo.text.imports import tf


def score_names(tasks: Mapping[str, Task]) -> dict[str, str]:
    """Returns names of the outputs by task, in characters that every runtime accepts.

    Example:
        >>> from zoo.tasks import as_tasks
        >>> score_names(as_tasks(["no", "yes"]))
        {'label': 'scores'}
        >>> score_names(as_tasks({"mood": 2, "\u60c5": 3}))
        {'mood': 'mood_scores', '\u60c5': 'task_1_scores'}
    """
    safe = safe_names(tasks)
    names = output_names({safe[name]: task for name, task in tasks.items()})
    return {name: names[safe[name]]["scores"] for name in tasks}


def score_function(model: keras.Model, tasks: Mapping[str, Task]) -> Callable:
    """Returns a function from ids `[batch, time]` to float32 scores `[batch, outputs]`.

    Its weights are constants of the graph: LiteRT's converter would keep variables
    without initialisation, and the model would read random memory.
    """
    names = score_names(tasks)
    values = [(v, keras.ops.convert_to_numpy(v)) for v in model.weights]

    def scores(tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        with portable(), held(values):
            outputs = model(tokens, training=False)
        return {
            names[name]: task.value(tf.cast(outputs[name], tf.float32))
            if task.kind == "regression"  # LiteRT has no float64 arithmetic
            else probabilities(outputs[name], task)
            for name, task in tasks.items()
        }

    return scores
