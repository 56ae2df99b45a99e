"""What a user would try first: the most frequent label, and a linear model.

A model of the zoo that does not beat them is not worth its training time, so every
report shows them beside it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from zoo.tasks import Task
from zoo.training.chunks import chunks
from zoo.training.metrics import evaluate, merit

# Of a linear model: beyond them it takes gigabytes, or minutes.
MOST_LABELS, MOST_WEIGHTS = 200, 20_000_000
# Its features; and its weights where they are fitted together, with some 30 copies.
MOST_FEATURES, MOST_TOGETHER = 200_000, 3_000_000


def majority(task: Task, target, weight, rows: int) -> np.ndarray:
    """Outputs `[rows, outputs]` that always name the most frequent label or the mean.

    Multilabel: the labels that apply to more than half of the rows.

    Args:
        task: the task.
        target: of the training split.
        weight: of the training split; 0 where the label is missing.
        rows: how many outputs to return.
    """
    present = np.asarray(weight) > 0
    target = np.asarray(target)[present]
    if task.kind == "categories":
        best = np.bincount(target, minlength=task.outputs).argmax()
        output = np.arange(task.outputs) == best
    elif task.kind == "multilabel":
        output = target.mean(axis=0) - 0.5
    else:
        output = np.array([target.mean()])
    return np.tile(output.astype("float32"), (rows, 1))


def linear(
    task: Task,
    train: tuple[Sequence[str], np.ndarray, np.ndarray],
    valid: tuple[Sequence[str], np.ndarray, np.ndarray],
    texts: Sequence[str],
) -> np.ndarray:
    """What `fit_linear` gives for `texts`: outputs `[texts, outputs]`."""
    return fit_linear(task, train, valid)(texts)


def fit_linear(
    task: Task,
    train: tuple[Sequence[str], np.ndarray, np.ndarray],
    valid: tuple[Sequence[str], np.ndarray, np.ndarray],
) -> Callable[[Sequence[str]], np.ndarray]:
    """TF-IDF of words and pairs of words, then logistic or ridge regression.

    The strength of the regularisation is chosen on the validation split. Where the
    labels are too many for that, the most similar texts vote instead.

    Args:
        task: the task.
        train: texts, targets and weights of the training split.
        valid: the same of the validation split.

    Returns:
        A function from texts to outputs `[texts, outputs]`, larger for likelier labels.
    """
    train_texts, train_target, _ = _present(*train)
    features = TfidfVectorizer(
        tokenizer=re.compile(r"\w+|[^\w\s]").findall,
        token_pattern=None,
        ngram_range=(1, 2),
        min_df=2 if len(train_texts) > 100 else 1,
        max_features=most_features(task),
        sublinear_tf=True,
    )
    try:
        train_features = features.fit_transform(train_texts)
    except ValueError:  # no word at all, or none that is frequent enough
        return lambda texts: majority(task, train[1], train[2], len(texts))
    candidates = []
    for strength in (1.0, 4.0, 16.0):
        model = _estimator(task, strength, train_features.shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.filterwarnings("ignore", "Label .* is present in all")
            model.fit(train_features, train_target)
        outputs = _outputs(task, model, features, valid[0])
        found = merit(task, evaluate(task, valid[1], valid[2], outputs))
        candidates.append((np.nan_to_num(found, nan=-1e9), -strength, model))
    _, _, best = max(candidates, key=lambda candidate: candidate[:2])
    return lambda texts: _outputs(task, best, features, texts)


def most_features(task: Task) -> int:
    """So many of the most frequent words and pairs as leave the model small."""
    if task.kind == "categories" and 2 < task.outputs <= MOST_LABELS:
        return min(MOST_FEATURES, MOST_TOGETHER // task.outputs)
    return MOST_FEATURES


def _present(texts, target, weight):
    rows = np.flatnonzero(np.asarray(weight) > 0)
    return [texts[row] for row in rows], np.asarray(target)[rows], rows


def _estimator(task: Task, strength: float, shape: tuple[int, int]):
    rows, features = shape
    if task.kind == "regression":
        return Ridge(alpha=1.0 / strength)
    if task.outputs > MOST_LABELS or task.outputs * features > MOST_WEIGHTS:
        votes = {"categories": KNeighborsClassifier, "multilabel": KNeighborsRegressor}
        nearest = min(int(strength), rows)
        return votes[task.kind](nearest, metric="cosine", weights="distance")
    logistic = LogisticRegression(C=strength, max_iter=100)
    return OneVsRestClassifier(logistic) if task.kind == "multilabel" else logistic


def _outputs(task: Task, model, vectorizer, texts: Sequence[str]) -> np.ndarray:
    scores = np.zeros((len(texts), task.outputs), "float32")
    if not texts:
        return scores
    features = vectorizer.transform(texts)
    if task.kind == "regression":
        return model.predict(features)[:, None].astype("float32")
    votes = isinstance(model, (KNeighborsClassifier, KNeighborsRegressor))
    compared = model.n_samples_fit_ if votes else 0  # distances of each row
    for part in chunks(len(texts), max(task.outputs, compared)):
        if task.kind == "categories":
            scores[part, model.classes_] = model.predict_proba(features[part])
            continue
        say = model.predict if votes else model.predict_proba
        scores[part] = say(features[part])[:, -task.outputs :] - 0.5
    return scores


def union_available(tasks: Mapping[str, Task]) -> bool:
    """Whether one linear model on the union of the tasks is a meaningful baseline."""
    first, *rest = tasks.values()
    return bool(rest) and all(
        task.kind == first.kind == "categories" and task.labels == first.labels
        for task in rest
    )
