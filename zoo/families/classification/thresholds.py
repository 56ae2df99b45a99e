"""Thresholds of multilabel tasks, tuned on the validation part for each label's F1."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from zoo.families.classification.reliability import present_rows
from zoo.tasks import THRESHOLD, Task

# With fewer positive rows a label keeps 0.5: one row more or less would decide.
FEWEST_POSITIVES = 5
# The threshold of the highest F1 of one sample lies between two of its rows, and which
# two is mostly chance. The median over resamples hardly depends on a single row, and a
# gain that is not there in most resamples is taken for noise.
RESAMPLES, AGREEING = 25, 0.9
# The best threshold of calibrated probabilities is half of the F1 that it reaches
# (Lipton et al. 2014, theorem 1), so one below 0.01 is not worth having.
LIMITS = (0.01, 0.99)
STEPS = 1000  # of the common threshold


def tune_thresholds(task: Task, target, weight, logits) -> tuple[float, ...]:
    """Returns the thresholds that raise the F1 of the labels on held-out rows.

    Of each label the median, over bootstrap resamples of the rows, of the threshold
    with the highest F1; 0.5 if the label has few positive rows, or if the median does
    not beat 0.5 in most of the resamples. What is tuned is then moved halfway, in
    logits, to the one threshold of all tuned labels with the highest micro F1, if that
    raises the micro F1 where each half of the rows tunes for the other: the thresholds
    of rare labels are mostly chance.

    Args:
        task: a multilabel task with its temperature.
        target: 0 and 1 `[rows, labels]`.
        weight: `[rows]`; rows of weight 0 are ignored.
        logits: `[rows, labels]`.

    Returns:
        A probability for each label, or `()` if none differs from 0.5.

    Example:
        >>> task, logits = Task("multilabel", ("rare",)), np.full((60, 1), -4.0)
        >>> logits[:20] = -2.0
        >>> target = logits > -3.0
        >>> round(tune_thresholds(task, target, np.ones(60), logits)[0], 3)  # of -3
        0.047
    """
    target, logits = present_rows(target, weight, logits)
    true, logits = target > 0, logits / task.temperature
    own = _of_labels(true, logits)
    if (own == THRESHOLD).all():
        return ()
    nearer = _nearer_to_one(own, true, logits)
    if (nearer != own).any() and _gains(true, logits):
        own = nearer
    return tuple(own.tolist())


def _of_labels(true: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Returns the threshold of each label by itself, `[labels]`."""
    rows, labels = true.shape
    if rows < 2:
        return np.full(labels, THRESHOLD)
    generator = np.random.default_rng(0)
    # How often each resample has each row.
    times = generator.multinomial(rows, np.full(rows, 1 / rows), RESAMPLES)
    found = [_of_label(true[:, n], scores[:, n], times) for n in range(labels)]
    return np.array(found)


def _nearer_to_one(own: np.ndarray, true: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Returns the tuned thresholds, halfway in logits to a common one."""
    tuned = own != THRESHOLD
    if tuned.sum() < 2:
        return own
    common = _common(true[:, tuned], expit(scores[:, tuned]))
    nearer = own.copy()
    nearer[tuned] = expit((logit(own[tuned]) + logit(common)) / 2)
    return nearer


def _gains(true: np.ndarray, scores: np.ndarray) -> bool:
    """Returns whether nearer thresholds of each half suit the other half better."""
    order = np.random.default_rng(0).permutation(len(true))
    halves, gain = np.array_split(order, 2), 0.0
    for tuning, judging in (halves, halves[::-1]):
        own = _of_labels(true[tuning], scores[tuning])
        nearer = _nearer_to_one(own, true[tuning], scores[tuning])
        chances = expit(scores[judging])
        gain += _micro_f1(true[judging], chances > nearer)
        gain -= _micro_f1(true[judging], chances > own)
    return gain > 0


def _common(true: np.ndarray, chances: np.ndarray) -> float:
    """Returns the threshold of all labels with the highest micro F1, in steps."""
    found = np.histogram(chances[true], STEPS, (0, 1))[0][::-1].cumsum()
    said = np.histogram(chances, STEPS, (0, 1))[0][::-1].cumsum()
    steps = int((2 * found / (true.sum() + said)).argmax()) + 1
    return float(np.clip(1 - steps / STEPS, *LIMITS))


def _micro_f1(true: np.ndarray, said: np.ndarray) -> float:
    return 2 * (true & said).sum() / max(true.sum() + said.sum(), 1)


def _of_label(true: np.ndarray, scores: np.ndarray, times: np.ndarray) -> float:
    positives = int(true.sum())
    if positives < FEWEST_POSITIVES or positives == len(true):
        return THRESHOLD
    if not np.isfinite(scores).all():
        return THRESHOLD
    order = np.argsort(-scores, kind="stable")
    true, scores, times = true[order], scores[order].astype("float64"), times[:, order]
    # F1 in each resample if the label applied to the first of these rows only.
    hits, said = (times * true).cumsum(axis=1), times.cumsum(axis=1)
    f1 = 2 * hits / np.maximum(hits[:, -1:] + said, 1)
    ends = np.flatnonzero(scores[:-1] > scores[1:])  # rows of equal scores go together
    if not len(ends):
        return THRESHOLD
    best = ends[f1[:, ends].argmax(axis=1)]
    middles = expit((scores[best] + scores[best + 1]) / 2)
    threshold = float(np.clip(np.median(middles), *LIMITS))

    def reached(cut: float) -> np.ndarray:
        rows = int((expit(scores) > cut).sum())
        return f1[:, rows - 1] if rows else np.zeros(RESAMPLES)

    gains = reached(threshold) > reached(THRESHOLD)
    return threshold if gains.mean() >= AGREEING else THRESHOLD
