"""The estimator of the linear baseline: logistic or ridge regression, or neighbours."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from threadpoolctl import threadpool_limits

from zoo.tasks import Task
from zoo.training.chunks import chunks

# Limits of a linear model: beyond them it takes gigabytes, or minutes.
MOST_LABELS, MOST_WEIGHTS = 200, 20_000_000


def fit_estimator(task: Task, strength: float, features, target: np.ndarray):
    """Fits the scikit-learn model for these features."""
    model = _estimator(task, strength, features.shape)
    # More threads only slow down products with sparse matrices.
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "Label .* is present in all")
        return model.fit(features, target)


def _estimator(task: Task, strength: float, shape: tuple[int, int]):
    rows, features = shape
    if task.kind == "regression":
        return Ridge(alpha=1.0 / strength)
    if task.outputs > MOST_LABELS or task.outputs * features > MOST_WEIGHTS:
        votes = {"categories": KNeighborsClassifier, "multilabel": KNeighborsRegressor}
        nearest = max(1, min(int(strength), rows))
        return votes[task.kind](nearest, metric="cosine", weights="distance")
    logistic = LogisticRegression(C=strength, max_iter=100)
    return OneVsRestClassifier(logistic) if task.kind == "multilabel" else logistic


def parameter_of(task: Task, model) -> str:
    """Returns the meaning of a candidate's strength for this model."""
    if isinstance(model, (KNeighborsClassifier, KNeighborsRegressor)):
        return "neighbours"
    return "1/alpha" if task.kind == "regression" else "C"


def outputs_of(task: Task, model, features) -> np.ndarray:
    """Returns outputs `[rows, outputs]` of a fitted scikit-learn model."""
    rows = features.shape[0]
    scores = np.zeros((rows, task.outputs), "float32")
    if not rows:
        return scores
    if task.kind == "regression":
        return model.predict(features)[:, None].astype("float32")
    votes = isinstance(model, (KNeighborsClassifier, KNeighborsRegressor))
    compared = model.n_samples_fit_ if votes else 0  # distances of each row
    for part in chunks(rows, max(task.outputs, compared)):
        if task.kind == "categories":
            scores[part, model.classes_] = model.predict_proba(features[part])
            continue
        say = model.predict if votes else model.predict_proba
        scores[part] = say(features[part])[:, -task.outputs :] - 0.5
    return scores
