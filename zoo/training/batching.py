"""Batches of token ids for training and evaluation, in a few static shapes.

XLA compiles one program per shape, so rows are padded to one of a few bucket lengths
and every batch has the same number of rows: short batches are filled with padding rows
of weight 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import Any

import keras
import numpy as np

from zoo.tasks import safe_names

ROUND_TO = 8  # bucket lengths are multiples of this, which limits the search
# Tokens that take as long as a further call of a model: 4 ms, with 8 microseconds a
# token of a bidirectional LSTM of width 128.
CALL = 512


class EpochBatches(keras.utils.PyDataset):
    """Base class of batches planned again for each epoch; subclasses set `batches`.

    Attributes:
        epoch: counted from 0.
        batches: one entry per batch, set by `_plan`.
    """

    epoch = 0

    def _plan(self) -> None:
        """Sets `batches` for the epoch; always the same number, as Keras expects."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.batches)

    def start_at(self, epoch: int) -> None:
        """Continues with the batches of this epoch, counted from 0."""
        self.epoch = epoch
        self._plan()

    def follow(self) -> keras.callbacks.Callback:
        """Returns a callback that moves on to the epoch that `fit` begins."""
        return keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: self.start_at(epoch)
        )

    def feed(self):
        """Returns the data for `fit`, which also needs the callback of `follow`.

        It is a `tf.data.Dataset` on TensorFlow, else `self`: Keras infers the shapes of
        a `PyDataset` from its first two batches, which may both be of one bucket.
        """
        if keras.backend.backend() != "tensorflow":
            return self
        import tensorflow as tf

        def epoch():
            yield from (self[index] for index in range(len(self)))

        def spec(array):
            return tf.TensorSpec((None,) * array.ndim, array.dtype)

        signature = keras.tree.map_structure(spec, self[0])
        batches = tf.data.Dataset.from_generator(epoch, output_signature=signature)
        counted = batches.apply(tf.data.experimental.assert_cardinality(len(self)))
        return counted.prefetch(2)


