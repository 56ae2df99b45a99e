"""Logistic and ridge regression on sparse features, as weights of a linear model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, vstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold

from zoo.tasks import Task
from zoo.training.metrics import evaluate, merit

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
# Those at which features are compared before the strength is chosen.
FIRST_STRENGTHS = (1.0, 10.0)
# With more outputs a fit takes long, and the strengths in the middle are compared.
MANY_OUTPUTS = 20
# Of L-BFGS, in general and with many outputs: on trec with 50 labels 30 had the score
# of convergence (at 57 and 84), and 15 were 9 points below it.
ITERATIONS, FEWER_ITERATIONS = 100, 40
# With fewer validation rows, folds of both parts judge, if these are fewer than
# `FEW_ROWS` or their values times outputs are few enough: from 900 and 2,700 training
# rows, folds chose strengths better by 0.5 points in the mean of five sets.
LEAST_JUDGES, FEW_ROWS, FOLDED_VALUES, FOLDS = 500, 1_000, 1_000_000, 5
# Values of the training matrix times outputs that a comparison of all strengths reads
# in about half a minute; of more, a sample of the rows, but at least `FEWEST_ROWS`.
MOST_VALUES, FEWEST_ROWS = 10_000_000, 4_000

# Features, targets and weights, one row each.
Rows = tuple[csr_matrix, np.ndarray, np.ndarray]


class Strength(NamedTuple):
    """A strength of regularisation, and its score on rows that were not fitted.

    Args:
        value: one over the weight of the squared weights.
        score: the main metric; -inf where there are no such rows.
    """

    value: float
    score: float


class Estimate(NamedTuple):
    """A fitted linear model: `outputs = features @ weights + bias`.

    Args:
        weights: `[features, outputs]`.
        bias: `[outputs]`.
    """

    weights: np.ndarray
    bias: np.ndarray

    def __call__(self, features: csr_matrix) -> np.ndarray:
        return features @ self.weights + self.bias


def choose_strength(
    task: Task,
    train: Rows,
    valid: Rows,
    *,
    strengths: Sequence[float] = STRENGTHS,
    even: bool = False,
    macro: bool = False,
) -> Strength:
    """The strength of the best main metric on rows that were not fitted.

    Of equals the lowest, which regularises most.

    Args:
        task: the task.
        train: rows to fit.
        valid: rows to judge by; where these are few, folds of both parts judge.
        strengths: to choose from, by increasing value.
        even: as in `fit_weights`.
        macro: whether macro F1 is the metric of a task with labels.
    """
    folds = [(_sample(task, train), valid)]
    (rows, values), (judges, more) = _size(task, train), _size(task, valid)
    few = rows + judges < FEW_ROWS or values + more <= FOLDED_VALUES
    if judges < LEAST_JUDGES and few:
        folds = list(_folds(task, train, valid))
    if not folds or not folds[0][1][0].shape[0]:
        return Strength(1.0, -np.inf)
    truth = np.concatenate([judged[1] for _, judged in folds])
    counted = np.concatenate([judged[2] for _, judged in folds])
    if task.kind == "multilabel":  # training rows may have probabilities
        truth = truth > 0.5
    if task.outputs > MANY_OUTPUTS:
        strengths = [one for one in strengths if 1.0 <= one <= 10.0]
    scores = []
    for strength in strengths:
        said = [
            fit_weights(task, strength, fit, even=even)(judged[0])
            for fit, judged in folds
        ]
        outputs = np.concatenate(said)
        found = evaluate(task, truth, counted, outputs, ranking=False)
        score = found.get("macro_f1", np.nan) if macro else np.nan
        score = merit(task, found) if np.isnan(score) else score
        scores.append(float(np.nan_to_num(score, nan=-1e9)))
    best = int(np.argmax(scores))
    return Strength(strengths[best], scores[best])


def fit_weights(
    task: Task, strength: float, rows: Rows, *, even: bool = False
) -> Estimate:
    """The optimum for one strength.

    Args:
        task: the task. Of categories, the outputs are logits up to a constant a row;
            one that the rows lack is less likely than any that they have.
        strength: one over the weight of the squared weights.
        rows: to fit.
        even: whether, for each label of a multilabel task, the rows with and without it
            have the same total weight.
    """
    features, targets, weights = rows
    fit = _BY_KIND[task.kind]
    if task.kind == "multilabel":
        fit = partial(_multilabel, balance="balanced" if even else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit(task.outputs, strength, features, targets, weights)


def _categories(outputs, strength, features, targets, weights) -> Estimate:
    coefficients = np.zeros((features.shape[1], outputs))
    bias = np.full(outputs, -np.log(2.0 * max(len(targets), 1)))
    present = np.unique(targets)
    if len(present) < 2:
        bias[present] = 0.0
        return Estimate(coefficients, bias)
    steps = ITERATIONS if outputs <= MANY_OUTPUTS else FEWER_ITERATIONS
    model = LogisticRegression(C=strength, max_iter=steps)
    model.fit(features, targets, sample_weight=weights)
    if len(present) == 2:  # one column, the logit of the second against the first
        coefficients[:, present] = model.coef_.T * np.array([-0.5, 0.5])
        bias[present] = model.intercept_ * np.array([-0.5, 0.5])
        own = np.abs(bias[present]).max()
    else:
        coefficients[:, present] = model.coef_.T
        bias[present] = model.intercept_
        own = -model.intercept_.min()
    absent = np.setdiff1d(np.arange(outputs), present)
    bias[absent] -= max(own, 0.0)
    return Estimate(coefficients, bias)


def _multilabel(
    outputs, strength, features, targets, weights, balance=None
) -> Estimate:
    coefficients, bias = np.zeros((features.shape[1], outputs)), np.zeros(outputs)
    shares = np.repeat(weights[:, None], outputs, axis=1)
    if ((targets > 0) & (targets < 1)).any():
        features, targets, shares = _both(features, targets, shares, balance)
        balance = None
    for label in range(outputs):
        column = targets[:, label] > 0.5
        if column.all() or not column.any():
            bias[label] = np.log(2.0 * max(len(column), 1)) * (
                1 if column.any() else -1
            )
            continue
        model = LogisticRegression(
            C=strength, max_iter=ITERATIONS, class_weight=balance
        )
        model.fit(features, column, sample_weight=shares[:, label])
        coefficients[:, label], bias[label] = model.coef_[0], model.intercept_[0]
    return Estimate(coefficients, bias)


def _both(features, targets, shares, balance):
    """Turns rows with probabilities into two each, with all labels and without any."""
    parts = [targets * shares, (1.0 - targets) * shares]
    if balance is not None:
        parts = [part / np.maximum(part.mean(axis=0), 1e-12) for part in parts]
    targets = np.concatenate([np.ones_like(targets), np.zeros_like(targets)])
    return vstack([features, features], "csr"), targets, np.concatenate(parts)


def _regression(outputs, strength, features, targets, weights) -> Estimate:
    model = Ridge(alpha=1.0 / strength).fit(features, targets, sample_weight=weights)
    return Estimate(model.coef_.reshape(-1, 1), np.reshape(model.intercept_, 1))


_BY_KIND = {
    "categories": _categories,
    "multilabel": _multilabel,
    "regression": _regression,
}


def _size(task: Task, rows: Rows) -> tuple[int, int]:
    """Number of rows, and of their values times the outputs that are fitted."""
    several = task.outputs if task.kind == "multilabel" or task.outputs > 2 else 1
    return rows[0].shape[0], rows[0].nnz * several


def _sample(task: Task, rows: Rows) -> Rows:
    """As many rows as can be fitted several times in about a minute."""
    features = rows[0]
    share = MOST_VALUES / max(_size(task, rows)[1], 1)
    most = max(FEWEST_ROWS, int(features.shape[0] * share))
    if features.shape[0] <= most:
        return rows
    chosen = np.random.default_rng(0).choice(features.shape[0], most, replace=False)
    return features[chosen], rows[1][chosen], rows[2][chosen]


def _folds(task: Task, train: Rows, valid: Rows) -> Iterator[tuple[Rows, Rows]]:
    """Each row is judged by a model of the others, those of `valid` too."""
    features = vstack([train[0], valid[0]], "csr")
    targets, weights = (np.concatenate(pair) for pair in zip(train[1:], valid[1:]))
    for kept, left in fold_rows(task, targets):
        yield (
            (features[kept], targets[kept], weights[kept]),
            (features[left], targets[left], weights[left]),
        )


def fold_rows(task: Task, targets: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Numbers of the rows to fit and to judge by in each fold; none for a single row.

    Args:
        task: the task; the classes of categories have equal shares in all folds.
        targets: of the rows.
    """
    count = min(FOLDS, len(targets))
    if count < 2:
        return []
    kind = KFold
    if task.kind == "categories" and np.bincount(targets).max() >= count:
        kind = StratifiedKFold
    with warnings.catch_warnings():  # of labels rarer than there are folds
        warnings.simplefilter("ignore", UserWarning)
        folds = kind(count, shuffle=True, random_state=0)
        return list(folds.split(np.zeros(len(targets)), targets))
