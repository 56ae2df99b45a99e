"""Compiling, fitting and resuming: Keras's `fit` with the parts that texts need."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from zoo.tasks import Task, safe_names
from zoo.text.inputs import fold_seed
from zoo.training import loop
from zoo.training.batching import TokenBatches
from zoo.training.checkpoint import Checkpoint, averaged
from zoo.training.distributed.sharing import predict_on_batch
from zoo.training.losses import mean_loss, task_loss, task_loss_weights
from zoo.training.metrics import (
    METRICS,
    evaluate,
    log_prefixes,
    metric_names,
    why_undefined,
)
from zoo.training.row_adam import RowAdam
from zoo.training.settings import UNCERTAINTY
from zoo.training.streamed import training_metric
from zoo.training.uncertainty import (
    LogTaskWeights,
    UncertaintyModel,
    weigh_by_uncertainty,
)


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and Keras.

    On one machine two runs with the same seed are then identical bit for bit.
    TensorFlow's switch for determinism stays off: Keras rejects XLA with it, which is
    deterministic on the CPU anyway.
    """
    random.seed(seed)
    keras.utils.set_random_seed(fold_seed(seed))


def compile_model(
    model: keras.Model,
    tasks: Mapping[str, Task],
    *,
    optimizer: str = "adam",
    learning_rate: float = 1e-3,
    clipnorm: float | None = 1.0,
    average: float | None = None,
    loss_weights: Mapping[str, float] | str | None = None,
    losses: Mapping[str, keras.losses.Loss] | None = None,
    metrics: Mapping[str, keras.metrics.Metric] | None = None,
    jit_compile: bool | str = False,
) -> keras.Model:
    """Compiles a model of the zoo with the loss and the metric of each of its tasks.

    Args:
        model: a model whose outputs are named after the tasks.
        tasks: the tasks by name.
        optimizer: name of a Keras optimizer.
        learning_rate: its step size.
        clipnorm: bound on the global gradient norm, or `None`.
        average: momentum of the moving average of the weights that `fit` validates and
            keeps, or `None`.
        loss_weights: factor of each task in the sum, 1 by default, or `"uncertainty"`.
        losses: of some tasks, instead of `zoo.training.losses.task_loss`.
        metrics: of some tasks, instead of `zoo.training.streamed.training_metric`.
        jit_compile: whether to compile the step with XLA.

    Returns:
        The model to fit: the same one or, if a task's name is not a valid name of a
        loss, one on the same layers whose outputs have safe names. It may have learned
        weights of the tasks beside those of the model.
    """
    safe = safe_names(tasks)
    if any(name != other for name, other in safe.items()):
        outputs = {safe[name]: model.output[name] for name in tasks}
        model = keras.Model(model.input, outputs, name=model.name)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Embedding):
            layer.embeddings.by_rows = True  # a batch has few of the words: `RowAdam`
    factors = task_loss_weights(tasks, loss_weights)
    usual = {name: task_loss(task) for name, task in tasks.items()} | dict(losses or {})
    chosen = {safe[name]: usual[name] for name in tasks}
    watched = {name: training_metric(task) for name, task in tasks.items()}
    watched |= dict(metrics or {})
    if loss_weights == UNCERTAINTY:
        model = weigh_by_uncertainty(model, tasks, chosen)
    model.compile(
        optimizer=make_optimizer(optimizer, learning_rate, clipnorm, average),
        loss=chosen,
        loss_weights={safe[name]: factors[name] for name in tasks},
        weighted_metrics={safe[name]: [metric] for name, metric in watched.items()},
        jit_compile=compiled(jit_compile),
    )
    return model


def make_optimizer(
    name: str, learning_rate, clipnorm: float | None, average: float | None, **options
) -> keras.optimizers.Optimizer:
    """Returns an optimizer that clips the gradient and may average the weights.

    Adam skips the rows of tables that a batch does not use; see `RowAdam`.
    """
    config = {"learning_rate": learning_rate, "global_clipnorm": clipnorm, **options}
    if average is not None:
        config.update(use_ema=True, ema_momentum=average)
    kind = type(keras.optimizers.get(name))
    kind = RowAdam if kind is keras.optimizers.Adam else kind
    return kind.from_config(config)


