"""Fits the linear part of a model to its optimum, before or instead of training.

The features are those of `zoo.models.linear`; the weights are those of scikit-learn's
logistic or ridge regression, whose strength of regularisation is chosen on held-out
rows, by folds where these are few. With enough held-out rows, so are the weights of the
n-grams, which are inverse document frequencies or those times the ratios of NB-SVM
(Wang and Manning 2012), and whether word vectors are features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import keras
import numpy as np
from scipy.sparse import csr_matrix, hstack
from threadpoolctl import threadpool_limits

from zoo import weights as shipped
from zoo.families.building import known_vectors
from zoo.families.classification.estimators import (
    FIRST_STRENGTHS,
    LEAST_JUDGES,
    STRENGTHS,
    Strength,
    choose_strength,
    fit_weights,
)
from zoo.families.classification.imbalance import row_weights
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.classification.soft import joint, likeliest, repeated
from zoo.families.classification.token_features import (
    LetterFeatures,
    VectorFeatures,
    document_weights,
    hashed_ngrams,
    letter_features,
    token_counts,
    unit_rows,
    vector_features,
)
from zoo.models import _registry
from zoo.models.linear import columns_of, outputs_of
from zoo.tasks import Task, same_labels
from zoo.training.imbalance import NONE, OVERSAMPLE, WEIGHTS, repeats

if TYPE_CHECKING:
    from zoo.families.classification.train import Prepared

# Of the mean vector of a text beside TF-IDF features of length 1.
VECTOR_SCALE = 3.0
# Beyond so many letters of training text, features of letters take gigabytes.
MOST_LETTERS = 8_000_000
# Of the table of n-grams.
MOST_VALUES, MOST_BUCKETS = 2**23, 2**21
# Features that are fitted, the most frequent ones: beyond so many, others occur in one
# or two texts. And weights of all classes of a task that are fitted together.
MOST_FEATURES, MOST_WEIGHTS = 500_000, 1_500_000
_LAYERS = ("linear_words", "linear_letters", "linear_vectors")


@dataclass(frozen=True)
class Features:
    """How texts become features, and what is needed to undo that in the weights."""

    words: np.ndarray  # weight of each row of the table of n-grams
    letters: LetterFeatures | None
    vectors: VectorFeatures | None


def linear_vectors(weights: str, start: str) -> str:
    """Returns the name of the shipped vectors that a linear part reads.

    Args:
        weights: the setting of this name.
        start: what the embedding of the model starts from.

    Example:
        >>> linear_vectors("auto", "glove-en"), linear_vectors("glove-en", "glove-en")
        ('english', 'glove-en')
    """
    by_name = start == shipped.NONE or weights in shipped.NAMES
    return start if by_name else shipped.LINEAR


def fit_linear_part(
    model: keras.Model, prepared: Prepared, settings: ClassificationSettings, start: str
) -> None:
    """Fits the linear outputs of a model in place, once for all that learn the same.

    Args:
        model: of the zoo; nothing happens to one without such outputs.
        prepared: the data.
        settings: their class weights, their `imbalance` and their file of vectors.
        start: name of the shipped word vectors that are features, or `"none"`.
    """
    names = {layer.name for layer in model.layers}
    if not names.issuperset(_LAYERS):
        return
    bags = words, letters, vectors = [*map(model.get_layer, _LAYERS)]
    read = start, settings.vectors, settings.imbalance, repr(settings.class_weights)
    same = (words.n, words.buckets, *read)
    if same in prepared.fitted:
        for bag, fitted in zip(bags, prepared.fitted[same], strict=True):
            bag.set_weights(fitted.get_weights())
        return
    tokens = {part: prepared.parts[part].tokens for part in ("train", "valid")}
    size = prepared.pipeline.vocab_size
    counts = {part: token_counts(ids, size) for part, ids in tokens.items()}
    ngrams = {part: hashed_ngrams(words, ids) for part, ids in tokens.items()}
    vectors_of = known_vectors(prepared.pipeline.vocabulary, settings.vectors, start)
    features = _learn(prepared, counts["train"], ngrams["train"], vectors_of)
    reading = prepared, settings, counts, ngrams
    with threadpool_limits(limits=1):  # more threads slow down such small products
        # With 100 validation rows, their choice cost 2.7 points on subj. Folds cannot
        # choose, as the ratios have seen all labels.
        if len(tokens["valid"]) >= LEAST_JUDGES:
            ratios = np.asarray(words.ngram_weights)  # see `adapt_ngrams`
            candidates = [
                _problem(one, FIRST_STRENGTHS, *reading)
                for one in _variants(features, ratios)
            ]
            features = max(candidates, key=lambda one: one.score).features
        best = _problem(features, STRENGTHS, *reading)
        weights, bias = best.fitted(words.outputs)
    _assign(bags, features, weights, bias)
    prepared.fitted[same] = bags


def _variants(features: Features, ratios: np.ndarray) -> Iterator[Features]:
    """Yields the features that are compared; of equals the first is taken.

    Args:
        features: with all parts, and n-grams weighted by their document frequency.
        ratios: of NB-SVM, for each row of the table of n-grams.
    """
    weighted = replace(features, words=features.words * ratios)
    yield from (features, weighted)
    if features.vectors is not None:  # which crowd out the words of long texts
        yield replace(weighted, vectors=None)


@dataclass(frozen=True)
class Group:
    """The tasks with the same labels, whose rows are fitted together.

    Args:
        task: the first of them.
        columns: of the outputs.
        rows: features, targets and weights of the training texts with a label.
        even: as in `fit_weights`.
        strength: chosen on rows that were not fitted.
        judged: number of validation rows with a label.
    """

    task: Task
    columns: slice
    rows: tuple[csr_matrix, np.ndarray, np.ndarray]
    even: bool
    strength: Strength
    judged: int


@dataclass(frozen=True)
class Problem:
    """A choice of features, and what is fitted to them.

    Args:
        features: the features.
        width: their number.
        used: those that the training texts have, if they are not too many.
        groups: the tasks.
    """

    features: Features
    width: int
    used: np.ndarray
    groups: list[Group]

    @property
    def score(self) -> float:
        """The mean score of the groups on rows that were not fitted."""
        judged = [max(group.judged, 1) for group in self.groups]
        return float(
            np.average([g.strength.score for g in self.groups], weights=judged)
        )

    def fitted(self, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the weights `[features, outputs]` and the bias `[outputs]`."""
        weights, bias = np.zeros((self.width, outputs)), np.zeros(outputs)
        for group in self.groups:
            value = group.strength.value
            found = fit_weights(group.task, value, group.rows, even=group.even)
            weights[self.used, group.columns] = found.weights
            bias[group.columns] = found.bias
        return weights, bias