class TokenBatches(EpochBatches):
    """Seeded, bucketed batches of `(tokens, targets, weights)`.

    Args:
        tokens: one int32 array of ids per text, not empty.
        targets: dict from task to an array with one row per text; empty for a language
            model.
        weights: dict from task to weights `[texts]`; 0 where the label is missing.
        batch_size: rows of every batch; without targets the last one of a length may
            have fewer ...
        most_tokens: ... but of texts so long that they have more tokens than this,
            padding included, fewer: at least one.
        buckets: increasing lengths, the last at least the longest text.
        shuffle: `True` for training: a new order each epoch, which depends only on
            `seed` and the number of the epoch, so a resumed run sees the same batches.
        sampling: how often to draw a text of each task in an epoch of as many draws as
            there are texts: `"proportional"` (each text once), `"uniform"` over tasks,
            or a temperature `t`, in proportion to `size ** (1 / t)`. Texts with labels
            of several tasks form a group of their own.
        repeats: number of passes over the texts in an epoch that is shuffled.
        preferred: `[texts]`, above 0: how often each text is drawn in relation to the
            others of its group, whose number of draws stays the same; `None` for
            equally often.
        seed: seed of the order and the sampling.

    Call returns: tokens `[batch_size, bucket]`, dict of targets, dict of weights, the
    dicts under `zoo.tasks.safe_names`, as `compile_model` expects; floats as float32,
    while `targets` keeps the given values.

    Example:
        >>> batches = TokenBatches([np.array([4, 5])], {"a": np.array([1])},
        ...                        {"a": np.array([1.0])}, batch_size=2, buckets=[8])
        >>> tokens, targets, weights = batches[0]
        >>> tokens.shape, weights["a"].tolist()
        ((2, 8), [1.0, 0.0])
    """

    def __init__(
        self,
        tokens: Sequence[np.ndarray],
        targets: Mapping[str, np.ndarray],
        weights: Mapping[str, np.ndarray],
        *,
        batch_size: int,
        most_tokens: int | None = None,
        buckets: Sequence[int],
        shuffle: bool = False,
        sampling: str | float = "proportional",
        repeats: int = 1,
        preferred: np.ndarray | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not len(tokens):
            raise ValueError("`tokens` must hold at least one text. Received: none.")
        self.tokens = tokens
        # The rows of a text are arrays, or lists of arrays in subclasses.
        self.targets: dict[str, Any] = dict(targets)
        self.weights = {
            task: np.asarray(weight, "float32") for task, weight in weights.items()
        }
        self.batch_size, self.most_tokens = batch_size, most_tokens
        self.buckets = np.asarray(buckets)
        self.shuffle = shuffle
        self.sampling = sampling
        self.repeats, self.preferred = repeats, preferred
        self.seed = seed
        self._names = safe_names(self.targets)
        lengths = np.array([len(ids) for ids in tokens])
        if lengths.max() > self.buckets[-1]:
            raise ValueError(
                "`buckets` must reach the longest text. Received: buckets="
                f"{list(buckets)}, longest text {lengths.max()} tokens."
            )
        self._bucket_of = np.searchsorted(self.buckets, lengths)
        self._groups = self._rows_by_group()
        self._plan()

    def __getitem__(self, index: int):
        rows, length = self.batches[index]
        size = self._height(rows, length)
        tokens = np.zeros((size, length), "int32")
        for row, source in enumerate(rows):
            tokens[row, : len(self.tokens[source])] = self.tokens[source]
        if not self.targets:
            return (tokens,)
        fill = size - len(rows)
        targets = {
            self._names[task]: _float32(
                np.concatenate([values[rows], np.repeat(values[:1], fill, axis=0)])
            )
            for task, values in self.targets.items()
        }
        weights = {
            self._names[task]: np.concatenate([values[rows], np.zeros(fill, "float32")])
            for task, values in self.weights.items()
        }
        return tokens, targets, weights

    def _rows_by_group(self) -> list[np.ndarray]:
        """Groups rows by the set of tasks that label them; omits unlabelled rows."""
        if not self.weights:
            return [np.arange(len(self.tokens))]
        present = np.stack([weight > 0 for weight in self.weights.values()], axis=1)
        groups, group_of = np.unique(present, axis=0, return_inverse=True)
        group_of = group_of.reshape(-1)
        return [
            np.flatnonzero(group_of == index)
            for index, group in enumerate(groups)
            if group.any() or not self.shuffle
        ]

    def _plan(self) -> None:
        """Sets `batches`: rows and padded length of each batch of the epoch."""
        epoch = self.epoch if self.shuffle else 0
        generator = np.random.default_rng([self.seed, epoch])
        if self.shuffle:
            rows = self._draw(generator)
        else:
            # Mixed too: the loss of a batch sums the means of the tasks in it.
            rows = generator.permutation(np.concatenate(self._groups))
        self.batches = []
        for bucket, length in enumerate(self.buckets):
            members = rows[self._bucket_of[rows] == bucket]
            size = self._size(int(length))
            for start in range(0, len(members), size):
                batch = members[start : start + size]
                self.batches.append((batch, int(length)))
        if self.shuffle:
            generator.shuffle(self.batches)

    def _height(self, rows: Sequence[int], length: int) -> int:
        """Returns the rows of a batch, with those of padding.

        Only a step that is compiled for each shape gains from them, as in training and
        on JAX.
        """
        static = self.targets or keras.backend.backend() != "tensorflow"
        return self._size(length) if static else len(rows)

    def _size(self, length: int) -> int:
        """Rows of a batch of texts that are padded to this length."""
        if self.most_tokens is None:
            return self.batch_size
        return max(1, min(self.batch_size, self.most_tokens // length))

    def _draw(self, generator: np.random.Generator) -> np.ndarray:
        """Returns the rows of one epoch, in order.

        Each epoch draws the same number of rows from each bucket of a group, so that
        all epochs have the same number of batches, as Keras expects.
        """
        sizes = np.array([len(group) for group in self._groups], float)
        total = self.repeats * sizes.sum()
        rates = total * sampling_shares(sizes, self.sampling) / sizes
        drawn = []
        for group, rate in zip(self._groups, rates, strict=True):
            scale = rate
            if self.preferred is not None:
                scale = rate / self.preferred[group].mean()
            for bucket in np.unique(self._bucket_of[group]):
                rows = group[self._bucket_of[group] == bucket]
                if self.preferred is not None:
                    times = scale * self.preferred[rows]
                    drawn.append(_draw_unevenly(rows, times, generator))
                    continue
                whole, rest = divmod(max(1, round(rate * len(rows))), len(rows))
                drawn += [rows] * whole
                drawn.append(generator.choice(rows, rest, replace=False))
        return generator.permutation(np.concatenate(drawn))


def _draw_unevenly(
    rows: np.ndarray, times: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Draws each row as often as `times` says, or once more by chance.

    The number of draws is that of `times`, rounded, and at least 1.
    """
    whole = np.floor(times).astype(int)
    shares = times - whole
    rest = max(1, round(times.sum())) - whole.sum()
    drawn = np.repeat(rows, whole)
    if rest > 0:
        shares = np.maximum(shares, 1e-9)  # rounding may leave too few others
        more = generator.choice(rows, rest, replace=False, p=shares / shares.sum())
        drawn = np.concatenate([drawn, more])
    return drawn


def _float32(array: np.ndarray) -> np.ndarray:
    return array.astype("float32") if array.dtype == "float64" else array


def sampling_shares(sizes: np.ndarray, sampling: str | float) -> np.ndarray:
    """Returns the share of each group of texts in an epoch.

    Args:
        sizes: number of texts of each group.
        sampling: `"proportional"`, `"uniform"`, or a temperature of at least 1.

    Returns:
        Shares that sum to 1.

    Raises:
        ValueError: for another `sampling`.

    Example:
        >>> sampling_shares(np.array([900, 100]), 2).tolist()
        [0.75, 0.25]
    """
    named: dict[str | float, str | float] = {"proportional": 1.0, "uniform": np.inf}
    temperature = named.get(sampling, sampling)
    if isinstance(temperature, str) or not temperature >= 1:
        raise ValueError(
            "`sampling` must be 'proportional', 'uniform' or a temperature of at least "
            f"1. Received: sampling={sampling!r}."
        )
    shares = np.asarray(sizes, float) ** (1.0 / temperature)
    return shares / shares.sum()


def choose_buckets(
    tokens: Sequence[Sized],
    count: int = 8,
    *,
    window: int | None = None,
    call: int = 0,
) -> list[int]:
    """Chooses the `count` padded lengths that need the least padding on these texts.

    Args:
        tokens: one array of ids per text.
        count: maximum number of lengths, and so of programs for XLA to compile.
        window: lengths above it are multiples of it: a recurrent layer that reads in
            windows would fill the last one.
        call: tokens of padding that are no worse than another length, such as `CALL`
            where each text is read once.

    Returns:
        Increasing lengths, multiples of 8; the last one holds the longest text.

    Example:
        >>> choose_buckets([np.ones(n) for n in (3, 5, 60, 61)], 2)
        [8, 64]
        >>> choose_buckets([np.ones(n) for n in (3, 60, 140)], 3, window=128)
        [8, 64, 256]
        >>> choose_buckets([np.ones(n) for n in (3, 5, 60, 61)], 2, call=CALL)
        [64]
    """
    lengths = np.array([max(1, len(ids)) for ids in tokens])
    rounded = -(-lengths // ROUND_TO) * ROUND_TO
    if window is not None:
        whole = -(-lengths // window) * window
        rounded = np.where(lengths > window, whole, rounded)
    ends, numbers = np.unique(rounded, return_counts=True)
    # best[b, j]: least padded tokens of the j shortest lengths in b buckets.
    texts = np.concatenate([[0], np.cumsum(numbers)])
    best = np.full((count + 1, len(ends) + 1), np.inf)
    best[0, 0] = 0
    cut = np.zeros((count + 1, len(ends) + 1), int)
    for bucket in range(1, count + 1):
        for end in range(1, len(ends) + 1):
            costs = best[bucket - 1, :end] + ends[end - 1] * (texts[end] - texts[:end])
            cut[bucket, end] = np.argmin(costs)
            best[bucket, end] = costs[cut[bucket, end]]
    costs = best[:, -1] + call * np.arange(count + 1)
    bucket, end, chosen = int(np.argmin(costs)), len(ends), []
    while end:
        chosen.append(int(ends[end - 1]))
        end, bucket = cut[bucket, end], bucket - 1
    return chosen[::-1]