def compiled(wanted: bool | str) -> bool | str:
    """Returns `jit_compile` of a step; always true on JAX, which is slow without."""
    return wanted or keras.backend.backend() == "jax"


def span_momentum(epochs: float | None, steps: int) -> float | None:
    """Returns the momentum of a moving average over some epochs of `steps` steps.

    Args:
        epochs: above 0, or `None` for no average.
        steps: steps per epoch.

    Example:
        >>> span_momentum(0.5, 200)
        0.99
    """
    return None if epochs is None else 1.0 - 1.0 / max(1.0, epochs * steps)


def fit(
    model: keras.Model,
    train: TokenBatches,
    valid: TokenBatches | None,
    tasks: Mapping[str, Task],
    *,
    epochs: int = 10,
    patience: int = 2,
    folder: str | Path | None = None,
    before_scores: Sequence[keras.callbacks.Callback] = (),
    callbacks: Sequence[keras.callbacks.Callback] = (),
    loss_weights: Mapping[str, float] | str | None = None,
    macro: bool = False,
    verbose: bool = True,
) -> list[dict]:
    """Trains until the validation score stops rising, and keeps the best weights.

    The score is the mean over tasks of accuracy, micro F1 or R2, computed by
    `zoo.training.metrics` as in reports; the lower loss breaks ties. A task whose
    metric is undefined on the validation part, such as R2 of a constant target, is
    excluded; if none is defined, the loss decides. Without `valid` all epochs run and
    the last weights are kept.

    Args:
        model: a compiled model.
        train: shuffled batches.
        valid: batches of the validation split.
        tasks: the tasks by name.
        epochs: maximum number.
        patience: epochs without a better score before training stops.
        folder: for checkpoints; a run that was killed continues from the last epoch
            that it finished there.
        before_scores: callbacks that change the model before each validation.
        callbacks: further Keras callbacks.
        loss_weights: weights of the validation loss, as passed to `compile_model`.
        macro: whether the score is macro F1 for tasks with labels.
        verbose: whether to show progress.

    Returns:
        One dict of logs per epoch, with `score` and `seconds`.

    Raises:
        Diverged: if no epoch has a finite loss and score.
    """
    if valid is not None and not any(map(np.any, valid.weights.values())):
        valid = None  # no row has a label
    watching = [] if valid is None else [Validation(tasks, valid, loss_weights)]
    learned = [LogTaskWeights(tasks)] if isinstance(model, UncertaintyModel) else []
    checkpoint = Checkpoint(
        score_of(tasks, valid, macro), patience=patience, folder=folder
    )
    return loop.fit(
        model,
        train,
        checkpoint,
        epochs=epochs,
        watching=[*before_scores, *watching, *learned],
        callbacks=callbacks,
        tasks=tasks,
        verbose=verbose,
    )


def score_of(
    tasks: Mapping[str, Task], valid: TokenBatches | None, macro: bool = False
):
    """Returns a function from an epoch's logs to validation scores.

    These are `(mean main metric, -loss)`, with the mean over tasks whose metric is
    defined, NaN if none is. With `macro` the metric of tasks with labels is macro F1.
    Without a validation part there is no score.
    """
    if valid is None:
        return lambda logs: None
    names = metric_names(tasks)
    if macro:
        names |= {
            name: f"{prefix}macro_f1"
            for name, prefix in log_prefixes(tasks).items()
            if tasks[name].kind != "regression"
        }
    keys = [
        f"val_{key}"
        for name, key in names.items()
        if not why_undefined(tasks[name], valid.targets[name], valid.weights[name])
    ]

    def score(logs: Mapping[str, float]) -> tuple[float, float]:
        mean = float(np.mean([logs[key] for key in keys])) if keys else float("nan")
        return mean, -logs["val_loss"]

    return score


