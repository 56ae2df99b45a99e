"""One output layer per task, on the features of the text."""

from __future__ import annotations

from collections.abc import Mapping

from zoo._lazy import keras, layers
from zoo.tasks import Task, safe_names

STACK = "stack"  # begins the names of the layers that add fitted outputs


def heads(
    features,
    tasks: Mapping[str, Task],
    *,
    added: Mapping | None = None,
    linear: Mapping | None = None,
    branch: Mapping | None = None,
    branch_rate: float | None = None,
    branch_weight: float = 0.5,
    kernel_constraint=None,
) -> dict:
    """Returns the logits of each task: `y = W x + b`, in float32 under any policy.

    A regression returns the standardised value, which `zoo.tasks.Task.value` converts
    to the unit of its target in float64: float32 has seven digits, and a date needs
    ten.

    Args:
        features: `[batch, units]` for all tasks, or a dict of them by task.
        tasks: the tasks by name.
        added: `[batch, task.outputs]` by task, to add to `W x + b`; may omit tasks.
        linear: `[batch, task.outputs]` by task, of a model that was fitted before, to
            stack with `W x + b`. See `zoo.layers.Stacking`.
        branch: `[batch, task.outputs]` by task, to average with `W x + b`.
        branch_rate: share of the texts that train only the branch; `None` trains the
            mean. See `zoo.layers.BranchMean`.
        branch_weight: weight of the branch in that mean.
        kernel_constraint: constraint on each `W`.

    Returns:
        Dict from the task's name to float32 `[batch, task.outputs]`.

    Example:
        >>> x = keras.Input((8,))
        >>> list(heads(x, {"how good?": Task("regression")}))
        ['how good?']
    """
    outputs = {}
    for name, task in tasks.items():
        own = features[name] if isinstance(features, Mapping) else features
        dense = keras.layers.Dense(
            task.outputs,
            kernel_constraint=kernel_constraint,
            dtype="float32",
            name=layer_name("head", tasks, name),
        )
        outputs[name] = dense(own)
        if added and name in added:
            add = keras.layers.Add(dtype="float32", name=layer_name("sum", tasks, name))
            outputs[name] = add([outputs[name], added[name]])
        if linear:
            stack = layers.Stacking(
                dtype="float32", name=layer_name(STACK, tasks, name)
            )
            outputs[name] = stack(outputs[name], linear[name])
        if branch:
            mean = layers.BranchMean(
                branch_rate,
                branch_weight,
                dtype="float32",
                name=layer_name("mean", tasks, name),
            )
            outputs[name] = mean(outputs[name], branch[name])
    return outputs


def layer_name(prefix: str, tasks: Mapping[str, Task], task: str) -> str:
    """Returns a name that Keras accepts for a layer of one task.

    Example:
        >>> layer_name("head", {"mood": None, "a/b": None}, "a/b")
        'head_task_1'
    """
    return f"{prefix}_{safe_names(tasks)[task]}"
