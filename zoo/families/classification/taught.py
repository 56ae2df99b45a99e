"""What a teacher's answers become: targets of a student, and a choice of texts.

Answers are probabilities `[texts, labels]`, those of categories with the sum 1, or the
values `[texts, 1]` of a regression. Rows of NaN are texts without an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import expit, logit, softmax

from zoo.data import Examples, Splits, encode_labels, join
from zoo.data.soft import encode_soft
from zoo.families.classification.calibration import fit_temperature
from zoo.families.classification.soft import dense_of, there
from zoo.tasks import Task

_LEAST = 1e-7  # of a probability before its logarithm is taken


def as_outputs(task: Task, rows: np.ndarray) -> np.ndarray:
    """Returns answers as a model gives them: logits, or standardised values.

    Example:
        >>> task = Task("multilabel", ("new", "used"))
        >>> as_outputs(task, np.array([[0.5, 1.0]])).round(2).tolist()
        [[0.0, 16.12]]
    """
    if task.kind == "regression":
        return task.standardised(rows)
    if task.kind == "multilabel":
        return logit(np.clip(rows, _LEAST, 1.0 - _LEAST))
    return np.log(np.maximum(rows, _LEAST))


def as_answers(task: Task, outputs: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Returns the outputs of a model as answers, with logits over the temperature."""
    if task.kind == "regression":
        return task.value(outputs)
    logits = outputs / temperature
    return softmax(logits, axis=1) if task.kind == "categories" else expit(logits)


def calibrating(task: Task, rows: np.ndarray, targets: np.ndarray) -> float:
    """Returns the temperature that calibrates a teacher on labelled rows.

    Args:
        task: the task.
        rows: its answers `[rows, outputs]`.
        targets: of the labels, as in training.

    Returns:
        See `zoo.families.classification.calibration.fit_temperature`; 1 without rows.
    """
    logits = as_outputs(task, rows).reshape(len(targets), task.outputs)
    return fit_temperature(task, targets, np.ones(len(targets)), logits)


def tempered(task: Task, rows: np.ndarray, temperature: float) -> np.ndarray:
    """Returns `softmax(logits / temperature)` of each row, or the sigmoids.

    The logits are `log(p)`, or `log(p / (1 - p))` of each label of a multilabel task.
    The values of a regression stay.

    Example:
        >>> task = Task("categories", ("good", "bad"))
        >>> tempered(task, np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
        [[0.667, 0.333]]

    Source: Hinton, Vinyals and Dean 2015, equation 1.
    """
    return as_answers(task, as_outputs(task, rows), temperature)


def entropy(task: Task, rows: np.ndarray) -> np.ndarray:
    """Returns the entropy of each row, as a share of that of an even distribution.

    Of a multilabel task it is the mean over labels; a regression has none, NaN.

    Example:
        >>> task = Task("categories", ("good", "bad"))
        >>> entropy(task, np.array([[0.5, 0.5], [1.0, 0.0]])).round(3).tolist()
        [1.0, 0.0]
    """
    if task.kind == "regression":
        return np.full(len(rows), np.nan)
    if task.kind == "multilabel":
        found = _surprise(rows) + _surprise(1.0 - rows)
        return np.maximum(found.mean(axis=1) / np.log(2.0), 0.0)
    return np.maximum(_surprise(rows).sum(axis=1) / np.log(task.outputs), 0.0)


def _surprise(shares: np.ndarray) -> np.ndarray:
    return -shares * np.log(np.maximum(shares, _LEAST))


def taught_splits(
    splits: Splits,
    tasks: Mapping[str, Task],
    rows: Mapping[str, np.ndarray],
    texts: Sequence[str],
    said: Mapping[str, np.ndarray],
    mixture: float,
) -> Splits:
    """Returns the data with a teacher's answers in the training part.

    The target of a row with a label, or with a distribution of its own, is `mixture` of
    that and the rest of the teacher's answer; of another row, the answer. A row without
    an answer keeps what it has.

    Args:
        splits: the labelled data.
        tasks: by name.
        rows: answers `[rows of training, outputs]` by task.
        texts: further texts.
        said: answers `[texts, outputs]` by task.
        mixture: from 0 to 1.
    """
    soft = dict(splits.train.soft)
    for name, target in _mixed(splits.train, tasks, rows, mixture).items():
        answers = _listed(tasks[name], target)
        pairs = zip(answers, soft[name], strict=True)
        soft[name] = [own if answer is None else answer for answer, own in pairs]
    train = replace(splits.train, soft=soft)
    if not len(texts):
        return replace(splits, train=train)
    none: list = [None] * len(texts)
    more = Examples(
        list(texts),
        {name: list(none) for name in tasks},
        kinds={name: task.kind for name, task in tasks.items()},
        columns=dict(splits.train.columns),
        soft={name: _listed(tasks[name], answers) for name, answers in said.items()},
    )
    return replace(splits, train=join([train, more]))


def _mixed(train: Examples, tasks, rows, mixture: float) -> dict[str, np.ndarray]:
    """Answers about the training rows, mixed with labels and distributions of these."""
    (targets, weights), own = encode_labels(train, tasks), encode_soft(train, tasks)
    found = {}
    for name, answers in rows.items():
        task, has = tasks[name], weights[name] > 0
        label = dense_of(task, targets[name]).astype("float64")
        if name in own:
            given = there(own[name])
            label[given], has = own[name][given], has | given
        label = label.reshape(len(label), -1)
        if task.kind == "regression":
            label = task.value(label)
        mixed = mixture * label + (1.0 - mixture) * answers
        found[name] = np.where(has[:, None], mixed, answers)
    return found


def _listed(task: Task, rows: np.ndarray) -> list:
    """Returns answers as `Examples.soft` has them, `None` for rows without one."""
    answered = there(rows)
    if task.kind == "regression":
        return [float(row[0]) if has else None for row, has in zip(rows, answered)]
    return [
        dict(zip(task.labels, row, strict=True)) if has else None
        for row, has in zip(rows.tolist(), answered)
    ]