def _problem(
    features: Features,
    strengths: Sequence[float],
    prepared: Prepared,
    settings: ClassificationSettings,
    counts: Mapping[str, csr_matrix],
    ngrams: Mapping[str, csr_matrix],
) -> Problem:
    """Chooses a strength for some features and each group of tasks."""
    matrices = {part: _matrix(features, counts[part], ngrams[part]) for part in counts}
    used = _frequent(matrices["train"], most_features(prepared.tasks))
    train, valid = (matrices[part][:, used].tocsr() for part in ("train", "valid"))
    columns, groups = columns_of(prepared.tasks), []
    for members in same_labels(prepared.tasks).values():
        task, first = prepared.tasks[members[0]], members[0]
        rows = _labelled(prepared, "train", members, train)
        rows = _weighted(prepared, settings, first, rows)
        judged = _labelled(prepared, "valid", members, valid)
        even = settings.imbalance == WEIGHTS and first not in settings.class_weights
        macro = settings.imbalance != NONE
        number, options = judged[0].shape[0], {"even": even, "macro": macro}
        strength = choose_strength(task, rows, judged, strengths=strengths, **options)
        groups.append(Group(task, columns[first], rows, even, strength, number))
    return Problem(features, matrices["train"].shape[1], used, groups)


def sized_ngrams(name: str, prepared: Prepared, keywords: Mapping) -> dict[str, int]:
    """The number of rows of the table of n-grams that the data ask for.

    Twice as many as there can be n-grams in the training texts, as far as the table
    stays below 32 MB: fewer would let n-grams share a row, more would be empty.

    Args:
        name: of the model.
        prepared: the data.
        keywords: arguments of its builder that the user chose.

    Returns:
        The argument `ngram_buckets`, for a model that has it.
    """
    known = _registry.describe(name).keywords
    if "ngram_buckets" not in known:
        return {}
    lengths = keywords.get("ngrams", known["ngrams"])
    tokens = sum(len(ids) for ids in prepared.parts["train"].tokens)
    most = MOST_VALUES // max(outputs_of(prepared.tasks), 1)
    wanted = min(2 * tokens * max(len(lengths), 1), most, MOST_BUCKETS)
    return {"ngram_buckets": 2 ** max(int(np.log2(max(wanted, 1))), 10)}


