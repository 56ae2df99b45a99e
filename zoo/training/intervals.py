"""How sure a score on few rows is: the 95 % interval of a main metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

INTERVAL = "interval"  # key of the two bounds among the scores of a task
FEW_ROWS = 1_000  # of more, the bounds are closer than models usually are
RESAMPLES = 1_000
_NORMAL = 1.959964  # a normal variable is within plus and minus this in 95 %


def share_interval(right: int, rows: int) -> tuple[float, float]:
    """Returns Wilson's 95 % interval of a share, such as an accuracy.

        (p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n)

    It is also right for few rows without any mistake, all of whose resamples agree.

    Args:
        right: rows that count.
        rows: all rows, at least one.

    Example:
        >>> [round(bound, 2) for bound in share_interval(2, 2)]
        [0.34, 1.0]

    Source: Wilson 1927; Brown, Cai and DasGupta 2001, section 3.1.1.
    """
    share, square = right / rows, _NORMAL**2 / rows
    middle = share + square / 2
    half = np.sqrt(square * (share * (1 - share) + square / 4))
    low, high = (middle - half) / (1 + square), (middle + half) / (1 + square)
    return float(max(low, 0.0)), float(min(high, 1.0))


def resampled_interval(
    values: np.ndarray, metric: Callable[[np.ndarray], np.ndarray], seed: int = 0
) -> tuple[float, float] | None:
    """Returns the bounds of a metric over resamples of the rows, with replacement.

    Args:
        values: `[rows, values]`, in any order of the rows.
        metric: from sums over rows `[resamples, values]` to metrics `[resamples]`,
            not finite where undefined.
        seed: seed of the resamples.

    Returns:
        The 2.5 % and 97.5 % quantiles, or `None` if no resample has a metric.

    Example:
        >>> rows = np.array([[1.0, 1.0], [0.0, 1.0]] * 50)
        >>> low, high = resampled_interval(rows, lambda sums: sums[:, 0] / sums[:, 1])
        >>> 0.38 < low < 0.42 and 0.58 < high < 0.62
        True

    Source: Efron 1979, Bootstrap Methods.
    """
    values = np.asarray(values, "float64")
    values = values[np.lexsort(values.T)]
    chances = np.full(len(values), 1 / len(values))
    counts = np.random.default_rng(seed).multinomial(len(values), chances, RESAMPLES)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = metric(counts @ values)
    found = found[np.isfinite(found)]
    if not len(found):
        return None
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def overlap(one: Mapping, other: Mapping, metric: str) -> bool:
    """Returns whether chance may explain which of two results is better.

    That is if either score is within the interval of the other.

    Args:
        one: scores of a task, perhaps without an interval.
        other: scores of the same task by another model.
        metric: name of the metric.

    Example:
        >>> one, other = {"r2": 0.5, "interval": (0.1, 0.9)}, {"r2": 0.6}
        >>> overlap(one, other, "r2"), overlap(other, other, "r2")
        (True, False)
    """
    return any(
        low <= value[metric] <= high
        for scores, value in ((one, other), (other, one))
        for low, high in [scores.get(INTERVAL, (np.inf, -np.inf))]
    )


def f1_interval(true: np.ndarray, predicted: np.ndarray) -> tuple[float, float] | None:
    """Returns the interval of micro F1, `2 tp / (2 tp + fp + fn)`.

    Args:
        true: bools `[rows, labels]`.
        predicted: bools `[rows, labels]`.
    """
    both = true.sum(axis=1) + predicted.sum(axis=1)
    values = np.column_stack([2 * (true & predicted).sum(axis=1), both])
    return resampled_interval(values, lambda sums: sums[:, 0] / sums[:, 1])


def r2_interval(target: np.ndarray, error: np.ndarray) -> tuple[float, float] | None:
    """Returns the interval of R2, `1 - Σ error² / Σ (target - mean)²`.

    Args:
        target: `[rows]`, standardised.
        error: `[rows]`, in the same unit.
    """

    def r2(sums: np.ndarray) -> np.ndarray:
        squared, total, squares = sums.T
        spread = squares - total**2 / len(target)
        # Of a resample of equal targets only rounding is left.
        return np.where(spread > 1e-9 * squares, 1 - squared / spread, np.nan)

    return resampled_interval(np.column_stack([error**2, target, target**2]), r2)
