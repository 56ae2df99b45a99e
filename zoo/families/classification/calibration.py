"""Calibrated probabilities: temperatures and thresholds of the validation part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from zoo.families.classification.model import TextModel
from zoo.families.classification.predicted import part_outputs
from zoo.families.classification.reliability import present_rows
from zoo.families.classification.thresholds import tune_thresholds
from zoo.families.classification.train import Prepared
from zoo.tasks import Task
from zoo.training.chunks import chunks

_LIMIT = 20.0  # of the temperature, and of its inverse


def fit_temperature(task: Task, target, weight, logits) -> float:
    """Returns the temperature that maximises the likelihood of held-out labels.

        T = argmin_T -Σ_i log softmax(logits_i / T)[target_i] - u(T)

    with one more row of unknown label, `u`, the mean over rows and labels of the same
    logarithm: it keeps T away from 0 if every row is answered correctly. The sum is
    convex in 1/T, so a bounded search finds the minimum. Multilabel uses sigmoids.

    Args:
        task: categories or multilabel.
        target: ids `[rows]`, or 0 and 1 `[rows, labels]`.
        weight: `[rows]`; rows of weight 0 are ignored.
        logits: `[rows, labels]`.

    Returns:
        A number from 1/20 to 20; 1 without rows, and for a regression.

    Example:
        >>> task = Task("categories", ("no", "yes"))
        >>> fit_temperature(task, [1, 1, 1, 0], np.ones(4), [[0, 4]] * 4) > 3
        True

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2; the
    row of unknown label after Platt 1999, section 2.2.
    """
    target, logits = present_rows(target, weight, logits)
    if task.kind == "regression" or not len(logits):
        return 1.0
    sums = _of_categories if task.kind == "categories" else _of_labels
    parts = list(chunks(*logits.shape))

    def surprise(inverse: float) -> float:
        found = [sums(target[p], inverse * logits[p].astype("float64")) for p in parts]
        said, mean = np.sum(found, axis=0)
        return float(-said - mean / len(logits))

    found = minimize_scalar(surprise, bounds=(1 / _LIMIT, _LIMIT), method="bounded")
    return float(1 / found.x)


def _of_categories(target: np.ndarray, logits: np.ndarray) -> tuple[float, float]:
    """Returns sums over rows of `log p` of the label, and of its mean over labels."""
    logs = log_softmax(logits, axis=-1)
    return logs[np.arange(len(logs)), target].sum(), logs.mean(axis=-1).sum()


def _of_labels(target: np.ndarray, logits: np.ndarray) -> tuple[float, float]:
    """The same for labels that each apply or not."""
    yes, no = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)
    return np.where(target > 0, yes, no).sum(), (yes + no).sum() / 2


def calibrate(
    text_model: TextModel, prepared: Prepared, abstain: float | None = None
) -> TextModel:
    """Returns the model with what is fitted on the validation part after training.

    These are the temperatures, and then the thresholds of multilabel tasks.

    Args:
        text_model: the trained model, which is not changed.
        prepared: its data. Tasks without labels there keep their temperature.
        abstain: probability below which categories have no label, if any.

    Returns:
        The same Keras model and pipeline with other tasks. Its categories do not
        change, except where it abstains.
    """
    encoded, tasks = prepared.parts["valid"], dict(text_model.tasks)
    outputs = part_outputs(text_model, prepared, "valid") if encoded.tokens else {}
    for name, logits in outputs.items():
        target, weight = encoded.targets[name], encoded.weights[name]
        temperature = fit_temperature(tasks[name], target, weight, logits)
        task = tasks[name] = replace(tasks[name], temperature=temperature)
        if task.kind == "multilabel":
            cuts = tune_thresholds(task, target, weight, logits)
            tasks[name] = replace(task, thresholds=cuts)
    if abstain is not None:
        tasks = with_abstain(tasks, abstain)
    return replace(text_model, tasks=tasks)


def with_abstain(tasks: Mapping[str, Task], probability: float) -> dict[str, Task]:
    """Returns the tasks with an abstention threshold on those of categories.

    Args:
        tasks: the tasks by name.
        probability: see `Task.abstain`.

    Raises:
        ValueError: if no task has categories, or the probability is out of range.
    """
    if not any(task.kind == "categories" for task in tasks.values()):
        kinds = ", ".join(sorted({task.kind for task in tasks.values()}))
        raise ValueError(
            "`abstain` needs a model with a task of categories. "
            f"Received: tasks of kind {kinds or 'none'}."
        )
    return {
        name: replace(task, abstain=probability) if task.kind == "categories" else task
        for name, task in tasks.items()
    }
