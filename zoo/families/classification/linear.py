"""A linear baseline, chosen with the same care as the models.

TF-IDF of words, or of words and of characters within words, then logistic or ridge
regression. The features, their minimum frequency and the regularisation are chosen on
held-out rows. With too many labels for separate weights, the most similar texts vote
instead.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from zoo.families.classification.baseline_estimator import (
    MOST_LABELS,
    MOST_WEIGHTS,
    fit_estimator,
    outputs_of,
    parameter_of,
)
from zoo.families.classification.constant import majority
from zoo.families.classification.counted import (
    WORDS,
    Counted,
    character_options,
    word_options,
)
from zoo.families.classification.estimators import (
    FEW_ROWS,
    FOLDS,
    LEAST_JUDGES,
    fold_rows,
)
from zoo.tasks import Task
from zoo.training.metrics import evaluate, merit

# Number of features of one kind; and of weights that are fitted together, which need
# some 30 copies.
MOST_FEATURES, MOST_TOGETHER = 200_000, 3_000_000
# With more characters of training text than this, character n-grams take gigabytes.
MOST_CHARACTERS = 8_000_000
# Characters times outputs on which all candidates are compared in about a minute; with
# more, a sample of the rows is used, but not fewer than `FEWEST_ROWS`.
MOST_WORK, FEWEST_ROWS, MOST_JUDGED = 2_000_000, 4_000, 10_000

# Features are compared at the first strengths, then all strengths with the best ones.
FIRST_STRENGTHS = (1.0, 10.0)
STRENGTHS, NEIGHBOURS = (0.3, 1.0, 3.0, 10.0, 30.0), (1, 4, 16)

# Texts, targets and weights, one row each; a row of weight 0 has no label.
Part = tuple[Sequence[str], np.ndarray, np.ndarray]
# Row numbers of texts, and their targets.
Rows = tuple[np.ndarray, np.ndarray]
Fold = tuple[Rows, Rows]  # to fit, and to judge by


@dataclass(frozen=True)
class Candidate:
    """One configuration of a linear model.

    Args:
        words: which tokens count, one of `WORDS`.
        characters: whether character n-grams within words count as well.
        min_df: minimum number of texts with a feature.
        strength: `C` of the logistic regression, one over the `alpha` of the ridge, or
            the number of neighbours that vote.
    """

    words: str
    characters: bool
    min_df: int
    strength: float

    @property
    def features(self) -> tuple[str, bool, int]:
        """Key of the features, independent of the model fitted to them."""
        return self.words, self.characters, self.min_df

    def vectorizers(self, task: Task) -> list[TfidfVectorizer]:
        """Returns a vectorizer for each kind of feature."""
        common = partial(
            TfidfVectorizer,
            min_df=self.min_df,
            max_features=self.most_features(task),
            sublinear_tf=True,
        )
        found = [common(**word_options(self.words))]
        if self.characters:
            found.append(common(**character_options()))
        return found

    def most_features(self, task: Task) -> int:
        """Returns the maximum number of features of each kind."""
        most = most_features(task)
        if self.characters and (
            most < MOST_FEATURES or 2 * most * task.outputs > MOST_WEIGHTS
        ):
            most //= 2  # no more weights than with words only
        return most


@dataclass
class Linear:
    """A fitted linear model, from texts to outputs `[texts, outputs]`.

    Args:
        task: the task.
        vectorizers: one per kind of feature; none for a model without features.
        model: a scikit-learn model, or constant outputs if there are no features.
        chosen: the chosen options, JSON-ready.
        seconds: time of fitting the chosen model.
        seconds_choosing: time of comparing the candidates.
    """

    task: Task
    vectorizers: list[TfidfVectorizer]
    model: Any
    chosen: dict
    seconds: float
    seconds_choosing: float

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        if not self.vectorizers:
            return np.tile(self.model, (len(texts), 1))
        if not len(texts):
            return np.zeros((0, self.task.outputs), "float32")
        features = hstack([v.transform(texts) for v in self.vectorizers], "csr")
        return outputs_of(self.task, self.model, features)


def fit_linear(
    task: Task, train: Part, valid: Part, counted: Counted | None = None
) -> Linear:
    """Fits the linear model that is best on held-out rows to the training split.

    Args:
        task: the task.
        train: texts, targets and weights of the training split.
        valid: likewise of the validation split.
        counted: the texts of both, one after the other, if several tasks share them.

    Returns:
        A function from texts to outputs `[texts, outputs]`, larger for likelier labels.
    """
    start = time.perf_counter()
    rows, target = _present(train)
    judged, answer = _present(valid)
    both = [*train[0], *valid[0]]
    lengths = np.array([len(text) for text in both], dtype="int64")
    held_out = judged + len(train[0]), answer
    folds = _held_out(task, (rows, target), held_out, lengths)
    if counted is None:
        used = [part[0] for fold in folds for part in fold]
        counted = Counted(both, np.unique(np.concatenate(used)))
    best, score = _choose(task, counted, folds, list(_candidates(task, lengths[rows])))
    texts = [train[0][row] for row in rows.tolist()]
    chosen = time.perf_counter()
    facts: dict = {"words": "none"}
    vectorizers: list[TfidfVectorizer] = []
    model: Any = majority(task, train[1], train[2], 1)
    try:
        if task.kind != "categories" or len(np.unique(target)) > 1:
            fitted = best.vectorizers(task)
            features = hstack([v.fit_transform(texts) for v in fitted], "csr")
            model = fit_estimator(task, best.strength, features, target)
            vectorizers = fitted
            facts = {
                **asdict(best),
                "parameter": parameter_of(task, model),
                "features": features.shape[1],
            }
            if task.kind == "categories" and len(folds) > 1 and np.isfinite(score):
                count = sum(len(fold[1][0]) for fold in folds)
                facts["cross_validated"] = {"score": score, "rows": count}
    except ValueError as error:  # no words, or none that is frequent enough
        if not _without_words(error):
            raise
    end = time.perf_counter()
    return Linear(task, vectorizers, model, facts, end - chosen, chosen - start)


def most_features(task: Task) -> int:
    """Returns the number of most frequent features that keeps the model small."""
    if task.kind == "categories" and 2 < task.outputs <= MOST_LABELS:
        return min(MOST_FEATURES, MOST_TOGETHER // task.outputs)
    return MOST_FEATURES


def _candidates(task: Task, lengths: np.ndarray) -> Iterator[Candidate]:
    """Yields the candidates to compare; fewer if a single fit is slow."""
    min_df = 2 if len(lengths) > 100 else 1
    if task.outputs > MOST_LABELS:
        for neighbours in NEIGHBOURS:
            yield Candidate("words and marks", False, min_df, neighbours)
        return
    few = task.outputs <= 20
    words = list(WORDS) if not _several(task) else ["words and marks"]
    characters = [False]
    if lengths.sum() <= MOST_CHARACTERS:
        characters.append(True)
    rarest = (1, 2) if few else (min_df,)
    for chosen in product(words, characters, rarest, STRENGTHS):
        if chosen[1] and chosen[0] == "words":
            continue  # characters cover what these words leave out
        yield Candidate(*chosen)


def _held_out(task: Task, train: Rows, valid: Rows, lengths: np.ndarray) -> list[Fold]:
    """Returns rows to fit and to judge by: a sample, or folds where rows are few."""
    work, rows = _work(task, train[0], lengths), len(train[0]) + len(valid[0])
    few = rows < FEW_ROWS or FOLDS * work <= MOST_WORK
    if len(valid[0]) < LEAST_JUDGES and few and task.outputs <= MOST_LABELS:
        return list(_folds(task, train, valid))
    return [(_sample(task, *train, lengths), _some(*valid, MOST_JUDGED))]


def _choose(
    task: Task, counted: Counted, folds: Sequence[Fold], candidates: list[Candidate]
) -> tuple[Candidate, float]:
    """Returns the candidate with the best main metric on rows held out from fitting.

    Ties go to fewer features, then to stronger regularisation.

    Returns:
        The candidate, and its metric on all of these rows; NaN if it was not judged.
    """
    scores: dict[Candidate, tuple[float, int]] = {}

    def best() -> Candidate:
        return max(scores, key=lambda c: (scores[c][0], -scores[c][1], -c.strength))

    def compare(wanted: list[Candidate]) -> None:
        for features in dict.fromkeys(c.features for c in wanted):
            same = [c for c in wanted if c.features == features]
            scores.update(_scores(task, counted, same, folds))

    compare([c for c in candidates if c.strength in FIRST_STRENGTHS])
    if not scores:
        return candidates[0], float("nan")
    kept = best().features
    compare([c for c in candidates if c.features == kept and c not in scores])
    return best(), scores[best()][0]


def _scores(task: Task, counted: Counted, same: list[Candidate], folds) -> dict:
    """Returns main metric and number of features of candidates with equal features.

    No candidate is scored if its features are too rare in one of the folds.
    """
    said: dict[Candidate, list[np.ndarray]] = {candidate: [] for candidate in same}
    truth, size, first = [], 0, same[0]
    for (rows, target), (judged, answer) in folds:
        seen, unseen = counted.features(
            first.words,
            first.characters,
            rows,
            judged,
            min_df=first.min_df,
            most=first.most_features(task),
        )
        if not seen.shape[1]:
            return {}
        size += seen.shape[1]
        truth.append(answer)
        alone = task.kind == "categories" and len(np.unique(target)) < 2
        for candidate in same:
            if alone:
                outputs = majority(task, target, np.ones(len(target)), len(judged))
            else:
                model = fit_estimator(task, candidate.strength, seen, target)
                outputs = outputs_of(task, model, unseen)
            said[candidate].append(outputs)
    answers = np.concatenate(truth)
    found = {}
    for candidate, pieces in said.items():
        answered = np.concatenate(pieces)
        ones = np.ones(len(answers))
        result = evaluate(task, answers, ones, answered, ranking=False)
        score = float(np.nan_to_num(merit(task, result), nan=-1e9))
        found[candidate] = (score, size)
    return found


def _folds(task: Task, train: Rows, valid: Rows) -> Iterator[Fold]:
    """For few rows: cross-validation, including the validation part."""
    rows = np.concatenate([train[0], valid[0]])
    target = np.concatenate([train[1], valid[1]]) if len(valid[0]) else train[1]
    pairs = fold_rows(task, target)
    if not pairs:
        yield (rows, target), (rows[:0], target[:0])
    for kept, left in pairs:
        yield (rows[kept], target[kept]), (rows[left], target[left])


def _several(task: Task) -> bool:
    """Returns whether the time of a fit is proportional to the number of outputs."""
    return task.kind == "multilabel" or task.outputs > 2


def _work(task: Task, rows: np.ndarray, lengths: np.ndarray) -> int:
    """Returns what the time of a fit is proportional to: characters times outputs."""
    return int(lengths[rows].sum()) * (task.outputs if _several(task) else 1)


def _sample(task: Task, rows, target: np.ndarray, lengths: np.ndarray) -> Rows:
    """Returns the rows to choose on: all, or as many as `MOST_WORK` allows."""
    work = _work(task, rows, lengths)
    if work <= MOST_WORK or task.outputs > MOST_LABELS:
        return rows, target
    return _some(rows, target, max(FEWEST_ROWS, int(len(rows) * MOST_WORK / work)))


def _some(rows: np.ndarray, target: np.ndarray, most: int) -> Rows:
    if len(rows) <= most:
        return rows, target
    chosen = np.random.default_rng(0).choice(len(rows), most, replace=False)
    return rows[chosen], target[chosen]


def _present(part: Part) -> Rows:
    _, target, weight = part
    rows = np.flatnonzero(np.asarray(weight) > 0)
    return rows, np.asarray(target)[rows]


def _without_words(error: ValueError) -> bool:
    """Returns whether a scikit-learn error means that no feature is left."""
    return any(part in str(error) for part in ("empty vocabulary", "no terms remain"))
