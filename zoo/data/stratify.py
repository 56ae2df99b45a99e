"""Distributes bundles over parts so that every label has its share in each."""

from __future__ import annotations

from collections.abc import Sequence

from zoo._lazy import numpy as np
from zoo.data.mend import mend
from zoo.data.strata import Strata

TRAIN = 0
_UNDEALT = -1
_CLOSE = 1e-9  # 0.1 * 60 is to count as a whole number
_GOLDEN = 0.6180339887498949


def stratify(
    strata: Strata, sizes: np.ndarray, places: np.ndarray, shares: Sequence[float]
) -> np.ndarray:
    """Distributes bundles over parts by their labels.

    A bundle counts once for each of its labels, however many rows it has. Bundles with
    the same labels are distributed in whole numbers: of 60 bundles 6 to a part of 10 %,
    drawn over all sizes. The rest, up to two bundles of each combination, is assigned
    one by one, the rarest label first, to the part that lacks most (iterative
    stratification: Sechidis et al. 2011, section 3). Then single bundles move where a
    label is more than one bundle off. If each bundle has one label, none is.

    Training (part 0) keeps the largest bundle of each label, unless another bundle of
    the label is there anyway, and every bundle with more rows than a part should have
    of each of its labels.

    Args:
        strata: the labels of the bundles.
        sizes: rows of each bundle, `[bundles]`.
        places: rank of each bundle in the seeded order, `[bundles]`.
        shares: shares of the parts, training first; they sum to 1.

    Returns:
        The part of each bundle, int `[bundles]`.

    Source: Sechidis, Tsoumakas and Vlahavas 2011, On the Stratification of Multi-Label
    Data.
    """
    wanted = np.asarray(shares, float)
    parts = np.full(len(sizes), _UNDEALT)
    if not len(sizes):
        return parts
    kept = _kept_in_training(strata, sizes, places, wanted)
    parts[kept] = TRAIN
    alike = _combinations(strata)
    fractions = _deal_whole_numbers(parts, alike, sizes, places, wanted)
    _deal_rest(parts, strata, alike, fractions, places)
    if strata.single:
        return parts
    return mend(parts, strata, kept, places, wanted)


def _kept_in_training(strata, sizes, places, shares) -> np.ndarray:
    """Returns which bundles must be in training, bool `[bundles]`."""
    owners, labels = strata.owners, strata.labels
    counts = np.bincount(labels, minlength=strata.count)
    firsts = np.cumsum(counts) - counts
    by_size = np.lexsort((places[owners], -sizes[owners], labels))
    rank = np.empty(len(labels), int)
    rank[by_size] = np.arange(len(labels)) - np.repeat(firsts, counts)
    # Larger than a part's share of the label's rows, or than the mean if that is more;
    # only as many as leave the other parts their number of bundles.
    rows = np.bincount(labels, sizes[owners], strata.count)
    room = np.maximum(shares[1:].max() * rows, rows / counts)
    too_large = (sizes[owners] > room[labels]) & (
        rank <= shares[TRAIN] * counts[labels]
    )
    kept = np.logical_and.reduceat(too_large, strata.starts[:-1])
    largest = owners[by_size[firsts]]
    there = np.zeros(strata.count, bool)
    there[labels[kept[owners]]] = True
    for label in np.lexsort((places[largest], counts)):  # the rarest first
        if not there[label]:
            kept[largest[label]] = True
            there[strata.of(largest[label])] = True
    return kept


def _combinations(strata) -> np.ndarray:
    """Returns a number for each bundle that identifies its set of labels."""
    if strata.single:
        return strata.labels
    numbers: dict[bytes, int] = {}
    return np.array(
        [
            numbers.setdefault(strata.of(bundle).tobytes(), len(numbers))
            for bundle in range(len(strata.starts) - 1)
        ]
    )


def _deal_whole_numbers(parts, combinations, sizes, places, shares) -> np.ndarray:
    """Gives each part its whole number of bundles of each combination, drawn over all
    sizes.

    Returns:
        By combination, how many of the remaining bundles each part should have, as
        fractions `[combinations, parts]`.
    """
    free = np.flatnonzero(parts == _UNDEALT)
    totals = np.bincount(combinations)
    room = np.bincount(combinations[free], minlength=len(totals))
    wanted = np.outer(totals, shares)
    wanted[:, TRAIN] -= totals - room
    counts = np.floor(np.maximum(wanted, 0) + _CLOSE).astype(int)
    counts[counts.sum(axis=1) > room] = 0  # too many bundles are kept in training
    left = room - counts.sum(axis=1)
    slots = np.column_stack([counts, left]).ravel()  # the last column is for later
    # Each combination's bundles are sorted by size, largest first. The slots of each
    # part are spread evenly over them, each at a random place of its stretch.
    free = free[np.lexsort((places[free], -sizes[free], combinations[free]))]
    within = np.arange(slots.sum()) - np.repeat(np.cumsum(slots) - slots, slots)
    at = (within + places[free] * _GOLDEN % 1) / np.repeat(slots, slots)
    owner, part = np.divmod(np.repeat(np.arange(len(slots)), slots), len(shares) + 1)
    part = part[np.lexsort((at, owner))]
    parts[free] = np.where(part == len(shares), _UNDEALT, part)
    wanted = np.maximum(wanted - counts, 0) * (shares > 0)
    return wanted * (left / np.maximum(wanted.sum(axis=1), _CLOSE))[:, None]


def _deal_rest(parts, strata, combinations, fractions, places) -> None:
    """Assigns the remaining bundles one by one to the part that lacks most."""
    rest = np.flatnonzero(parts == _UNDEALT)
    left = np.bincount(combinations[rest], minlength=len(fractions))
    rarest, turns = _turns(strata, places)
    # How much each part lacks: by label and, in the last row, in all.
    everything = strata.with_all()
    behind = np.zeros((everything.count, fractions.shape[1]))
    for bundle in rest[np.lexsort((places[rest], turns[rarest[rest]]))]:
        combination, labels = combinations[bundle], everything.of(bundle)
        behind[labels] += fractions[combination] / left[combination]
        wanting = behind[labels].sum(axis=0).round(9)  # for equal ties on every machine
        wanting[behind[rarest[bundle]] <= _CLOSE] = -np.inf
        part = int(np.argmax(wanting))
        behind[labels, part] -= 1
        parts[bundle] = part


def _turns(strata, places) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rarest label of each bundle, `[bundles]`, and the order of labels:
    the rarest first, those of equal counts in a seeded order, `[labels]`."""
    counts = np.bincount(strata.labels, minlength=strata.count)
    first = np.full(strata.count, len(places))
    np.minimum.at(first, strata.labels, places[strata.owners])
    order = np.lexsort((first, counts))
    turns = np.argsort(order)
    rarest = order[np.minimum.reduceat(turns[strata.labels], strata.starts[:-1])]
    return rarest, turns
