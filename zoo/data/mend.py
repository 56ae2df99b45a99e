"""Moves single bundles between parts of a split until each label has its share."""

from __future__ import annotations

from zoo._lazy import numpy as np
from zoo.data.strata import Strata

_CLOSE = 1e-9
_PATIENCE = 200  # consecutive moves without improvement
_REST = 5  # moves before a bundle may move again
_LOOKED_AT = 2000  # bundles considered for one move


def mend(
    parts: np.ndarray,
    strata: Strata,
    kept: np.ndarray,
    places: np.ndarray,
    shares: np.ndarray,
) -> np.ndarray:
    """Moves bundles as long as a label is more than one bundle off its share.

    Each move takes, for the label that is furthest off, the bundle and the part with
    the least resulting error, even if it is more than before (tabu search: Glover
    1989).

    Args:
        parts: parts of each bundle, `[bundles]`.
        strata: the labels of the bundles.
        kept: bundles that must not move, bool `[bundles]`.
        places: rank of each bundle in the seeded order, `[bundles]`.
        shares: shares of the parts; no bundle moves to a part without a share.

    Returns:
        The parts with the least error found, int `[bundles]`.
    """
    parts, fixed, strata = parts.copy(), kept.copy(), strata.with_all()
    members = _members(strata, places)
    counts = np.array([len(found) for found in members])
    off = strata.counts(parts, len(shares)) - np.outer(counts, shares)
    moves: list[tuple[int, int]] = []  # bundles, and the parts they left
    least, best = _error(off).sum(), 0
    while np.abs(off[:-1]).max() > 1 + _CLOSE and len(moves) - best < _PATIENCE:
        move = _next_move(off, parts, strata, fixed, members, shares)
        if move is None:
            break
        bundle, to = move
        labels, source = strata.of(bundle), parts[bundle]
        off[labels, source] -= 1
        off[labels, to] += 1
        parts[bundle], fixed[bundle] = to, True
        moves.append((bundle, source))
        if len(moves) > _REST:
            fixed[moves[-_REST - 1][0]] = False
        if _error(off).sum() < least - _CLOSE:
            least, best = _error(off).sum(), len(moves)
    for bundle, source in reversed(moves[best:]):
        parts[bundle] = source
    return parts


def _members(strata: Strata, places: np.ndarray) -> list[np.ndarray]:
    """Returns the bundles of each label, by rank."""
    order = np.lexsort((places[strata.owners], strata.labels))
    ends = np.cumsum(np.bincount(strata.labels, minlength=strata.count))
    return np.split(strata.owners[order], ends[:-1])


def _next_move(off, parts, strata, fixed, members, shares) -> tuple[int, int] | None:
    """Returns a bundle and its new part, for the label furthest off that has one."""
    furthest = np.abs(off[:-1]).max(axis=1)
    for label in np.argsort(-furthest, kind="stable"):
        if furthest[label] <= 1 + _CLOSE:
            return None
        part = int(np.abs(off[label]).argmax())
        too_many = off[label, part] > 0
        found = members[label]
        found = found[~fixed[found] & ((parts[found] == part) == too_many)]
        found = found[:_LOOKED_AT]
        if not len(found):
            continue
        here = np.arange(len(found)), parts[found]
        labels, starts = strata.of_each(found)
        leave = np.add.reduceat((_error(off - 1) - _error(off))[labels], starts)[here]
        cost = np.add.reduceat((_error(off + 1) - _error(off))[labels], starts)
        cost[here] = np.inf
        cost[:, shares == 0] = np.inf
        if not too_many:
            cost[:, np.arange(len(shares)) != part] = np.inf
        cost += leave[:, None]
        cost = cost.round(6)  # for equal ties on every machine
        chosen, to = np.unravel_index(cost.argmin(), cost.shape)
        if np.isfinite(cost[chosen, to]):
            return int(found[chosen]), int(to)
    return None


def _error(off: np.ndarray) -> np.ndarray:
    """Returns the cost of deviations: little within one bundle, then much, but linear,
    so that other labels do not pay for one that cannot be balanced. The last row, of
    all bundles, counts least."""
    beyond = np.maximum(np.abs(off) - 1, 0)
    error = 1000 * np.where(beyond < 1, beyond**2, 2 * beyond - 1) + off**2
    error[-1] = np.abs(off[-1])
    return error
