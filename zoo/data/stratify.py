"""Deals bundles to parts so that every label has its share in each of them."""

from __future__ import annotations

from collections.abc import Sequence

from zoo._lazy import numpy as np
from zoo.data.mend import mend
from zoo.data.strata import Strata

TRAIN = 0
_UNDEALT = -1
_CLOSE = 1e-9  # 0.1 * 60 is a whole number, whatever floats say
_GOLDEN = 0.6180339887498949


def stratify(
    strata: Strata, sizes: np.ndarray, places: np.ndarray, shares: Sequence[float]
) -> np.ndarray:
    """Deals bundles to parts by the labels of each.

    A bundle counts once for each of its labels, however many rows it has. Bundles with
    the same labels are dealt by whole numbers: of 60 bundles 6 to a part of 10 %, drawn
    over all sizes. What is left over, up to two bundles of each combination, is dealt
    one by one, the rarest label first, to the part that is furthest behind (iterative
    stratification: Sechidis et al. 2011, section 3); then single bundles move where a
    label is more than one bundle off. Where each bundle has one label, none is.

    In training (part 0) stay the largest bundle of each label, unless another bundle of
    the label is there anyway, and a bundle with more rows than a part should have of
    each of its labels.

    Args:
        strata: the labels of the bundles.
        sizes: rows of each bundle, `[bundles]`.
        places: each bundle's place in an order of the seed, `[bundles]`.
        shares: of the parts, the first one training; their sum is 1.

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
    """Which bundles must be in training, bool `[bundles]`."""
    owners, labels = strata.owners, strata.labels
    counts = np.bincount(labels, minlength=strata.count)
    firsts = np.cumsum(counts) - counts
    by_size = np.lexsort((places[owners], -sizes[owners], labels))
    rank = np.empty(len(labels), int)
    rank[by_size] = np.arange(len(labels)) - np.repeat(firsts, counts)
    # Larger than a part's share of the label's rows, or than the mean where that is
    # more; only as many as leave the other parts their number of bundles.
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
    """A number for the labels of each bundle, the same for the same labels."""
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
    """Gives each part the whole number of bundles that it must have of each
    combination, drawn over all sizes.

    Returns:
        By combination, how many of the bundles that are left each part should have,
        `[combinations, parts]`: fractions.
    """
    free = np.flatnonzero(parts == _UNDEALT)
    totals = np.bincount(combinations)
    room = np.bincount(combinations[free], minlength=len(totals))
    wanted = np.outer(totals, shares)
    wanted[:, TRAIN] -= totals - room
    counts = np.floor(np.maximum(wanted, 0) + _CLOSE).astype(int)
    counts[counts.sum(axis=1) > room] = 0  # too many bundles are kept in training
    left = room - counts.sum(axis=1)
    slots = np.column_stack([counts, left]).ravel()  # the last column is not dealt yet
    # The bundles of a combination side by side, the largest first. The slots of each
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
    """Deals what is left one by one to the part that is furthest behind."""
    rest = np.flatnonzero(parts == _UNDEALT)
    left = np.bincount(combinations[rest], minlength=len(fractions))
    rarest, turns = _turns(strata, places)
    # How far each part is behind: by label and, in the last row, of all.
    everything = strata.with_all()
    behind = np.zeros((everything.count, fractions.shape[1]))
    for bundle in rest[np.lexsort((places[rest], turns[rarest[rest]]))]:
        combination, labels = combinations[bundle], everything.of(bundle)
        behind[labels] += fractions[combination] / left[combination]
        wanting = behind[labels].sum(axis=0).round(9)  # ties on every machine
        wanting[behind[rarest[bundle]] <= _CLOSE] = -np.inf
        part = int(np.argmax(wanting))
        behind[labels, part] -= 1
        parts[bundle] = part


def _turns(strata, places) -> tuple[np.ndarray, np.ndarray]:
    """The rarest label of each bundle, `[bundles]`, and the turn of each label: the
    rarest first, those of equal counts in an order of the seed, `[labels]`."""
    counts = np.bincount(strata.labels, minlength=strata.count)
    first = np.full(strata.count, len(places))
    np.minimum.at(first, strata.labels, places[strata.owners])
    order = np.lexsort((first, counts))
    turns = np.argsort(order)
    rarest = order[np.minimum.reduceat(turns[strata.labels], strata.starts[:-1])]
    return rarest, turns