def most_features(tasks: Mapping[str, Task]) -> int:
    """Returns how many features may be fitted together with the labels of a task.

    The fit of several classes holds some 20 copies of all their weights.

    Example:
        >>> most_features({"a": Task("categories", tuple("abcde"))})
        300000
    """
    together = [
        task.outputs
        for task in tasks.values()
        if task.kind == "categories" and task.outputs > 2
    ]
    return min(MOST_FEATURES, MOST_WEIGHTS // max(together, default=1))


def _frequent(matrix: csr_matrix, most: int) -> np.ndarray:
    """Returns the columns that occur, at most so many, the most frequent ones."""
    rows = np.diff(matrix.tocsc().indptr)
    used = np.flatnonzero(rows)
    if len(used) > most:
        used = np.sort(used[np.argsort(-rows[used], kind="stable")[:most]])
    return used


def _learn(
    prepared: Prepared, counts: csr_matrix, ngrams: csr_matrix, known
) -> Features:
    vocabulary, letters = prepared.pipeline.vocabulary, None
    lengths = np.array([len(word) for word in vocabulary])
    if (counts @ lengths).sum() <= MOST_LETTERS:
        letters = letter_features(vocabulary, counts)
    vectors = None
    if known is not None:
        matrix, present = known
        vectors = vector_features(matrix, present, VECTOR_SCALE)
    return Features(document_weights(ngrams), letters, vectors)


def _matrix(features: Features, counts: csr_matrix, ngrams: csr_matrix) -> csr_matrix:
    weighted = ngrams.copy()
    weighted.data = features.words[weighted.indices]
    blocks = [unit_rows(weighted)]
    if features.letters is not None:
        blocks.append(features.letters.of_texts(counts))
    if features.vectors is not None:
        blocks.append(csr_matrix(features.vectors.of_texts(counts)))
    return hstack(blocks, "csr")


def _labelled(
    prepared: Prepared, part: str, members: Sequence[str], matrix: csr_matrix
) -> tuple[csr_matrix, np.ndarray, np.ndarray]:
    """Features, targets and weights of the texts with a label of some tasks."""
    target, weight = joint(members, prepared.tasks, prepared.parts[part])
    rows = np.flatnonzero(weight > 0)
    return matrix[rows], target[rows], weight[rows]


def _weighted(prepared: Prepared, settings: ClassificationSettings, name: str, rows):
    """The rows with weights for the classes of a task, or for oversampling.

    Rows with distributions become one row for each label.
    """
    (matrix, targets, weights), task = rows, prepared.tasks[name]
    weights = row_weights(name, task, targets, weights, settings)
    if settings.imbalance == OVERSAMPLE and name not in settings.class_weights:
        weights = weights * repeats(task, likeliest(task, targets), weights)
    if task.kind == "categories" and targets.ndim == 2:
        several, targets, weights = repeated(targets, weights)
        matrix = matrix[several]
    return matrix, targets, weights


def _assign(bags, features: Features, weights: np.ndarray, bias: np.ndarray) -> None:
    words, letters, vectors = bags
    ends = np.cumsum([words.buckets, *_widths(features)])
    of_words, of_letters, of_vectors = np.split(weights, ends)[:3]
    words.ngram_weights.assign(features.words)
    words.embeddings.assign(of_words)
    none = np.zeros(letters.vocab_size)
    table, lengths = np.zeros((letters.vocab_size, words.outputs)), none
    if features.letters is not None:
        table, lengths = features.letters.values @ of_letters, features.letters.lengths
    letters.set_features(table, lengths, bias)
    table, known = np.zeros_like(table), none
    if features.vectors is not None:
        table, known = features.vectors.values @ of_vectors, features.vectors.known
    vectors.set_features(table, known, np.zeros_like(bias))


def _widths(features: Features) -> list[int]:
    letters, vectors = features.letters, features.vectors
    return [
        0 if letters is None else letters.values.shape[1],
        0 if vectors is None else vectors.values.shape[1],
    ]