class Validation(keras.callbacks.Callback):
    """Adds the results of the averaged weights to the logs of each epoch.

    These are `val_loss`, with equal weight for all rows however they are batched, and
    every metric of each task with labels, by the function that reports use.

    Args:
        tasks: the tasks by name.
        batches: batches of the validation part, not shuffled.
        loss_weights: factors of some tasks in the loss.
    """

    def __init__(self, tasks, batches: TokenBatches, loss_weights=None) -> None:
        super().__init__()
        self.tasks, self.batches = tasks, batches
        self.factors = task_loss_weights(tasks, loss_weights)

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        with averaged(self.model):
            outputs = predict(self.model, self.batches)
        safe, losses = safe_names(self.tasks), {}
        for name, prefix in log_prefixes(self.tasks).items():
            task = self.tasks[name]
            rows = self.batches.targets[name], self.batches.weights[name]
            result = evaluate(task, *rows, outputs[safe[name]], ranking=False)
            losses[name] = mean_loss(task, *rows, outputs[safe[name]])
            for metric in METRICS[task.kind]:
                if metric in result:
                    logs[f"val_{prefix}{metric}"] = result[metric]
            if prefix:
                logs[f"val_{prefix}loss"] = losses[name]
        logs["val_loss"] = sum(self.factors[name] * losses[name] for name in losses)


def predict(model: keras.Model, batches: TokenBatches) -> dict[str, np.ndarray]:
    """Returns the model's outputs for all texts of `batches`, in order.

    Args:
        model: model of the zoo, compiled or not.
        batches: not shuffled.

    Returns:
        Dict from task to float32 `[texts, outputs]`.
    """
    outputs: dict[str, np.ndarray] = {}
    for index, (rows, _) in enumerate(batches.batches):
        predicted = predict_on_batch(model, batches[index][0])
        for task, values in predicted.items():
            if task not in outputs:
                shape = (len(batches.tokens), *values.shape[1:])
                outputs[task] = np.empty(shape, "float32")
            outputs[task][rows] = values[: len(rows)]
    return outputs


def class_weights(
    task: Task, target: np.ndarray, weight: np.ndarray, weights: str | Mapping
) -> np.ndarray:
    """Returns weights for the rows of one task by their class.

    Args:
        task: a task of kind categories.
        target: class ids `[rows]`, or distributions `[rows, labels]`.
        weight: `[rows]`, 0 if the label is missing, which stays 0.
        weights: `"balanced"`, which gives each class the same total weight, or a dict
            from label name to weight, 1 by default.

    Returns:
        New weights `[rows]`.

    Raises:
        ValueError: for another kind of task or an unknown label.
    """
    if task.kind != "categories":
        raise ValueError(
            "`class_weights` apply to tasks of kind 'categories'. "
            f"Received: a task of kind {task.kind!r}."
        )
    if weights == "balanced":
        counts = _class_counts(task, target, weight > 0)
        by_class = counts.sum() / (np.maximum(counts, 1) * task.outputs)
    elif not isinstance(weights, Mapping):
        raise ValueError(
            "`class_weights` must be 'balanced' or a weight for each label. "
            f"Received: {weights!r}."
        )
    else:
        unknown = sorted(set(weights) - set(task.labels))
        if unknown:
            raise ValueError(
                "`class_weights` must name labels. "
                f"Accepted: {', '.join(task.labels)}. "
                f"Received: {', '.join(map(str, unknown))}."
            )
        by_class = np.array([weights.get(label, 1.0) for label in task.labels])
    of_rows = by_class[target] if target.ndim == 1 else target @ by_class
    return (weight * of_rows).astype("float32")


def _class_counts(task: Task, target: np.ndarray, present: np.ndarray) -> np.ndarray:
    if target.ndim == 2:
        return present @ target
    return np.bincount(target, weights=present, minlength=task.outputs)
