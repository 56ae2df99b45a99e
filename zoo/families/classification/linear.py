"""A linear baseline, chosen with the same care as the models.

TF-IDF of words, or of words and of characters within words, then logistic or ridge
regression. The features, their minimum frequency and the regularisation are chosen on
held-out rows. With too many labels for separate weights, the most similar texts vote
instead.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from scipy.sparse import hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from threadpoolctl import threadpool_limits

from zoo.families.classification.constant import majority
from zoo.families.classification.estimators import FEW_ROWS, fold_rows
from zoo.tasks import Task
from zoo.training.chunks import chunks
from zoo.training.metrics import evaluate, merit

# Limits of a linear model: beyond them it takes gigabytes, or minutes.
MOST_LABELS, MOST_WEIGHTS = 200, 20_000_000
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
_TOKENS = {
    "words": None,  # scikit-learn's own: at least two letters or digits
    "words and marks": re.compile(r"\w+|[^\w\s]").findall,
}

# Texts, targets and weights, one row each; a row of weight 0 has no label.
Part = tuple[Sequence[str], np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Candidate:
    """One configuration of a linear model.

    Args:
        words: which tokens count, a key of `_TOKENS`.
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
        most = most_features(task)
        weights = 2 * most * task.outputs
        if self.characters and (most < MOST_FEATURES or weights > MOST_WEIGHTS):
            most //= 2  # no more weights than with words only
        common = partial(
            TfidfVectorizer,
            min_df=self.min_df,
            max_features=most,
            sublinear_tf=True,
        )
        tokens = _TOKENS[self.words]
        kept = {"tokenizer": tokens, "token_pattern": None} if tokens else {}
        found = [common(ngram_range=(1, 2), **kept)]
        if self.characters:
            found.append(common(analyzer="char_wb", ngram_range=(2, 5)))
        return found


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


def fit_linear(task: Task, train: Part, valid: Part) -> Linear:
    """Fits the linear model that is best on held-out rows to the training split.

    Args:
        task: the task.
        train: texts, targets and weights of the training split.
        valid: likewise of the validation split.

    Returns:
        A function from texts to outputs `[texts, outputs]`, larger for likelier labels.
    """
    start = time.perf_counter()
    texts, target = _present(train)
    candidates = list(_candidates(task, texts))
    best = _choose(task, (texts, target), _present(valid), candidates)
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
                "parameter": _parameter(task, model),
                "features": features.shape[1],
            }
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


def _candidates(task: Task, texts: Sequence[str]) -> Iterator[Candidate]:
    """Yields the candidates to compare; fewer if a single fit is slow."""
    min_df = 2 if len(texts) > 100 else 1
    if task.outputs > MOST_LABELS:
        for neighbours in NEIGHBOURS:
            yield Candidate("words and marks", False, min_df, neighbours)
        return
    few = task.outputs <= 20
    words = list(_TOKENS) if not _several(task) else ["words and marks"]
    characters = [False]
    if sum(map(len, texts)) <= MOST_CHARACTERS:
        characters.append(True)
    rarest = (1, 2) if few else (min_df,)
    for chosen in product(words, characters, rarest, STRENGTHS):
        if chosen[1] and chosen[0] == "words":
            continue  # characters cover what these words leave out
        yield Candidate(*chosen)


def _choose(task: Task, train, valid, candidates: list[Candidate]) -> Candidate:
    """Returns the candidate with the best main metric on rows held out from fitting.

    Ties go to fewer features, then to stronger regularisation.
    """
    folds = [(*_sample(task, *train), *_judges(*valid))]
    few = len(train[0]) + len(valid[0]) < FEW_ROWS and task.outputs <= MOST_LABELS
    if few or not len(valid[0]):
        folds = list(_folds(task, train, valid)) if few else folds
    scores: dict[Candidate, tuple[float, int]] = {}

    def best() -> Candidate:
        return max(scores, key=lambda c: (scores[c][0], -scores[c][1], -c.strength))

    def compare(wanted: list[Candidate]) -> None:
        for features in dict.fromkeys(c.features for c in wanted):
            same = [c for c in wanted if c.features == features]
            try:
                scores.update(_scores(task, same, folds))
            except ValueError as error:
                if not _without_words(error):
                    raise

    compare([c for c in candidates if c.strength in FIRST_STRENGTHS])
    if not scores:
        return candidates[0]
    kept = best().features
    compare([c for c in candidates if c.features == kept and c not in scores])
    return best()


def _scores(task: Task, same: list[Candidate], folds) -> dict:
    """Returns main metric and number of features of candidates with equal features."""
    said: dict[Candidate, list[np.ndarray]] = {candidate: [] for candidate in same}
    truth, size = [], 0
    for texts, target, judged, answer in folds:
        vectorizers = same[0].vectorizers(task)
        seen = hstack([v.fit_transform(texts) for v in vectorizers], "csr")
        size += seen.shape[1]
        if len(judged):
            unseen = hstack([v.transform(judged) for v in vectorizers], "csr")
        else:
            unseen = seen[:0]
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


def _folds(task: Task, train, valid) -> Iterator[tuple]:
    """For few rows: cross-validation, including the validation part."""
    texts = [*train[0], *valid[0]]
    target = np.concatenate([train[1], valid[1]]) if len(valid[0]) else train[1]
    pairs = fold_rows(task, target)
    if not pairs:
        yield texts, target, [], target[:0]
    for kept, left in pairs:
        some, judged = ([texts[row] for row in rows] for rows in (kept, left))
        yield some, target[kept], judged, target[left]


def _several(task: Task) -> bool:
    """Returns whether the time of a fit is proportional to the number of outputs."""
    return task.kind == "multilabel" or task.outputs > 2


def _sample(task: Task, texts: Sequence[str], target: np.ndarray):
    """Returns the rows to choose on: all, or as many as `MOST_WORK` allows."""
    work = sum(map(len, texts)) * (task.outputs if _several(task) else 1)
    if work <= MOST_WORK or task.outputs > MOST_LABELS:
        return texts, target
    rows = max(FEWEST_ROWS, int(len(texts) * MOST_WORK / work))
    return _some(texts, target, rows)


def _judges(texts: Sequence[str], target: np.ndarray):
    return _some(texts, target, MOST_JUDGED)


def _some(texts: Sequence[str], target: np.ndarray, rows: int):
    if len(texts) <= rows:
        return texts, target
    chosen = np.random.default_rng(0).choice(len(texts), rows, replace=False)
    return [texts[row] for row in chosen], target[chosen]


def _present(part: Part) -> tuple[list[str], np.ndarray]:
    texts, target, weight = part
    rows = np.flatnonzero(np.asarray(weight) > 0)
    return [texts[int(row)] for row in rows], np.asarray(target)[rows]


def _without_words(error: ValueError) -> bool:
    """Returns whether a scikit-learn error means that no feature is left."""
    return any(part in str(error) for part in ("empty vocabulary", "no terms remain"))


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


def _parameter(task: Task, model) -> str:
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
