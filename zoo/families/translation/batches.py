"""Batches of pairs of similar lengths, limited by a number of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.training.batching import EpochBatches, choose_buckets

ROUND_TO = 4  # lengths are rounded up to a multiple of this, to group pairs


class PairBatches(EpochBatches):
    """Seeded batches of `({source, target}, labels, weights)`.

    Pairs of similar lengths are batched together to limit padding, and a batch takes as
    many as fit into `batch_tokens` for source and target. Each epoch redistributes
    pairs of equal rounded lengths, and shuffles the batches.

    Args:
        sources: int ids `[time]` of each source.
        targets: int ids `[time + 1]` of each target: all but the last are the input,
            all but the first are the labels.
        batch_tokens: maximum number of source tokens, and of target tokens, in a batch,
            padding included. A longer pair is a batch by itself.
        shuffle: `True` for training: a new order each epoch, which depends only on
            `seed` and the number of the epoch, so a resumed run sees the same batches.
        seed: seed of the order.
        buckets: number of padded lengths, for JAX, which compiles each shape: every
            batch then has one of as many shapes, and the last ones are filled with
            padding. `None` pads each batch to its own longest pair.

    Call returns: a dict of `source` and `target`, int32 `[rows, time]`, 0 for padding,
    labels int32 `[rows, target time]` and weights float32 alike, 0 at padding.

    Raises:
        ValueError: if there is no pair.

    Example:
        >>> source, target = np.array([7, 3]), np.array([2, 5, 6, 3])
        >>> inputs, labels, weights = PairBatches([source], [target], batch_tokens=8)[0]
        >>> inputs["target"].tolist(), labels.tolist(), weights.tolist()
        ([[2, 5, 6]], [[5, 6, 3]], [[1.0, 1.0, 1.0]])
    """

    def __init__(
        self,
        sources: Sequence[np.ndarray],
        targets: Sequence[np.ndarray],
        *,
        batch_tokens: int,
        shuffle: bool = False,
        seed: int = 0,
        buckets: int | None = None,
    ) -> None:
        super().__init__()
        if not len(sources):
            raise ValueError("`sources` must hold at least one text. Received: none.")
        self.sources, self.targets = sources, targets
        self.batch_tokens, self.shuffle, self.seed = batch_tokens, shuffle, seed
        lengths = [(len(t) - 1, len(s)) for s, t in zip(sources, targets, strict=True)]
        self._lengths = -(-np.array(lengths) // ROUND_TO) * ROUND_TO
        self._buckets = None
        if buckets is not None:
            longest = self._lengths.max(axis=1)
            self._buckets = choose_buckets([range(n) for n in longest], buckets)
        self._plan()

    def __getitem__(self, index: int):
        rows, shape = self.batches[index]
        targets = [self.targets[row] for row in rows]
        inputs = {
            "source": _padded([self.sources[row] for row in rows], shape),
            "target": _padded([target[:-1] for target in targets], shape),
        }
        labels = _padded([target[1:] for target in targets], shape)
        return inputs, labels, (labels > 0).astype("float32")

    def _plan(self) -> None:
        generator = np.random.default_rng([self.seed, self.epoch])
        rows = np.arange(len(self._lengths))
        if self.shuffle:
            rows = generator.permutation(rows)
        cut = self._by_length if self._buckets is None else self._by_bucket
        self.batches = list(cut(rows))
        if self.shuffle:
            generator.shuffle(self.batches)

    def _by_bucket(self, rows):
        """Rows and shape of each batch, a shape for each bucket."""
        assert self._buckets is not None  # otherwise `_by_length` is called
        bucket_of = np.searchsorted(self._buckets, self._lengths[rows].max(axis=1))
        for bucket, length in enumerate(self._buckets):
            count = max(1, self.batch_tokens // length)
            members = rows[bucket_of == bucket]
            for start in range(0, len(members), count):
                yield members[start : start + count], (count, length)

    def _by_length(self, rows):
        """Rows of each batch, as long as its longest pair."""
        # The sorted lengths are the same in every epoch, and so are the cuts.
        rows = rows[np.lexsort(self._lengths[rows].T[::-1])]
        longest = self._lengths[rows].max(axis=1)
        start, most = 0, 0
        for place, length in enumerate(longest):
            most = max(most, length)
            if place > start and most * (place + 1 - start) > self.batch_tokens:
                yield rows[start:place], None
                start, most = place, length
        yield rows[start:], None


def _padded(rows: Sequence[np.ndarray], shape: tuple[int, int] | None) -> np.ndarray:
    padded = np.zeros(shape or (len(rows), max(map(len, rows))), "int32")
    for row, ids in enumerate(rows):
        padded[row, : len(ids)] = ids
    return padded
